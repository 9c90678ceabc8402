"""Namespaces over HTTP: which, with what limits, and where their logs go."""

from ioruntime.core.entitlement import check_namespace
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.rest.documents import limits_document
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import namespace_of
from ioruntime.model.errors import InvalidError
from ioruntime.model.identity import Identity
from ioruntime.model.limits import effective


class NamespaceHandlers:
    """Handlers of what belongs to a namespace as a whole."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._limits = services.limits

    async def list_namespaces(self, call: Call) -> Reply:
        """List the namespaces of the caller."""
        return Reply.json([(await self._identify(call)).name])

    async def get_limits(self, call: Call) -> Reply:
        """Show what the namespace may use."""
        identity = await self._own(call)
        overrides = identity.namespace.overrides
        return Reply.json(limits_document(effective(self._limits, overrides), own=frozenset(overrides)))

    async def get_one_limit(self, call: Call) -> Reply:
        """Refuse: limits are shown together."""
        await self._own(call)
        raise InvalidError(f"Limits are shown all together, not '{call.params['name']}' alone.")

    async def _own(self, call: Call) -> Identity:
        identity = await self._identify(call)
        check_namespace(identity, namespace_of(call, identity))
        return identity
