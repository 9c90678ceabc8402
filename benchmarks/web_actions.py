"""What the way of the web costs: an action by its URL, against a blocking invocation of the same action."""

from collections.abc import Sequence
from statistics import median

from benchmarks.client import latencies_ms
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare
from benchmarks.server import Server, serving
from benchmarks.wrk import run

_CONNECTIONS = 32
_INVOKED = "blocking invocation"
_CACHED = ".http, from the cache"
_GOALS = {".json": 0.9, ".http": 0.9, _CACHED: 1.0}


def measure(plan: Plan) -> Sequence[Row]:
    """Compare two extensions, and answers out of the cache, with the OpenWhisk API."""
    with serving() as server:
        targets = _targets(server)
        for target in targets.values():
            run(target, connections=_CONNECTIONS, seconds=2)
        rates = alternate({name: _rate(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
        waits = alternate({name: _latency(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
    return [
        *(_throughput(rates, name, goal) for name, goal in _GOALS.items()),
        *(_wait(waits, name, 1 / goal) for name, goal in _GOALS.items()),
    ]


def _targets(server: Server) -> dict[str, Target]:
    """Only a GET without a body is answered from the cache."""
    name = server.put("web", "web.js", concurrency=200, annotations={"web-export": True})
    path = f"/api/v1/web/{server.namespace}/default/{name}"
    return {
        _INVOKED: server.invoke(name),
        ".json": Target(port=server.port, path=f"{path}.json"),
        ".http": Target(port=server.port, path=f"{path}.http"),
        _CACHED: Target(port=server.port, path=f"{path}.http?name=world", method="GET", body=""),
    }


def _rate(target: Target, plan: Plan) -> Measure:
    return lambda: run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second


def _latency(target: Target, plan: Plan) -> Measure:
    return lambda: median(latencies_ms(target, seconds=plan.seconds / 4))


def _throughput(rates: dict[str, list[float]], name: str, goal: float) -> Row:
    return compare(f"{name}, {_CONNECTIONS} connections", rates, (name, _INVOKED), unit="requests/s", goal=goal)


def _wait(waits: dict[str, list[float]], name: str, goal: float) -> Row:
    names = (name, _INVOKED)
    return compare(f"{name}, 1 connection, p50", waits, names, unit="ms", goal=round(goal, 2), better="lower")
