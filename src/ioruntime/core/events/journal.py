"""Reading journals: from a position, from a time, or from now on.

A position is shown as `time:number`: when it was given out, and the number of the last entry that was seen. So a reader
that went on reading never loses its place, however quiet its journal is, and one that stayed away too long is told.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from ioruntime.core.events.arrivals import Arrivals
from ioruntime.model.errors import GoneError, InvalidError
from ioruntime.model.event import JournalEntry
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane

KEPT_DAYS = 7.0
_KEPT_MS = round(KEPT_DAYS * 86_400_000)
PAGE_BYTES = 1_500_000
_TOKEN = re.compile(r"(\d{1,15}):(\d{1,18})")
_NUMBER = r"(?:(\d{1,9}(?:\.\d{1,9})?)"
_DURATION = re.compile(rf"-?P{_NUMBER}D)?(?:T{_NUMBER}H)?{_NUMBER}M)?{_NUMBER}S)?)?")


class ExpiredPositionError(GoneError):
    """Events after this position may be deleted by now."""

    def __init__(self) -> None:
        super().__init__(f"The position is older than {KEPT_DAYS:.0f} days, which events are kept.")


class Page(msgspec.Struct, frozen=True):
    """Some entries, and where to go on."""

    entries: tuple[tuple[str, JournalEntry], ...]
    """Each with its position as it is shown."""
    next: str


class Journal:
    """Reads the journals of one store."""

    def __init__(self, store: EventStore, clock: Clock, arrivals: Arrivals) -> None:
        self._store = store
        self._clock = clock
        self._arrivals = arrivals

    async def awaited(self, lane: Lane, page: Page, *, wait_s: float, limit: int) -> Page:
        """Return a page, or if it is empty what comes within some seconds after it.

        Raises:
            UnavailableError: the store cannot be read.
        """
        end_s = self._clock.monotonic_s() + wait_s
        while not page.entries and not self._arrivals.is_closed:
            left_s = end_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            await self._arrivals.wait(lane, left_s)
            page = await self.page(lane, page.next, limit=limit)
        return page

    async def page(self, lane: Lane, since: str | None, *, limit: int) -> Page:
        """Return what comes after a position, or from the beginning.

        Raises:
            InvalidError: it is no position.
            ExpiredPositionError: it is too old.
        """
        after = 0 if since is None else self._number(since)
        entries = _cut(await self._store.journal(lane, after=after, limit=limit))
        shown = tuple((_token(entry.event.received_ms, entry.position), entry) for entry in entries)
        return Page(shown, shown[-1][0] if shown else _token(self._clock.now_ms(), after))

    async def latest(self, lane: Lane) -> Page:
        """Return no entries, and the position after which all new ones come."""
        return Page((), _token(self._clock.now_ms(), await self._store.newest(lane)))

    async def sought(self, lane: Lane, duration: str, *, limit: int) -> Page:
        """Return what came since a time ago, such as `-PT2H`.

        Raises:
            InvalidError: it is no such duration.
        """
        now_ms = self._clock.now_ms()
        after = await self._store.position_at(lane, now_ms - _duration_ms(duration))
        return await self.page(lane, _token(now_ms, after), limit=limit)

    def _number(self, token: str) -> int:
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise InvalidError(f"'{token}' is no position of a journal.")
        if int(found[1]) < self._clock.now_ms() - _KEPT_MS:
            raise ExpiredPositionError
        return int(found[2])


def _token(at_ms: int, position: int) -> str:
    return f"{at_ms}:{position}"


def _cut(entries: Sequence[JournalEntry]) -> Sequence[JournalEntry]:
    """Take as many as fit into a page, at least one."""
    size = 0
    for number, entry in enumerate(entries):
        size += len(bytes(entry.event.content)) + 100
        if number and size > PAGE_BYTES:
            return entries[:number]
    return entries


def _duration_ms(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise InvalidError(f"'{text}' is no duration such as -PT2H.")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        return round(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds() * 1000)
    except OverflowError as error:
        raise InvalidError(f"'{text}' is too long.") from error
