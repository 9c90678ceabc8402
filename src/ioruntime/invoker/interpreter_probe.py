"""What an interpreter says of itself, asked once: starting one costs 10-80 ms, reading the answer from a file nothing.

An answer holds as long as the program's file does (path, size and time of change). Silence is an answer too: a program
that does not start is not asked again until it changes.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

ASK_TIMEOUT_S = 10.0

_NODE_QUESTION = "process.stdout.write(JSON.stringify({version: process.versions.node, prefix: '', program: process.execPath}))"
_PYTHON_QUESTION = (
    "import json, os, sys; version = '.'.join(map(str, sys.version_info[:3]));"
    "program = os.path.join(sys.base_prefix, 'bin', 'python%d.%d' % sys.version_info[:2]);"
    "print(json.dumps({'version': version, 'prefix': sys.base_prefix, 'program': program}))"
)
_QUESTIONS = {
    "nodejs": ("-e", _NODE_QUESTION),
    "python": ("-E", "-s", "-S", "-c", _PYTHON_QUESTION),
}


class Probe(msgspec.Struct, frozen=True):
    """An interpreter's answer."""

    version: str
    """Such as `24.19.0`."""
    prefix: str
    """Python's base prefix, not that of a virtual environment; empty for Node."""
    program: str
    """The binary itself, behind shims and links."""


class _Entry(msgspec.Struct, frozen=True):
    stamp: tuple[int, int]
    probe: Probe | None


class ProbeCache:
    """Answers kept in a JSON file; a context manager that writes the file back when something new was asked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries: dict[str, _Entry] = {}
        self._changed = False

    def __enter__(self) -> Self:
        # A missing or damaged cache only costs asking again.
        with suppress(OSError, msgspec.DecodeError):
            self._entries = msgspec.json.decode(self._file.read_bytes(), type=dict[str, _Entry])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._changed:
            return
        # A directory that cannot be written only costs asking again.
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(self._entries)))
            fresh.replace(self._file)

    def ask(self, family: str, program: Path) -> Probe | None:
        """The answer of an interpreter of `nodejs` or `python`; None if there is none."""
        try:
            status = program.stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        entry = self._entries.get(str(program))
        if entry is None or entry.stamp != stamp:
            entry = self._entries[str(program)] = _Entry(stamp, _ask(family, program))
            self._changed = True
        return entry.probe


def _ask(family: str, program: Path) -> Probe | None:
    try:
        answer = subprocess.run(  # noqa: S603  # the programs on this machine's own PATH
            [program, *_QUESTIONS[family]], capture_output=True, timeout=ASK_TIMEOUT_S, check=True
        )
        probe = msgspec.json.decode(answer.stdout, type=Probe)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return None
    return probe if Path(probe.program).is_file() else None
