"""What the first invocation of a new action costs: with a sandbox kept ready, without, and many at once."""

import asyncio
import os
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.client import latencies_ms, once_ms, together
from benchmarks.interpreters import bare_start_ms
from benchmarks.plan import Plan
from benchmarks.rounds import alternate
from benchmarks.rows import Row, bounded, compare, paired_ratio
from benchmarks.server import Server, serving

_LANGUAGES = {"node": "hello.js", "python": "hello.py"}
_PREWARMED = 2
_OVER_MS = 15
_WAIT_S = 20.0


def measure(plan: Plan) -> Sequence[Row]:
    """Compare first invocations with starting a bare interpreter."""
    rows: list[Row] = []
    with serving(IORUNTIME_INVOKER__PREWARM=str(_PREWARMED)) as server:
        for language, source in _LANGUAGES.items():
            rows += _prewarmed(server, language, source, plan)
    with serving(IORUNTIME_INVOKER__PREWARM="0") as server:
        for language, source in _LANGUAGES.items():
            rows.append(_cold(server, language, source, plan))
        rows.append(_burst(server, plan))
    return rows


def _prewarmed(server: Server, language: str, source: str, plan: Plan) -> Sequence[Row]:
    """Time first invocations beyond what a warm one takes."""
    warm = server.invoke(server.put(f"warm-{language}", source))
    warm_ms = median(latencies_ms(warm, seconds=0.5))

    def first() -> float:
        target = server.invoke(server.put(f"new-{language}-{time.monotonic_ns()}", source))
        _await_prewarmed(server, language)
        return once_ms(target) - warm_ms

    taken = alternate({"first": first, "bare start": lambda: bare_start_ms(language)}, rounds=plan.samples)
    what = f"first invocation of a new action over a warm one ({warm_ms:.2g} ms), {language}, kept ready"
    return [
        compare(what, taken, ("first", "bare start"), unit="ms", better="lower"),
        bounded(what, taken["first"], _OVER_MS, unit="ms"),
    ]


def _cold(server: Server, language: str, source: str, plan: Plan) -> Row:
    def first() -> float:
        return once_ms(server.invoke(server.put(f"cold-{language}-{time.monotonic_ns()}", source)))

    taken = alternate({"first": first, "bare start": lambda: bare_start_ms(language)}, rounds=plan.samples)
    what = f"first invocation of a new action, {language}, nothing kept ready"
    return compare(what, taken, ("first", "bare start"), unit="ms", goal=1.4, better="lower")


def _burst(server: Server, plan: Plan) -> Row:
    """Invoke many new actions at once; one processor alone would start the bare interpreters one after the other."""
    targets = [server.invoke(server.put(f"burst-{number}", "hello.js")) for number in range(plan.crowd)]
    bare = [bare_start_ms("node") for _ in range(5)]
    started_s = time.perf_counter()
    asyncio.run(together(targets))
    taken = [(time.perf_counter() - started_s) * 1000]
    against = [plan.crowd * median(bare) / len(os.sched_getaffinity(0))]
    return Row(
        what=f"{plan.crowd} new Node actions at once",
        ours=taken[0],
        against=against[0],
        unit="ms",
        peer="bare starts on all processors",
        ratio=paired_ratio(taken, against),
        goal=1.3,
        better="lower",
    )


def _await_prewarmed(server: Server, language: str) -> None:
    kind = "nodejs" if language == "node" else "python"
    end_s = time.monotonic() + _WAIT_S
    while server.metric("ioruntime_sandboxes", state="prewarm", kind=server.kind(kind)) < _PREWARMED:
        if time.monotonic() > end_s:
            raise TimeoutError(f"no {kind} sandbox was kept ready within {_WAIT_S} s")
        time.sleep(0.02)
    time.sleep(0.2)  # let the processors come to rest, so that only the invocation is timed
