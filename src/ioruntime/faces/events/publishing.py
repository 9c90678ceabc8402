"""The rows of publishing, journals, traces, dead letters, and the public keys of webhook signatures."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ioruntime.core.events.arrivals import Arrivals
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.events.ingress import Ingress
from ioruntime.faces.events.gate import Gate
from ioruntime.faces.events.ingress import IngressHandlers
from ioruntime.faces.events.journal import DeadLetters, Finding, JournalHandlers, JournalPage, Replayed, TraceList
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import ErrorForm
from ioruntime.faces.http.operation import Operation, QueryParameter
from ioruntime.model.errors import NotFoundError
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore

PUBLISH = "/events/publish"
KEYS = "/prod/keys"
VALIDATE = "/events/validate"
_INTEGRATION = "/events/organizations/{orgId}/integrations/{intId}"
_TEXT = {"type": "string"}
_LIMIT = QueryParameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "How many at most.")
_WAIT = QueryParameter("wait", {"type": "integer", "minimum": 0, "maximum": 30}, "Seconds to wait where nothing is new.")
_WHICH = (
    QueryParameter("eventid", _TEXT, "Only this event."),
    QueryParameter("from", _TEXT, "Only events received then or later: a time, or epoch milliseconds."),
    QueryParameter("to", _TEXT, "Only events received before."),
)
_FROM = (
    QueryParameter("since", _TEXT, "A position: what comes after it."),
    QueryParameter("latest", {"type": "boolean"}, "Only what comes from now on."),
    QueryParameter("seek", _TEXT, "What came within such a time, as -PT2H."),
    _LIMIT,
    _WAIT,
)


class PublishingServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face translates to."""

    gate: Gate
    ingress: Ingress
    registrations: Finding
    store: EventStore
    deliverer: Deliverer
    arrivals: Arrivals
    clock: Clock
    public_key: Callable[[str], Awaitable[bytes | None]]
    """Returns the PEM of a key by the file name in its path."""
    accept: Callable[[str], Awaitable[None]]
    """Hears the token of an invitation that a webhook follows."""
    error_form: ErrorForm
    error: Any


def face(services: PublishingServices) -> Face:
    """Build the face."""
    return Face(
        prefixes=(PUBLISH, KEYS, VALIDATE),
        operations=(*_publishing(services), *_journals(services), _keys(services), _validation(services)),
        error_form=services.error_form,
        error=services.error,
        title="I/O Events: publishing and delivery",
    )


def _publishing(services: PublishingServices) -> tuple[Operation, ...]:
    handlers = IngressHandlers(services.ingress, services.gate)
    return (
        Operation(
            method="POST",
            path=PUBLISH,
            handler=handlers.publish_events,
            body=dict[str, Any],
            example={"specversion": "1.0", "id": "1", "source": "urn:uuid:provider", "type": "code", "data": {}},
            other_statuses=(429,),
            other_answers=((204, None),),
            security="bearer",
        ),
    )


def _journals(services: PublishingServices) -> tuple[Operation, ...]:
    handlers = JournalHandlers(
        gate=services.gate,
        registrations=services.registrations,
        store=services.store,
        clock=services.clock,
        deliverer=services.deliverer,
        arrivals=services.arrivals,
    )

    def row(path: str, **fields: Any) -> Operation:
        statuses = (*fields.pop("other_statuses", ()), 404)
        return Operation(path=f"{_INTEGRATION}/{path}", security="bearer", other_statuses=statuses, **fields)

    return (
        row(
            "{registrationId}",
            method="GET",
            handler=handlers.get_journal,
            answer=JournalPage,
            query=_FROM,
            other_statuses=(410,),
            other_answers=((204, None),),
        ),
        row("tracing/{registrationId}", method="GET", handler=handlers.get_traces, answer=TraceList),
        row("deadletters/{registrationId}", method="GET", handler=handlers.get_dead_letters, answer=DeadLetters, query=(_LIMIT,)),
        row(
            "replay/{registrationId}",
            method="POST",
            handler=handlers.replay_dead_letters,
            answer=Replayed,
            query=_WHICH,
        ),
    )


def _keys(services: PublishingServices) -> Operation:
    async def get_public_key(call: Call) -> Reply:
        """Return a public key by which receivers check the signatures of webhooks."""
        pem = await services.public_key(call.params["name"])
        if pem is None:
            raise NotFoundError
        return Reply(200, pem, b"application/x-pem-file")

    return Operation(method="GET", path=f"{KEYS}/{{name}}", handler=get_public_key, security="none", hidden=True)


def _validation(services: PublishingServices) -> Operation:
    async def accept_events(call: Call) -> Reply:
        """Show, as a webhook that was invited to, that events are wanted."""
        await services.accept(call.params["token"])
        return Reply.text("OK")

    return Operation(method="GET", path=f"{VALIDATE}/{{token}}", handler=accept_events, security="none", hidden=True)
