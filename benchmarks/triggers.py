"""What firing a trigger costs, beside an invocation that nobody waits for; with one rule and with twenty."""

from collections.abc import Sequence
from statistics import median

from benchmarks.client import once_ms
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, bounded, compare
from benchmarks.server import Server, serving
from benchmarks.wrk import run

_CONNECTIONS = 32
_ACCEPTED = "non-blocking invocation"
_ONE, _MANY, _SLOW = "trigger with 1 rule", "trigger with 20 rules", "trigger with 1 rule, action of 50 ms"
_SLEEP_MS = 50


def measure(plan: Plan) -> Sequence[Row]:
    """Compare the answers to a trigger's firing with those of an action that is invoked itself."""
    with serving(IORUNTIME_LIMITS__FIRES_PER_MINUTE="1000000000") as server:
        targets, slow = _targets(server), _slow(server)
        for target in (*targets.values(), slow):
            run(target, connections=_CONNECTIONS, seconds=1)
            server.await_quiet()
        waits = alternate(
            {name: _latency(server, target, plan) for name, target in (targets | {_SLOW: slow}).items()}, rounds=plan.rounds
        )
        rates = alternate({name: _rate(server, target, plan) for name, target in targets.items()}, rounds=plan.rounds)
    return [
        _wait(waits, _ONE, 3),
        _wait(waits, _MANY, 6),
        bounded(f"{_SLOW}, one at a time, p50", waits[_SLOW], _SLEEP_MS, unit="ms"),
        *(compare(f"{name}, {_CONNECTIONS} connections", rates, (name, _ACCEPTED), unit="fires/s") for name in (_ONE, _MANY)),
    ]


def _targets(server: Server) -> dict[str, Target]:
    action = server.put("fired", "hello.js", concurrency=200)
    server.put_trigger("one", [action])
    server.put_trigger("twenty", [action] * 20)
    return {_ACCEPTED: server.invoke(action, blocking=False), _ONE: server.fire("one"), _MANY: server.fire("twenty")}


def _slow(server: Server) -> Target:
    server.put_trigger("slow", [server.put("slept", "sleep.js", concurrency=200)])
    return server.fire("slow")


def _latency(server: Server, target: Target, plan: Plan) -> Measure:
    """Ask only when what was started before has ended: its runs are not the answer's time."""

    def ask() -> float:
        server.await_quiet()
        return once_ms(target)

    return lambda: median(ask() for _ in range(plan.samples))


def _rate(server: Server, target: Target, plan: Plan) -> Measure:
    def take() -> float:
        taken = run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second
        server.await_quiet()
        return taken

    return take


def _wait(waits: dict[str, list[float]], name: str, goal: float) -> Row:
    return compare(f"{name}, one at a time, p50", waits, (name, _ACCEPTED), unit="ms", goal=goal, better="lower")
