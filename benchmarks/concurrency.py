"""Whether one sandbox serves a hundred waiting activations at once, each with its own log."""

import asyncio
from collections.abc import Sequence

import msgspec

from benchmarks.client import together
from benchmarks.floor import floor
from benchmarks.plan import Plan
from benchmarks.rounds import alternate
from benchmarks.rows import Row, compare
from benchmarks.server import Server, serving
from benchmarks.wrk import run

_AT_ONCE = 100
_SLEEP_S = 0.05


class _Record(msgspec.Struct, rename="camel"):
    activation_id: str


def measure(plan: Plan) -> Sequence[Row]:
    """Compare an action that sleeps 50 ms, a hundred at once in one sandbox, with what is possible."""
    with floor("floor_sleep.js") as bare, serving() as server:
        name = server.put("sleep", "sleep.js", concurrency=_AT_ONCE)
        asyncio.run(together([server.invoke(name)]))
        target = server.invoke(name)
        run(target, connections=_AT_ONCE, seconds=1)
        rates = alternate(
            {
                "floor": lambda: run(bare.target, connections=_AT_ONCE, seconds=plan.seconds).per_second,
                "ours": lambda: run(target, connections=_AT_ONCE, seconds=plan.seconds).per_second,
            },
            rounds=plan.rounds,
        )
        own = _own_logs(server, name)
        sandboxes = server.metric("ioruntime_sandboxes", kind=server.kind("nodejs")) - server.metric(
            "ioruntime_sandboxes", kind=server.kind("nodejs"), state="prewarm"
        )
    rates["possible"] = [_AT_ONCE / _SLEEP_S] * plan.rounds
    what = f"{_AT_ONCE} at once, 50 ms each, {sandboxes:.0f} sandbox"
    return [
        compare(what, rates, ("ours", "possible"), unit="requests/s", goal=0.8),
        compare(what, rates, ("ours", "floor"), unit="requests/s"),
        Row(what="logs with their own line only", ours=own, against=_AT_ONCE, unit="", peer="", ratio=own / _AT_ONCE, goal=1),
    ]


def _own_logs(server: Server, name: str) -> int:
    """Run a hundred at once; return how many have exactly the line that they wrote."""
    targets = [server.invoke(name, result=False, body=f'{{"name":"{number}"}}') for number in range(_AT_ONCE)]
    bodies = asyncio.run(together(targets))
    ids = [msgspec.json.decode(body, type=_Record).activation_id for body in bodies]
    logs = [server.logs(activation_id) for activation_id in ids]
    return sum(len(lines) == 1 and lines[0].endswith(f"stdout: slept for {number}") for number, lines in enumerate(logs))
