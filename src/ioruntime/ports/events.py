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
    next_ms: int | None = None
    """When it is tried again; None: not any more."""
    is_dead: bool = False
    """Given up: kept among the dead letters."""


class Which(msgspec.Struct, frozen=True):
    """Some of a registration's dead letters; without anything said, all."""

    event_id: str | None = None
    from_ms: int | None = None
    """Received then or later."""
    to_ms: int | None = None
    """Received before."""

    def has(self, event: Event) -> bool:
        """Tell whether an event is one of them."""
        is_named = self.event_id in {None, event.event_id}
        is_late = self.from_ms is None or event.received_ms >= self.from_ms
        return is_named and is_late and (self.to_ms is None or event.received_ms < self.to_ms)


TRACES_KEPT = 100
"""Of one registration."""
SLOT_MS = 600_000
"""Attempts are counted by the ten minutes in which they began."""


class Count(NamedTuple):
    """How many attempts, and how many of them failed."""

    attempts: int = 0
    failed: int = 0

    def __add__(self, other: object) -> "Count":
        """Add number by number."""
        assert isinstance(other, Count)
        return Count(self.attempts + other.attempts, self.failed + other.failed)


class Attempts(msgspec.Struct, frozen=True):
    """What was tried for one registration since it was written down last."""

    lane: Lane
    traces: tuple[Trace, ...]
    """The newest last, at most `TRACES_KEPT`."""
    counts: dict[int, Count]
    """Of all attempts, by the beginning of their slot, epoch milliseconds."""


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

    async def pending(self, lane: Lane, *, limit: int, after: tuple[int, int] | None = None) -> Sequence[Delivery]:
        """Return the deliveries that are tried next, in the order of their times, due or not; no dead letters.

        Args:
            after: time and position of the last one that is known already.
        """
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write what became of deliveries in one transaction."""
        ...

    async def dead_letters(self, lane: Lane, *, limit: int) -> Sequence[Delivery]:
        """Return deliveries that were given up, oldest event first."""
        ...

    async def revive(self, lane: Lane, which: Which = Which(), *, now_ms: int) -> int:  # noqa: B008 - frozen
        """Make dead letters due again, as if never tried; return how many."""
        ...

    async def write_attempts(self, made: Sequence[Attempts]) -> None:
        """Add traces and counts, in one transaction; older traces go. What is for a namespace that is gone is left out."""
        ...

    async def count(self, lane: Lane, *, since_ms: int) -> Count:
        """Count the attempts in slots that began at `since_ms` or later."""
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
