"""What the core needs remembered of events: journals, deliveries that are due, traces."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ioruntime.model.event import Delivery, Event, JournalEntry, Trace


class Addressed(msgspec.Struct, frozen=True):
    """An event and the registration that wants it."""

    namespace: str
    registration_id: str
    event: Event
    is_pushed: bool
    """False: into the journal only."""


class EventStore(Protocol):
    """Journals by registration, and a queue of deliveries by the time they are due."""

    async def append(self, addressed: Sequence[Addressed]) -> None:
        """Write journals and first deliveries in one transaction; on stable storage when it returns."""
        ...

    async def journal(self, namespace: str, registration_id: str, *, after: int, limit: int) -> Sequence[JournalEntry]:
        """Return entries with a higher position, in order."""
        ...

    async def position_at(self, namespace: str, registration_id: str, at_ms: int) -> int:
        """Return the position of the last entry received before `at_ms`; 0 when there is none."""
        ...

    async def ends(self, namespace: str, registration_id: str) -> tuple[int, int]:
        """Return the oldest position that is kept and the newest; both 0 when the journal is empty."""
        ...

    async def due(self, now_ms: int, *, limit: int, per_registration: int) -> Sequence[Delivery]:
        """Return deliveries to try now, oldest first, at most `per_registration` of each."""
        ...

    async def done(self, delivery: Delivery, trace: Trace) -> None:
        """Forget a delivery that was taken, or will not be tried again, and keep its trace."""
        ...

    async def again(self, delivery: Delivery, trace: Trace, *, next_ms: int) -> None:
        """Try a delivery again later, and keep the trace of this attempt."""
        ...

    async def dead(self, delivery: Delivery, trace: Trace) -> None:
        """Move a delivery that was given up to the dead letters, and keep its trace."""
        ...

    async def dead_letters(self, namespace: str, registration_id: str, *, limit: int) -> Sequence[Delivery]: ...

    async def revive(self, namespace: str, registration_id: str, *, event_id: str | None, now_ms: int) -> int:
        """Make dead letters due again, one or all; return how many."""
        ...

    async def traces(self, namespace: str, registration_id: str, *, limit: int) -> Sequence[Trace]:
        """Return the newest attempts first."""
        ...

    async def forget(self, namespace: str, registration_id: str) -> None:
        """Delete everything of a registration."""
        ...

    async def delete_before(self, at_ms: int, *, most: int) -> int:
        """Delete at most `most` journal entries and traces that are older; return how many."""
        ...
