"""What was tried, kept in memory for a moment and written down for many attempts at once.

Nothing depends on it that must not be lost: a crash costs the traces and counts of the last second.
"""

import asyncio
from collections import deque

from ioruntime.core.events.delivering.answer import Attempt
from ioruntime.core.events.delivering.schedule import is_success
from ioruntime.model.event import Trace
from ioruntime.ports.events import SLOT_MS, TRACES_KEPT, Attempts, Count, EventStore, Lane

EVERY_S = 1.0


class _Page:
    def __init__(self) -> None:
        self.newest: deque[Attempt] = deque(maxlen=TRACES_KEPT)
        self.counts: dict[int, Count] = {}


class Ledger:
    """The attempts of one process."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._pages: dict[Lane, _Page] = {}
        self._writing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Ledger [{len(self._pages)} lanes to write]>"

    @property
    def is_written(self) -> bool:
        """Whether the store has everything."""
        return not self._pages

    def note(self, lane: Lane, attempt: Attempt) -> None:
        """Remember an attempt."""
        page = self._pages.get(lane)
        if page is None:
            page = self._pages[lane] = _Page()
        page.newest.append(attempt)
        slot_ms = attempt.began_ms // SLOT_MS * SLOT_MS
        count = page.counts.get(slot_ms) or Count()
        page.counts[slot_ms] = count + Count(1, 0 if is_success(attempt.answer.status) else 1)

    def forget(self, lane: Lane) -> None:
        """Leave out what is not written yet."""
        self._pages.pop(lane, None)

    async def write(self) -> None:
        """Write everything down.

        Raises:
            UnavailableError: the store refuses; these attempts are lost.
        """
        async with self._writing:
            pages, self._pages = self._pages, {}
            if pages:
                await self._store.write_attempts([_attempts(lane, page) for lane, page in pages.items()])

    async def traces(self, lane: Lane) -> tuple[Trace, ...]:
        """Return the last attempts, newest first."""
        await self.write()
        return tuple(await self._store.traces(lane, limit=TRACES_KEPT))

    async def count(self, lane: Lane, since_ms: int) -> Count:
        """Count the attempts since then."""
        await self.write()
        return await self._store.count(lane, since_ms=since_ms)


def _attempts(lane: Lane, page: _Page) -> Attempts:
    return Attempts(lane, tuple(attempt.trace() for attempt in page.newest), page.counts)
