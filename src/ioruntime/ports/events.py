"""What the core needs remembered of events: journals, deliveries that are due, traces."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from ioruntime.model.event import Delivery, Event, JournalEntry, Trace


class Addressed(msgspec.Struct, frozen=True):
    """An event and the registration that wants it."""

    namespace: str
    registration_id: str
    event: Event
    is_pushed: bool
    """False: into the journal only."""


class Lane(NamedTuple):
    """What has a queue of its own: one registration."""

    namespace: str
    registration_id: str


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a delivery after an attempt."""

    delivery: Delivery
    trace: Trace
    next_ms: int | None = None
    """When it is tried again; None: not any more."""
    is_dead: bool = False
    """Given up: kept among the dead letters."""


class EventStore(Protocol):
    """Journals by registration, beside the deliveries that are not done and the traces of those that were tried."""

    async def append(self, addressed: Sequence[Addressed]) -> None:
        """Write journals and first deliveries in one transaction; on stable storage when it returns.

        Positions rise in the order written and are never used twice. What is for a namespace that is gone is left out.
        """
        ...

    async def journal(self, lane: Lane, *, after: int, limit: int) -> Sequence[JournalEntry]:
        """Return entries with a higher position, in order."""
        ...

    async def position_at(self, lane: Lane, at_ms: int) -> int:
        """Return the position of the last entry received before `at_ms`; 0 when there is none."""
        ...

    async def newest(self, lane: Lane) -> int:
        """Return the last position of the journal; 0 when it is empty."""
        ...

    async def lanes(self) -> Sequence[Lane]:
        """Return the registrations that have deliveries to try, now or later."""
        ...

    async def pending(self, lane: Lane, *, limit: int) -> Sequence[Delivery]:
        """Return the deliveries that are tried next, in the order of their times, due or not; no dead letters."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write what became of deliveries, each with its trace, in one transaction."""
        ...

    async def dead_letters(self, lane: Lane, *, limit: int) -> Sequence[Delivery]:
        """Return deliveries that were given up, oldest event first."""
        ...

    async def revive(self, lane: Lane, *, event_id: str | None = None, now_ms: int) -> int:
        """Make dead letters due again, as if never tried, one or all; return how many."""
        ...

    async def traces(self, lane: Lane, *, limit: int) -> Sequence[Trace]:
        """Return the newest attempts first."""
        ...

    async def forget(self, lane: Lane) -> None:
        """Delete everything of a registration."""
        ...

    async def delete_before(self, at_ms: int, *, most: int) -> int:
        """Delete events received earlier and traces of earlier attempts, at most `most` of each.

        Returns:
            How many were deleted of what had more.
        """
        ...
