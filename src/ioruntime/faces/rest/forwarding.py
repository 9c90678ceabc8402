"""Log forwarding over HTTP: where a namespace's logs go, and what went wrong on the way."""

from typing import Any

import msgspec

from ioruntime.core.entitlement import check_namespace
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import namespace_of

_BODY_BYTES = 64 * 1024
PREFIXES = ("/runtime/namespaces/{ns}", "/runtime/runtime/namespaces/{ns}")


class ForwardingErrors(msgspec.Struct, frozen=True):
    """What went wrong with the destination in use."""

    configured_forwarder: str
    errors: list[str]
    """Oldest first, each beginning with its time."""


class ForwardingHandlers:
    """Handlers of a namespace's log destination."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._forwarding = services.forwarding

    async def get_log_forwarding(self, call: Call) -> Reply:
        """Show where the namespace's logs go, without secrets."""
        destination = await self._forwarding.read(await self._own(call))
        return Reply.json(destination.document())

    async def put_log_forwarding(self, call: Call) -> Reply:
        """Choose where the namespace's logs go from now on."""
        namespace = await self._own(call)
        destination = await self._forwarding.choose(namespace, await call.json(Any, limit_bytes=_BODY_BYTES))
        return Reply.json(destination.document())

    async def get_errors(self, call: Call) -> Reply:
        """Show what went wrong on the way to the destination: the last ten times, of thirty days at most."""
        namespace = await self._own(call)
        destination = await self._forwarding.read(namespace)
        return Reply.json(ForwardingErrors(destination.kind, await self._forwarding.troubles(namespace)))

    async def _own(self, call: Call) -> str:
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        check_namespace(identity, namespace)
        return namespace


def forwarding_rows(services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    """Build the rows, at the place where Adobe's clients look and again where their deploying ones do."""
    handlers = ForwardingHandlers(services, identify)
    return tuple(row for prefix in PREFIXES for row in _rows(f"{prefix}/logForwarding", handlers))


def _rows(path: str, handlers: ForwardingHandlers) -> tuple[Operation, ...]:
    return (
        Operation(method="GET", path=path, handler=handlers.get_log_forwarding, answer=dict[str, Any]),
        Operation(method="PUT", path=path, handler=handlers.put_log_forwarding, body=dict[str, Any], answer=dict[str, Any]),
        Operation(method="GET", path=f"{path}/errors", handler=handlers.get_errors, answer=ForwardingErrors),
    )
