"""How long the server bears with clients that send or read too slowly, and how many connections it takes from one source."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from ioruntime.core.throttle import source_of

BYTES_PER_S_LEAST = 256
"""What a body, or the reading of an answer, must come to on the average."""
SWEEPS = 6
"""Looks at every connection within the time that a head may take."""


class Progress:
    """Whether something went on fast enough since it was last judged."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since: tuple[float, int] | None = None

    def pause(self) -> None:
        """Nothing is waited for."""
        self._since = None

    def is_too_slow(self, now_s: float, done_bytes: int) -> bool:
        """Tell whether less was done than must be, once the patience is over.

        Args:
            now_s: of any clock, the same each time.
            done_bytes: a count that grows with what was done; from where does not matter.
        """
        if self._since is None or done_bytes < self._since[1]:
            self._since = now_s, done_bytes
        waited_s = now_s - self._since[0]
        if waited_s <= self._patience_s:
            return False
        too_slow = done_bytes - self._since[1] < waited_s * BYTES_PER_S_LEAST
        self._since = now_s, done_bytes
        return too_slow


class Sources:
    """Open connections by where they come from."""

    def __init__(self, most: int) -> None:
        """Take at most `most` from each source; 0: any number."""
        self._most = most
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, address: str) -> bool:
        """Count a connection, to be told to `leave`; False: there are too many from there."""
        source = source_of(address)
        self._open[source] += 1
        return not self._most or self._open[source] <= self._most

    def leave(self, address: str) -> None:
        source = source_of(address)
        self._open[source] -= 1
        if not self._open[source]:
            del self._open[source]


async def sweep(connections: Callable[[], Iterable[object]], patience_s: float, stopped: asyncio.Event) -> None:
    """Look at every connection now and then until `stopped` is set."""
    loop = asyncio.get_running_loop()
    while not stopped.is_set():
        try:
            async with asyncio.timeout(patience_s / SWEEPS):
                await stopped.wait()
        except TimeoutError:
            for connection in tuple(connections()):
                _hurry(connection, loop.time())


def _hurry(connection: object, now_s: float) -> None:
    hurry: Callable[[float], None] | None = getattr(connection, "hurry", None)
    if hurry is not None:
        hurry(now_s)
