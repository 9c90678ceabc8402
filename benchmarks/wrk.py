"""Throughput, by `wrk`."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.requests import Target

_RATE = re.compile(r"^Requests/sec:\s+([0-9.]+)$", re.MULTILINE)
_TOTAL = re.compile(r"^\s*([0-9]+) requests in ", re.MULTILINE)
_REFUSED = re.compile(r"^\s*Non-2xx or 3xx responses: ([0-9]+)$", re.MULTILINE)
_BROKEN = re.compile(r"^\s*Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)$", re.MULTILINE)


class LoadError(Exception):
    """The load could not be made, or not all of it was answered as it should."""


class Load(msgspec.Struct, frozen=True):
    """What `wrk` saw."""

    per_second: float
    requests: int


def run(target: Target, *, connections: int, seconds: float, paths: Sequence[str] = ()) -> Load:
    """Load a server and return how it did.

    Raises:
        LoadError: `wrk` is missing, or requests were refused or lost.
    """
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk is needed to make load: install the system package `wrk`")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "load.lua")
        script.write_text(target.script(paths))
        duration = f"{max(1, round(seconds))}s"
        command = [program, "-t1", f"-c{connections}", f"-d{duration}", "--timeout", "30s", "-s", str(script), target.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"wrk ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return read(done.stdout)


def read(text: str) -> Load:
    """Read what `wrk` prints (pure).

    Raises:
        LoadError: requests were refused or lost, or it is no report.
    """
    rate, total = _RATE.search(text), _TOTAL.search(text)
    if rate is None or total is None:
        raise LoadError(f"wrk said something else than expected: {text.strip()}")
    if refused := _REFUSED.search(text):
        raise LoadError(f"{refused[1]} of {total[1]} requests were refused")
    if broken := _BROKEN.search(text):
        raise LoadError(f"requests were lost: {broken[0].strip()}")
    return Load(float(rate[1]), int(total[1]))
