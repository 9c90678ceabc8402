"""Programs that a benchmark starts and ends."""

import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class ProgramError(Exception):
    """A program ended before it was ready."""


@contextmanager
def program(
    command: Sequence[str], *, ready: str, errors: Path, environment: Mapping[str, str] | None = None
) -> Generator["Process"]:
    """Run a program until the context ends.

    Args:
        command: the program with its arguments.
        ready: what the line that it prints when it is ready begins with.
        errors: where its standard error goes.
        environment: its whole environment; None for this process's own.

    Raises:
        ProgramError: it ended without that line.
    """
    with errors.open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
    try:
        _await_line(process, ready, errors)
        yield Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Process:
    """A running process, by its number."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def rss_mb(self) -> float:
        """Return how much memory the process holds; its children not counted."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise ProgramError(f"process {self.pid} is gone")


def _await_line(process: subprocess.Popen[bytes], beginning: str, errors: Path) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.decode().startswith(beginning):
            return
    raise ProgramError(f"{process.args!r} ended before it was ready: {errors.read_text()[-2000:]}")
