"""stdout and stderr of activations: lines with a timestamp, up to a limit.

There is no end marker in the stream that user code could forge: the runtime writes everything before it answers, so
what is in the pipes when the answer arrives is the activation's, and what comes later is the next one's. Where several
activations share a sandbox, the runtime tags each line with the id of its activation.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ioruntime.model.activation import ActivationId
from ioruntime.ports.sandbox import Stream

TAG = b"\x1d"
TRUNCATED = "Logs were truncated because the total bytes size exceeds the limit of {limit} bytes."
_SECOND_NS = 1_000_000_000


class ActivationLog:
    """The lines of one activation, bounded while they arrive."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._lines: list[str] = []
        self._truncated = False
        self._last_ns = 0

    def add(self, at_ns: int, stream: Stream, line: bytes) -> None:
        """Add a line without its end; over the limit nothing more is kept."""
        if self._truncated:
            return
        self._size_bytes += len(line)
        if self._size_bytes > self._limit_bytes:
            line = line[: max(0, len(line) - (self._size_bytes - self._limit_bytes))]
            self._truncated = True
            if not line:
                return
        self._last_ns = max(at_ns, self._last_ns + 1)
        self._lines.append(format_line(self._last_ns, stream, line.decode("utf-8", "replace")))

    def lines(self, *notes: str) -> tuple[str, ...]:
        """Return what was kept; a note on truncation, and the platform's own notes, at the end."""
        truncated = (TRUNCATED.format(limit=self._limit_bytes),) if self._truncated else ()
        last_ns = self._last_ns or time.time_ns()
        added = [format_line(last_ns + i, Stream.STDERR, text) for i, text in enumerate((*truncated, *notes), 1)]
        return (*self._lines, *added)

    def written(self, *, after: int) -> Sequence[str]:
        """Return what was kept so far, without its first `after` lines."""
        return self._lines[after:]

    @property
    def is_full(self) -> bool:
        return self._truncated


class SandboxLog:
    """Takes the output of one sandbox and gives it to the activations that run there."""

    def __init__(self) -> None:
        self.tagged = False
        """True when several activations may share the sandbox."""
        self._running: dict[ActivationId, ActivationLog] = {}
        self._order: deque[ActivationId] = deque()
        self._partial = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def begin(self, activation_id: ActivationId, limit_bytes: int) -> None:
        """Give what comes from now on to this activation."""
        self._running[activation_id] = ActivationLog(limit_bytes)
        self._order.append(activation_id)

    @property
    def running(self) -> Mapping[ActivationId, ActivationLog]:
        """The logs of the activations that run in the sandbox now."""
        return self._running

    def end(self, activation_id: ActivationId, *notes: str) -> tuple[str, ...]:
        """Return the lines of an activation, an unfinished one included."""
        if any(self._partial.values()) and len(self._running) == 1:
            self._finish_lines()
        self._order.remove(activation_id)
        return self._running.pop(activation_id).lines(*notes)

    def __call__(self, stream: Stream, chunk: bytes) -> None:
        """Take output as it is read."""
        at_ns = time.time_ns()
        *lines, rest = (self._partial[stream] + chunk).split(b"\n")
        for line in lines:
            self._give(at_ns, stream, line)
        self._partial[stream] = self._bounded(stream, rest, at_ns)

    def _give(self, at_ns: int, stream: Stream, line: bytes) -> None:
        log = None
        if self.tagged and line.startswith(TAG):
            tag, _, line = line[1:].partition(TAG)
            log = self._running.get(ActivationId(tag.decode("ascii", "replace")))
        if log is None and self._order:
            log = self._running[self._order[0]]
        if log is not None:
            log.add(at_ns, stream, line)

    def _bounded(self, stream: Stream, rest: bytes, at_ns: int) -> bytes:
        """Keep an unfinished line only as far as a log may have it, so that endless lines cost no memory."""
        if len(rest) < _PARTIAL_BYTES_MOST:
            return rest
        self._give(at_ns, stream, rest)
        return b""

    def _finish_lines(self) -> None:
        for stream, rest in self._partial.items():
            if rest:
                self._give(time.time_ns(), stream, rest)
                self._partial[stream] = b""


_PARTIAL_BYTES_MOST = 1024 * 1024


def format_line(at_ns: int, stream: Stream, text: str) -> str:
    """Format a line as OpenWhisk does: 30 characters of time, the stream, the text."""
    seconds, nanoseconds = divmod(at_ns, _SECOND_NS)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z {stream}: {text}"
