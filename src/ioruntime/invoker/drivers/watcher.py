"""Memory limits without a memory control group: look at each tree four times a second, and end what is over its limit.

The second best: a tree can go over its limit for a quarter of a second before it is seen.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

_PERIOD_S = 0.25
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class _Watched(msgspec.Struct, frozen=True):
    limit_bytes: int
    on_exceeded: Callable[[], None]


class MemoryWatcher:
    """Watches while there is something to watch."""

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, pid: int, limit_bytes: int, on_exceeded: Callable[[], None]) -> None:
        """Call `on_exceeded` once when the processes below and including `pid` hold more than `limit_bytes` of their own."""
        self._watched[pid] = _Watched(limit_bytes, on_exceeded)
        if self._timer is None:
            self._rest()

    def close(self) -> None:
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _rest(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_PERIOD_S, self._look)

    def _look(self) -> None:
        self._timer = None
        for pid, watched in tuple(self._watched.items()):
            held_bytes = tree_bytes(pid)
            if not held_bytes:
                del self._watched[pid]
            elif held_bytes > watched.limit_bytes:
                del self._watched[pid]
                watched.on_exceeded()
        if self._watched:
            self._rest()


def tree_bytes(pid: int) -> int:
    """Memory of a process and its descendants that no file backs; 0 when the process is gone."""
    return _own_bytes(pid) + sum(tree_bytes(child) for child in _children(pid))


def _own_bytes(pid: int) -> int:
    try:
        _size, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * _PAGE_BYTES


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []
