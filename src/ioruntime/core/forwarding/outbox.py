"""What waits to be sent, for each namespace apart: bounded, in order, and with an end to trying.

A destination that is slow or dead costs its own namespace's lines and nobody else anything: its queue has a size, and so
have all queues together; what does not fit is counted and dropped.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from ioruntime.core.forwarding.requests import LogLine

_RETRIED = frozenset({408, 425, 429})


class Sizes(msgspec.Struct, frozen=True):
    """How much may wait, and be sent at once."""

    batch_lines: int = 500
    batch_bytes: int = 512 * 1024
    queue_bytes: int = 4 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024


class Queue:
    """The lines of one namespace."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self.size_bytes = 0
        self.dropped = 0
        """Lines that did not fit since somebody last took this to zero."""

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return f"<Queue [{len(self)} lines, {self.dropped} dropped]>"

    def add(self, lines: Sequence[LogLine], *, room_bytes: int) -> int:
        """Take the lines that fit, the first ones first; return how many bytes they have."""
        before = self.size_bytes
        for number, line in enumerate(lines):
            if self.size_bytes + line.size_bytes > before + room_bytes:
                self.dropped += len(lines) - number
                break
            self._lines.append(line)
            self.size_bytes += line.size_bytes
        return self.size_bytes - before

    def take(self, sizes: Sizes) -> list[LogLine]:
        """Take a batch out: at least one line, when there is one."""
        batch: list[LogLine] = []
        size = 0
        while self._lines and len(batch) < sizes.batch_lines:
            size += self._lines[0].size_bytes
            if batch and size > sizes.batch_bytes:
                break
            batch.append(self._lines.popleft())
        self.size_bytes -= sum(line.size_bytes for line in batch)
        return batch


def is_delivered(status: int) -> bool:
    return 200 <= status < 300


def is_worth_another_try(status: int) -> bool:
    """Tell whether the same request may succeed later."""
    return status in _RETRIED or status >= 500
