"""Journals, traces and dead letters over HTTP, for whoever the registration's namespace belongs to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgspec

from ioruntime.core.events.arrivals import Arrivals
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.events.journal import Journal, Page
from ioruntime.faces.events.gate import Gate
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import MalformedQueryError, NotFoundError
from ioruntime.model.event import Registration, Trace
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane, Which

LIMIT = 100
LIMIT_MOST = 1000
WAIT_MOST_S = 30
_WAIT_S = 10


class Finding(Protocol):
    """The registrations."""

    async def find(self, namespace: str, registration_id: str) -> Registration | None:
        """Return a registration, None when there is none."""
        ...


class JournalEvent(msgspec.Struct, frozen=True):
    """An event in a page of a journal."""

    position: str
    event: Any


class PageNote(msgspec.Struct, frozen=True):
    """What a page says of itself."""

    last: str
    count: int


class JournalPage(msgspec.Struct, frozen=True):
    """A page of a journal."""

    events: list[JournalEvent]
    page: PageNote = msgspec.field(name="_page")


class TraceList(msgspec.Struct, frozen=True):
    """Attempts to deliver, newest first."""

    traces: Sequence[Trace]


class DeadLetter(msgspec.Struct, frozen=True):
    """An event whose delivery was given up."""

    event_id: str
    attempts: int
    event: Any


class DeadLetters(msgspec.Struct, frozen=True):
    """Events whose delivery was given up, oldest first."""

    dead_letters: Sequence[DeadLetter]


class Replayed(msgspec.Struct, frozen=True):
    """How many dead letters are delivered again."""

    count: int


class JournalHandlers:
    """Handlers of one registration's journal, traces and dead letters."""

    def __init__(
        self, *, gate: Gate, registrations: Finding, store: EventStore, clock: Clock, deliverer: Deliverer, arrivals: Arrivals
    ) -> None:
        self._gate = gate
        self._registrations = registrations
        self._store = store
        self._clock = clock
        self._journal = Journal(store, clock, arrivals)
        self._deliverer = deliverer

    async def get_journal(self, call: Call) -> Reply:
        """Read the journal of a registration, from a position, a time, or from now on."""
        lane = await self._lane(call)
        limit = _limit(call, LIMIT)
        wait_s = _number(call, "wait", 0, WAIT_MOST_S)
        page = await self._journal.awaited(lane, await self._page(call, lane, limit), wait_s=wait_s, limit=limit)
        headers = ((b"link", _next(call, page.next).encode()),)
        if not page.entries:
            return Reply.empty(204, (*headers, (b"retry-after", str(_WAIT_S).encode())))
        events = [JournalEvent(position, entry.event.content) for position, entry in page.entries]
        return Reply.json(JournalPage(events, PageNote(page.next, len(events))), headers=headers)

    async def get_traces(self, call: Call) -> Reply:
        """Show the last hundred attempts to deliver, newest first."""
        lane = await self._lane(call)
        return Reply.json(TraceList(await self._deliverer.ledger.traces(lane)))

    async def get_dead_letters(self, call: Call) -> Reply:
        """Show events whose delivery was given up, oldest first."""
        lane = await self._lane(call)
        found = await self._store.dead_letters(lane, limit=_limit(call, LIMIT))
        return Reply.json(DeadLetters([DeadLetter(each.event.event_id, each.attempt, each.event.content) for each in found]))

    async def replay_dead_letters(self, call: Call) -> Reply:
        """Deliver dead letters again: the one that the query names in `eventid`, those of a time, or all."""
        lane = await self._lane(call)
        which = Which(call.query.get("eventid"), _time(call, "from"), _time(call, "to"))
        count = await self._store.revive(lane, which, now_ms=self._clock.now_ms())
        self._deliverer.wake({lane})
        return Reply.json(Replayed(count))

    async def _page(self, call: Call, lane: Lane, limit: int) -> Page:
        if call.query.get("latest", "").lower() == "true":
            return await self._journal.latest(lane)
        if "seek" in call.query and "since" not in call.query:
            return await self._journal.sought(lane, call.query["seek"], limit=limit)
        return await self._journal.page(lane, call.query.get("since"), limit=limit)

    async def _lane(self, call: Call) -> Lane:
        identity = await self._gate.identity(call)
        registration_id = call.params["registrationId"]
        if await self._registrations.find(identity.name, registration_id) is None:
            raise NotFoundError(f"The registration '{registration_id}' does not exist.")
        return Lane(identity.name, registration_id)


def _next(call: Call, position: str) -> str:
    query = {"since": position} | ({"limit": call.query["limit"]} if "limit" in call.query else {})
    org_id, int_id, registration_id = (quote(call.params[name], safe="") for name in ("orgId", "intId", "registrationId"))
    path = f"/events/organizations/{org_id}/integrations/{int_id}/{registration_id}"
    return f'<{path}?{urlencode(query)}>; rel="next"'


def _limit(call: Call, otherwise: int) -> int:
    limit = _number(call, "limit", otherwise, LIMIT_MOST)
    if not limit:
        raise MalformedQueryError("limit", f"'{limit}' is not a whole number above 0.")
    return limit


def _number(call: Call, name: str, otherwise: int, most: int) -> int:
    text = call.query.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise MalformedQueryError(name, f"'{text}' is not a whole number.")
    return min(int(text), most)


def _time(call: Call, name: str) -> int | None:
    """Read epoch milliseconds, or a time such as 2026-01-31T12:00:00Z."""
    text = call.query.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 16:
        return int(text)
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # what a + in a query stands for
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise MalformedQueryError(name, f"'{text}' is no time such as 2026-01-31T12:00:00Z, nor milliseconds.")
    return round(at.timestamp() * 1000)
