"""What an invocation of a warm action costs, beside the floor: throughput at 32 connections, latency at one."""

import asyncio
from collections.abc import Sequence
from statistics import median

from benchmarks.client import latencies_ms, paced_ms
from benchmarks.floor import floor
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare, percentile
from benchmarks.server import Server, serving
from benchmarks.wrk import run

_CONNECTIONS = 32
_HALF = 0.5


def measure(plan: Plan) -> Sequence[Row]:
    """Compare blocking invocations over both APIs with the floor."""
    with floor() as bare, serving() as server:
        targets = {"floor": bare.target, **_targets(server)}
        for target in targets.values():
            run(target, connections=_CONNECTIONS, seconds=2)
        rates = alternate({name: _rate(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
        waits = alternate({name: _latency(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
        shared = targets["Node, shared sandbox"]
        steady = _steady(shared, median(rates["Node, shared sandbox"]) * _HALF, plan)
    return [
        _throughput(rates, "Node, shared sandbox", 0.6),
        _throughput(rates, "Node", 0.6),
        _throughput(rates, "Python", None),
        _throughput(rates, "Adobe face, Node, shared sandbox", 0.55),
        _wait(waits, "Node", 1.8),
        _wait(waits, "Python", None),
        _wait(waits, "Adobe face, Node, shared sandbox", None),
        steady,
    ]


def _targets(server: Server) -> dict[str, Target]:
    node, python = server.put("node", "hello.js"), server.put("python", "hello.py")
    shared = server.put("shared", "hello.js", concurrency=200)
    return {
        "Node, shared sandbox": server.invoke(shared),
        "Node": server.invoke(node),
        "Python": server.invoke(python),
        "Adobe face, Node, shared sandbox": server.execute(shared),
    }


def _rate(target: Target, plan: Plan) -> Measure:
    return lambda: run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second


def _latency(target: Target, plan: Plan) -> Measure:
    return lambda: median(latencies_ms(target, seconds=plan.seconds / 4))


def _steady(target: Target, per_second: float, plan: Plan) -> Row:
    taken = asyncio.run(paced_ms(target, per_second=per_second, seconds=plan.seconds * 2))
    middle, slow = percentile(taken, 50), percentile(taken, 99)
    return Row(
        what=f"Node, shared sandbox, p99 at half of the most ({per_second:,.0f}/s)",
        ours=slow,
        against=middle,
        unit="ms",
        peer="p50",
        ratio=slow / middle,
        goal=4,
        better="lower",
    )


def _throughput(rates: dict[str, list[float]], name: str, goal: float | None) -> Row:
    return compare(f"{name}, {_CONNECTIONS} connections", rates, (name, "floor"), unit="requests/s", goal=goal)


def _wait(waits: dict[str, list[float]], name: str, goal: float | None) -> Row:
    return compare(f"{name}, 1 connection, p50", waits, (name, "floor"), unit="ms", goal=goal, better="lower")
