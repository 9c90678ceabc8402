"""Following what happens: everybody who watches a namespace hears of each activation as soon as its record is kept."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from ioruntime.model.activation import Activation

BEAT_S = 15.0
_WAITING_MOST = 1_000


class _Follower:
    """What one reader has not read yet; of too much, the oldest is lost."""

    def __init__(self) -> None:
        self.waiting: deque[Activation] = deque(maxlen=_WAITING_MOST)
        self.woken = asyncio.Event()


class Tail:
    """The readers of all namespaces, in this process."""

    def __init__(self) -> None:
        self._followers: dict[str, set[_Follower]] = {}
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Tail of {sum(map(len, self._followers.values()))} readers>"

    def recorded(self, activations: Sequence[Activation]) -> None:
        """Hear of activations whose records are kept."""
        if self._followers:
            for activation in activations:
                for follower in self._followers.get(activation.namespace, ()):
                    follower.waiting.append(activation)
                    follower.woken.set()

    async def follow(self, namespace: str, *, beat_s: float = BEAT_S) -> AsyncGenerator[Activation | None]:
        """Give out the activations of a namespace from now on, until `close`; None when there was none for a while.

        A reader that is slower than they come loses the oldest.
        """
        follower = _Follower()
        self._followers.setdefault(namespace, set()).add(follower)
        try:
            while not self._is_closed:
                while follower.waiting:
                    yield follower.waiting.popleft()
                follower.woken.clear()
                if not self._is_closed and not await _woken_within(follower.woken, beat_s):
                    yield None
        finally:
            self._followers[namespace].discard(follower)
            if not self._followers[namespace]:
                del self._followers[namespace]

    @property
    def is_closed(self) -> bool:
        """True: the platform stops."""
        return self._is_closed

    def close(self) -> None:
        """Let every reader end: the platform stops."""
        self._is_closed = True
        for followers in self._followers.values():
            for follower in followers:
                follower.woken.set()


async def _woken_within(event: asyncio.Event, wait_s: float) -> bool:
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
