"""What a process tree writes to standard output and error: two pipes, read on the event loop, handed to a sink."""

import asyncio
import fcntl
import os
import sys
import termios
from collections.abc import Mapping

from ioruntime.ports.sandbox import OutputSink, Stream

_CHUNK_BYTES = 64 * 1024  # what a pipe holds; one read per wake-up, so a flood cannot starve the loop


class Outputs:
    """Owns the reading ends for good, and the writing ends until `give_away`."""

    def __init__(self, reading_ends: Mapping[Stream, int] | None = None) -> None:
        """Make two pipes, or read from named ones.

        Args:
            reading_ends: non-blocking descriptors of pipes that others write to by name.
        """
        self._ends: dict[Stream, int] = dict(reading_ends or {})
        self._writing: list[int] = []
        self._early: list[tuple[Stream, bytes]] = []
        self._sink: OutputSink | None = None
        if reading_ends is None:
            self._make_pipes()

    def _make_pipes(self) -> None:
        for stream in Stream:
            reading, writing = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(reading, False)
            self._ends[stream] = reading
            self._writing.append(writing)

    @property
    def writing_ends(self) -> tuple[int, int]:
        """For the standard output and error of a child."""
        return self._writing[0], self._writing[1]

    def give_away(self) -> None:
        """Close this process's writing ends: the child has its own."""
        while self._writing:
            os.close(self._writing.pop())

    def open(self, sink: OutputSink) -> None:
        """Start to hand output to `sink`; what was written earlier waits in the pipes."""
        self._sink = sink
        for stream, data in self._early:
            sink(stream, data)
        loop = asyncio.get_running_loop()
        for stream, end in self._ends.items():
            loop.add_reader(end, self._read, stream, _CHUNK_BYTES)

    def drain(self) -> None:
        """Hand over what lies in the pipes now; what is written meanwhile may wait, so this ends even in a flood."""
        for stream, end in tuple(self._ends.items()):
            waiting = _waiting_bytes(end)
            while waiting > 0 and stream in self._ends:
                waiting -= self._read(stream, waiting) or waiting

    def words(self) -> str:
        """What was read before `open`: the last words of a child that did not start."""
        return b"".join(data for _stream, data in self._early).decode(errors="replace").strip()

    def close(self) -> None:
        self.give_away()
        for stream in tuple(self._ends):
            self._end(stream)

    def _read(self, stream: Stream, size: int) -> int:
        try:
            data = os.read(self._ends[stream], size)
        except BlockingIOError:
            return 0
        if not data:
            self._end(stream)
        elif self._sink is None:
            self._early.append((stream, data))
        else:
            self._sink(stream, data)
        return len(data)

    def _end(self, stream: Stream) -> None:
        end = self._ends.pop(stream)
        if self._sink is not None:
            _stop_reading(end)
        os.close(end)


def _stop_reading(end: int) -> None:
    try:
        asyncio.get_running_loop().remove_reader(end)
    except RuntimeError:
        return  # no loop runs any more, so nobody reads


def _waiting_bytes(end: int) -> int:
    return int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, _FOUR_BYTES), sys.byteorder)


_FOUR_BYTES = bytes(4)
