"""What the server itself needs: memory when idle, time to start, and memory after many invocations."""

import time
from collections.abc import Sequence

from benchmarks.floor import floor
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import alternate
from benchmarks.rows import Row, bounded, compare
from benchmarks.server import serving
from benchmarks.wrk import run

_CONNECTIONS = 32
_IDLE_MB = 90
_START_S = 1.5


def measure(plan: Plan) -> Sequence[Row]:
    """Compare the server with the bare application that is the floor, and with itself."""
    memory: dict[str, list[float]] = {"ours": [], "bare application": []}

    def start() -> float:
        started_s = time.perf_counter()
        with serving() as server:
            taken_s = time.perf_counter() - started_s
            memory["ours"].append(server.process.rss_mb())
        return taken_s

    def start_bare() -> float:
        started_s = time.perf_counter()
        with floor() as bare:
            taken_s = time.perf_counter() - started_s
            memory["bare application"].append(bare.process.rss_mb())
        return taken_s

    starts = alternate({"ours": start, "bare application": start_bare}, rounds=plan.rounds)
    names = ("ours", "bare application")
    return [
        compare("memory of the idle server's process", memory, names, unit="MB", better="lower"),
        bounded("memory of the idle server's process", memory["ours"], _IDLE_MB, unit="MB"),
        compare("start until ready", starts, names, unit="s", better="lower"),
        bounded("start until ready", starts["ours"], _START_S, unit="s"),
        _growth(plan),
    ]


def _growth(plan: Plan) -> Row:
    """Compare memory after many invocations with memory after a tenth of them."""
    with serving() as server:
        target = server.invoke(server.put("grow", "hello.js", concurrency=200))
        before = _invoke(target, plan.invocations // 10, plan)
        before_mb = server.process.rss_mb()
        done = before + _invoke(target, plan.invocations - before, plan)
        after_mb = server.process.rss_mb()
    return Row(
        what=f"memory after {done:,} invocations",
        ours=after_mb,
        against=before_mb,
        unit="MB",
        peer=f"after {before:,}",
        ratio=after_mb / before_mb,
        goal=1.05,
        better="lower",
    )


def _invoke(target: Target, least: int, plan: Plan) -> int:
    """Invoke at least so often; return how often it was."""
    done = 0
    while done < least:
        done += run(target, connections=_CONNECTIONS, seconds=plan.seconds).requests
    return done
