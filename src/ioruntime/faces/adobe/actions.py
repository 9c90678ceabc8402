"""Actions over HTTP: list, create, read, execute, update, delete.

GET of an action answers the action and POST its invocation's outcome. POST to the list creates and refuses a name that
is taken (409); PUT updates and refuses one that is not there (404). Lists are whole: every action of the namespace, in
packages or not, unless the client asks for a page with `limit` and `skip`.
"""

from collections.abc import Sequence

from ioruntime.core.authenticate import identify
from ioruntime.core.invocation import Accepted, Outcome
from ioruntime.faces.adobe.documents import (
    AcceptedDocument,
    ActionDocument,
    action_document,
    activation_document,
)
from ioruntime.faces.adobe.forms import ActionForm, creation, update
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.adobe.services import AdobeServices
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.express import Freshness, InvokeRecipe
from ioruntime.faces.http.origin import origin
from ioruntime.faces.http.paging import flag, read_page
from ioruntime.model.action import Action
from ioruntime.model.activation import Status
from ioruntime.model.errors import InvalidError, MalformedBodyError, NotFoundError
from ioruntime.model.identity import Identity
from ioruntime.model.names import SYSTEM_NAMESPACE, EntityPath
from ioruntime.model.params import Arguments, read_arguments

_ALL = 1_000_000
_STATUS = {Status.SUCCESS: 200, Status.APPLICATION_ERROR: 502, Status.DEVELOPER_ERROR: 502, Status.WHISK_ERROR: 500}


class ActionHandlers:
    """Handlers of `/runtime/namespaces/{orgId}/{intId}/actions` and `/runtime/system/actions`."""

    def __init__(self, services: AdobeServices, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._authenticator = services.authenticator
        self._namespaces = services.namespaces
        self._catalog = services.catalog
        self._resolver = services.resolver
        self._invocations = services.invocations
        self._limits = services.limits
        self._base_url = services.base_url

    async def list_actions(self, call: Call) -> Reply:
        """List all actions of the namespace with their code, newest first."""
        return await self._list(call, await self._gatekeeper.identity(call))

    async def list_system_actions(self, call: Call) -> Reply:
        """List the platform's own actions; the same for everybody."""
        await self._gatekeeper.holder(call)
        try:
            system = await self._namespaces.named(SYSTEM_NAMESPACE)
        except NotFoundError:
            return Reply.json([])
        return await self._list(call, identify(system))

    async def create_action(self, call: Call) -> Reply:
        """Create an action."""
        identity = await self._gatekeeper.identity(call)
        form: ActionForm = await call.json(ActionForm)
        if not form.name:
            raise InvalidError("The field 'name' is required: 'name', or 'package/name'.")
        path = EntityPath.of(identity.name, *form.name.split("/"))
        action = await self._catalog.put(identity, path, creation(form), overwrite=False)
        return Reply.json(await self._document(action, call))

    async def get_action(self, call: Call) -> Reply:
        """Return an action with its code."""
        identity = await self._gatekeeper.identity(call)
        action = await self._catalog.read(identity, _path(call, identity), merged=False)
        return Reply.json(await self._document(action, call))

    async def update_action(self, call: Call) -> Reply:
        """Update an action; absent fields keep their value, the version goes up."""
        identity = await self._gatekeeper.identity(call)
        path = _path(call, identity)
        form: ActionForm = await call.json(ActionForm)
        existing = await self._catalog.read(identity, path, merged=False)
        is_code_needed = form.exec is not None and form.given_code is None
        code = await self._catalog.kept_code(existing) if is_code_needed else None
        action = await self._catalog.put(identity, path, update(form, existing, code), overwrite=True)
        return Reply.json(await self._document(action, call))

    async def delete_action(self, call: Call) -> Reply:
        """Delete an action, and show what it was."""
        identity = await self._gatekeeper.identity(call)
        path = _path(call, identity)
        document = await self._document(await self._catalog.read(identity, path, merged=False), call)
        await self._catalog.delete(identity, path)
        return Reply.json(document)

    async def execute_action(self, call: Call) -> Reply:
        """Execute an action with a JSON object, or with nothing, and wait for its outcome."""
        freshness = Freshness.now(self._authenticator, self._resolver)
        identity = await self._gatekeeper.identity(call)
        resolved = await self._resolver.runnable(identity, _path(call, identity))
        wait_ms = self._limits.blocking_wait_ms if flag(call, "blocking", default=True) else None
        arguments = await _arguments(call, self._limits.payload_bytes)
        outcome = await self._invocations.invoke(
            identity, resolved, arguments, transaction_id=call.transaction_id, wait_ms=wait_ms
        )
        if wait_ms is not None:
            call.recipe = InvokeRecipe(
                invocations=self._invocations,
                freshness=freshness,
                identity=identity,
                resolved=resolved,
                wait_ms=wait_ms,
                payload_bytes=self._limits.payload_bytes,
                show=_outcome_reply,
            )
        return _outcome_reply(outcome)

    async def _list(self, call: Call, identity: Identity) -> Reply:
        limit, skip = _ALL, 0
        if call.query:
            page = read_page(call, "actions", self._limits)
            skip = page.skip
            limit = page.limit if "limit" in call.query else _ALL
        actions: Sequence[Action] = await self._catalog.list(identity, identity.name, package=None, skip=skip, limit=limit)
        return Reply.json([await self._document(action, call) for action in actions])

    async def _document(self, action: Action, call: Call) -> ActionDocument:
        code = await self._catalog.code(action)
        return action_document(action, code, base_url=self._base_url or origin(call))


def _path(call: Call, identity: Identity) -> EntityPath:
    """Read `{name}`, which may be `package%2Fname`, or `{package}/{name}`."""
    package = call.params.get("package")
    segments = call.params["name"].split("/")
    return EntityPath.of(identity.name, *segments) if package is None else EntityPath.of(identity.name, package, *segments)


async def _arguments(call: Call, limit_bytes: int) -> Arguments:
    body = await call.body(limit_bytes=limit_bytes)
    if not body:
        return {}
    call.require_json()
    try:
        if not body.isascii():
            body.decode()  # `read_arguments` leaves the values unread
        return read_arguments(body)
    except (InvalidError, UnicodeDecodeError) as error:
        raise MalformedBodyError(str(error)) from error


def _outcome_reply(outcome: Outcome) -> Reply:
    headers = ((b"x-openwhisk-activation-id", outcome.activation_id.encode()),)
    if isinstance(outcome, Accepted):
        return Reply.json(AcceptedDocument(outcome.activation_id), 202, headers)
    return Reply.json(activation_document(outcome), _STATUS[outcome.status], headers)
