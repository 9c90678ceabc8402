"""What compositions cost beside the actions that they are made of: latency at one connection, throughput at 32."""

from collections.abc import Sequence
from statistics import median

from benchmarks.client import latencies_ms
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare
from benchmarks.server import serving
from benchmarks.wrk import run

_CONNECTIONS = 32


def measure(plan: Plan) -> Sequence[Row]:
    """Compare a sequence of three, and a conductor with three components, with one action."""
    with serving() as server:
        action = server.put("component", "component.js", concurrency=200)
        sequence = server.put_sequence("sequence", [action] * 3)
        conductor = server.put("conductor", "conductor.js", concurrency=200, annotations={"conductor": True})
        targets = {name: server.invoke(name) for name in (action, sequence, conductor)}
        for target in targets.values():
            run(target, connections=_CONNECTIONS, seconds=2)
        waits = alternate({name: _latency(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
        rates = alternate({name: _rate(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
    return [
        _wait(waits, "sequence of 3", (sequence, action), 3.3),
        _wait(waits, "conductor with 3 components, 4 runs of its own", (conductor, action), 7.5),
        _throughput(rates, "sequence of 3", (sequence, action)),
        _throughput(rates, "conductor with 3 components", (conductor, action)),
    ]


def _latency(target: Target, plan: Plan) -> Measure:
    return lambda: median(latencies_ms(target, seconds=plan.seconds / 4))


def _rate(target: Target, plan: Plan) -> Measure:
    return lambda: run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second


def _wait(waits: dict[str, list[float]], what: str, names: tuple[str, str], goal: float) -> Row:
    return compare(f"{what}, 1 connection, p50", waits, names, unit="ms", goal=goal, better="lower")


def _throughput(rates: dict[str, list[float]], what: str, names: tuple[str, str]) -> Row:
    return compare(f"{what}, {_CONNECTIONS} connections", rates, names, unit="requests/s")
