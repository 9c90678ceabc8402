"""Wakes readers of journals that wait for the next event.

What other processes publish is not heard of here, so a reader looks by itself now and then.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress

from ioruntime.ports.events import Lane

LOOK_S = 1.0


class Arrivals:
    """The waiting readers of one process."""

    def __init__(self, *, look_s: float = LOOK_S) -> None:
        """
        Args:
            look_s: after which a reader looks by itself.
        """
        self._look_s = look_s
        self._waiting: dict[Lane, set[asyncio.Event]] = {}
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Arrivals [{sum(map(len, self._waiting.values()))} readers wait]>"

    @property
    def is_closed(self) -> bool:
        """Whether nobody may wait any more."""
        return self._is_closed

    def ring(self, lanes: Collection[Lane]) -> None:
        """Tell that events came for these registrations."""
        for lane in lanes:
            for bell in self._waiting.get(lane, ()):
                bell.set()

    def close(self) -> None:
        """Let nobody wait any more: the process ends."""
        self._is_closed = True
        self.ring(list(self._waiting))

    async def wait(self, lane: Lane, timeout_s: float) -> None:
        """Return when something came for a registration, or it is time to look."""
        if self._is_closed:
            return
        bell = asyncio.Event()
        self._waiting.setdefault(lane, set()).add(bell)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(timeout_s, self._look_s)):
                    await bell.wait()
        finally:
            self._waiting[lane].discard(bell)
            if not self._waiting[lane]:
                del self._waiting[lane]
