"""Whether many warm actions are as fast as one: the pool must find the right sandbox among all."""

import asyncio
from collections.abc import Sequence

from benchmarks.client import together
from benchmarks.plan import Plan
from benchmarks.rounds import alternate
from benchmarks.rows import Row, compare
from benchmarks.server import serving
from benchmarks.wrk import run

_CONNECTIONS = 32
_ONCE = 10


def measure(plan: Plan) -> Sequence[Row]:
    """Compare actions invoked in turn with one action alone."""
    count = plan.crowd * 2
    with serving() as server:
        many = [server.invoke(server.put(f"one-of-many-{n}", "hello.js", concurrency=50, memory_mb=128)) for n in range(count)]
        for start in range(0, count, _ONCE):
            asyncio.run(together(many[start : start + _ONCE]))
        one, paths = many[0], [target.path for target in many]
        run(one, connections=_CONNECTIONS, seconds=1)
        # Each runtime's compiler needs some hundreds of calls before a run is as fast as it will be.
        run(one, connections=_CONNECTIONS, seconds=plan.rounds, paths=paths)
        rates = alternate(
            {
                "one action": lambda: run(one, connections=_CONNECTIONS, seconds=plan.seconds).per_second,
                "in turn": lambda: run(one, connections=_CONNECTIONS, seconds=plan.seconds, paths=paths).per_second,
            },
            rounds=plan.rounds,
        )
    return [
        compare(
            f"{count} warm Node actions in turn, {_CONNECTIONS} connections",
            rates,
            ("in turn", "one action"),
            unit="requests/s",
            goal=0.8,
        )
    ]
