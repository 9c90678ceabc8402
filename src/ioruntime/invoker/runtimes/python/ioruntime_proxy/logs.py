"""Standard output and error of several activations at a time: each whole line carries the id of its activation."""

import io
import os
import sys
import threading
from contextlib import contextmanager

MARK = "\x1d"

try:
    from contextvars import ContextVar
except ImportError:  # Python 3.6

    class ContextVar(threading.local):
        def __init__(self, name, default=None):  # noqa: ARG002  # as the real one
            self._value = default

        def get(self):
            return self._value

        def set(self, value):
            self._value = value


current = ContextVar("activation", default=None)


class ActivationLogs:
    """What one activation has begun to write."""

    def __init__(self, activation_id):
        self.mark = MARK + activation_id + MARK
        self.unfinished = {1: "", 2: ""}
        self.ended = False
        self.lock = threading.Lock()

    def write(self, stream, text):
        with self.lock:
            lines = (self.unfinished[stream.number] + text).split("\n")
            self.unfinished[stream.number] = lines.pop()
            stream.write_marked(self.mark, lines)
            if self.ended:
                self._finish(stream)

    def end(self, streams):
        with self.lock:
            self.ended = True
            for stream in streams:
                self._finish(stream)

    def _finish(self, stream):
        rest, self.unfinished[stream.number] = self.unfinished[stream.number], ""
        if rest:
            stream.write_marked(self.mark, [rest])


class AttributedStream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr; what no activation wrote goes out as it is."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, number):
        self.number = number
        self.buffer = AttributedBytes(self)
        self._lock = threading.Lock()

    def writable(self):
        return True

    def fileno(self):
        return self.number

    def write(self, text):
        activation = current.get()
        if activation is None:
            self._write_all(text)
        else:
            activation.write(self, text)
        return len(text)

    def write_marked(self, mark, lines):
        if lines:
            self._write_all("".join(mark + line + "\n" for line in lines))

    def _write_all(self, text):
        rest = memoryview(text.encode(self.encoding, self.errors))
        with self._lock:
            while rest:
                rest = rest[os.write(self.number, rest) :]


class AttributedBytes(io.RawIOBase):
    """The `buffer` of a stream."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        self._stream.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)


def install():
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout, sys.stderr = STREAMS


@contextmanager
def during(activation_id):
    """Attribute what this context writes; what it left unfinished is written at the end."""
    activation = ActivationLogs(activation_id)
    current.set(activation)
    try:
        yield
    finally:
        activation.end(STREAMS)


STREAMS = (AttributedStream(1), AttributedStream(2))
