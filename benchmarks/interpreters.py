"""The interpreters that the server's own default kinds run on, started bare."""

import subprocess
import sys
import time
from functools import cache

import msgspec

from ioruntime.app.settings import Settings, runtimes_directory
from ioruntime.invoker.interpreters import discover, load_families
from ioruntime.model.kinds import Kinds
from ioruntime.ports.sandbox import Interpreter


class Programs(msgspec.Struct, frozen=True):
    """Paths on this machine."""

    node: str
    python: str
    kinds: dict[str, str]
    """Family name to the kind that is its default."""

    def command(self, language: str) -> list[str]:
        """Return a command that starts an interpreter, does nothing, and ends."""
        return [self.node, "-e", "0"] if language == "node" else [self.python, "-c", "0"]


@cache
def interpreters() -> Programs:
    """Find what `nodejs:default` and `python:default` stand for here."""
    found = discover(runtimes_directory(Settings()))
    kinds = Kinds.of(load_families(), found)
    defaults = {family: kinds.runs_as(kinds.accept(f"{family}:default")) for family in ("nodejs", "python")}
    return Programs(_program(found[defaults["nodejs"]]), _program(found[defaults["python"]]), defaults)


def bare_start_ms(language: str) -> float:
    """Return how long it takes to start an interpreter and see it end.

    Args:
        language: `node` or `python`.
    """
    command = interpreters().command(language)
    started_s = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    return (time.perf_counter() - started_s) * 1000


def _program(interpreter: Interpreter) -> str:
    """Return an interpreter's program on the host; one that lies among the system's is mounted where it is."""
    shown = {inside: str(host) for host, inside in interpreter.mounts}
    return next((shown[part] for part in interpreter.command if part in shown), interpreter.command[0])
