"""Rounds of load and sudden death on one data directory."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.faults.killing.load import Crowd, put_entities
from tests.faults.killing.starts import Starts
from tests.faults.killing.verdict import Verdict, judge

from ioruntime.testing.server import Server, eventually, running_server

ENVIRONMENT = {
    "IORUNTIME_INVOKER__NETWORK": "host",
    "IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default",
    "IORUNTIME_INVOKER__MEMORY_MB": "1024",
    "IORUNTIME_LIMITS__INVOCATIONS_PER_MINUTE": "1000000",
    "IORUNTIME_LIMITS__FIRES_PER_MINUTE": "1000000",
}
_SETTLED_S = 120.0


def play(data_dir: Path, *, rounds: int, seed: int, tell: Callable[[str], None]) -> Verdict:
    """Kill something in each round at a moment that follows from the seed; judge after all of them.

    Args:
        data_dir: a new one; the same for all rounds.
        tell: hears of each round.
    """
    chance, starts = random.Random(seed), Starts()
    promised: list[str] = []
    try:
        for number in range(rounds):
            with running_server(data_dir, environment=ENVIRONMENT) as server:
                if number == 0:
                    put_entities(server.guest)
                victim = chance.choice(("server", "group", "sandboxes"))
                accepted = _one(server, starts.url, chance, victim)
            promised += accepted
            tell(f"round {number + 1}: killed the {victim} after {len(accepted)} promises")
        with running_server(data_dir, environment=ENVIRONMENT) as server:
            return judge(server.guest, promised, starts.count, within_s=_SETTLED_S)
    finally:
        starts.close()


def _one(server: Server, url: str, chance: random.Random, victim: str) -> list[str]:
    crowd = Crowd(server.guest, url, chance)
    until = chance.randrange(1, 80)
    eventually(lambda: len(crowd.accepted) >= until, within_s=60)
    time.sleep(chance.random() * 0.05)  # so that any moment of a request may be the last one
    if victim != "server":
        for pid in descendants(server.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if victim == "sandboxes":  # the server goes on without them for a while
        more = len(crowd.accepted) + chance.randrange(1, 20)
        eventually(lambda: len(crowd.accepted) >= more, within_s=60)
    server.kill()
    crowd.join()
    return list(crowd.accepted)


def descendants(pid: int) -> list[int]:
    """Return the processes below a process, in no order."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for word in (task / "children").read_text().split():
                found += [int(word), *descendants(int(word))]
    return found
