"""How fast invocations that nobody waits for are accepted, each on stable storage before its answer, and then run."""

import time
from collections.abc import Sequence

from benchmarks.floor import floor
from benchmarks.plan import Plan
from benchmarks.rounds import alternate
from benchmarks.rows import Row, compare
from benchmarks.server import serving
from benchmarks.wrk import run

_CONNECTIONS = 256


def measure(plan: Plan) -> Sequence[Row]:
    """Compare accepting with the floor, and draining what was accepted with blocking invocations."""
    with floor() as bare, serving() as server:
        name = server.put("accepted", "hello.js", concurrency=200)
        waited, accepted, ended = server.invoke(name), server.invoke(name, blocking=False), list[float]()
        run(waited, connections=_CONNECTIONS, seconds=1)

        def accept() -> float:
            started_s = time.perf_counter()
            load = run(accepted, connections=_CONNECTIONS, seconds=plan.seconds)
            server.await_quiet()
            ended.append(load.requests / (time.perf_counter() - started_s))
            return load.per_second

        rates = alternate(
            {
                "floor": lambda: run(bare.target, connections=_CONNECTIONS, seconds=plan.seconds).per_second,
                "blocking": lambda: run(waited, connections=_CONNECTIONS, seconds=plan.seconds).per_second,
                "accepted": accept,
            },
            rounds=plan.rounds,
        )
    rates["ended"] = ended
    return [
        compare(f"accepted, {_CONNECTIONS} connections", rates, ("accepted", "floor"), unit="requests/s"),
        compare(
            "ended, from the first accepted until none is in flight", rates, ("ended", "blocking"), unit="requests/s", goal=0.8
        ),
    ]
