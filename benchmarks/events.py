"""Publishing events, delivering them to actions, and reading journals."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.client import Connection, latencies_ms
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare
from benchmarks.server import UNLIMITED, Server, serving
from benchmarks.wrk import run
from ioruntime.model.event import Event
from ioruntime.ports.events import Addressed, Lane
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.server import running_server

_CONNECTIONS = 32
_BATCH = 100
_NEEDED = {"batches of 100": 5000.0, "one by one": 1500.0}
"""Events a second."""
_WIDE, _NARROW = 1000, 100
_RECEIVERS = 4
_FEW = 10_000
_PAGE_MOST = 1000
_FILL_BATCH = 5_000
_PERMITTED_S = 300.0
_LOOK_S = 0.05
_SETTINGS = {"IORUNTIME_EVENTS__PUBLISH_REQUESTS": "1000000000"}


def measure(plan: Plan) -> Sequence[Row]:
    """Compare publishing with what is needed, delivering with invoking, and long journals with short ones."""
    with serving(**_SETTINGS) as server:
        rows = [*_publishing(server, plan), _fanning(server, plan), *_delivering(server, plan)]
    return [*rows, *_reading(plan)]


def _publishing(server: Server, plan: Plan) -> Sequence[Row]:
    server.register("kept", "kept")
    targets = {
        "batches of 100": (server.publish("kept", events=_BATCH), _BATCH),
        "one by one": (server.publish("kept", events=1, batched=False), 1),
    }
    rates = alternate({name: _rate(target, events, plan) for name, (target, events) in targets.items()}, rounds=plan.rounds)
    return [
        compare(
            f"publish, {name}, {_CONNECTIONS} connections",
            {name: rates[name], "needed": [needed] * plan.rounds},
            (name, "needed"),
            unit="events/s",
            goal=1,
        )
        for name, needed in _NEEDED.items()
    ]


def _rate(target: Target, events: int, plan: Plan) -> Measure:
    return lambda: run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second * events


def _fanning(server: Server, plan: Plan) -> Row:
    """One event for each of many registrations, beside few: what each costs."""
    for count, code in ((_WIDE, "wide"), (_NARROW, "narrow")):
        for number in range(count):
            server.register(f"{code}-{number}", code)
    wide, narrow = server.publish("wide", events=1), server.publish("narrow", events=1)
    taken = alternate(
        {"wide": _cost(wide, _WIDE, plan), "narrow": _cost(narrow, _NARROW, plan)},
        rounds=plan.rounds,
    )
    what = f"one event to {_WIDE:,} registrations, beside {_NARROW}, for each"
    return compare(what, taken, ("wide", "narrow"), unit="us", goal=1.5, better="lower")


def _cost(target: Target, registrations: int, plan: Plan) -> Measure:
    return lambda: median(latencies_ms(target, seconds=plan.seconds / 2)) * 1000 / registrations


def _delivering(server: Server, plan: Plan) -> Sequence[Row]:
    """Deliver events that wait, and events that are published meanwhile, beside blocking invocations."""
    action = server.put("receiver", "hello.js", concurrency=200)
    lanes = [server.register(f"delivered-{number}", f"delivered-{number}", action=action) for number in range(_RECEIVERS)]
    target = server.invoke(action)
    run(target, connections=_CONNECTIONS, seconds=1)
    measures: Mapping[str, Measure] = {
        "waiting": lambda: _delivered(server, lanes, plan, waiting=True),
        "published": lambda: _delivered(server, lanes, plan, waiting=False),
        "invoked": lambda: run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second,
    }
    rates = alternate(measures, rounds=plan.rounds)
    what = f"events to {_RECEIVERS} registrations of an action"
    return [
        compare(what, rates, ("waiting", "invoked"), unit="events/s", goal=0.7),
        compare(f"{what}, published meanwhile", rates, ("published", "invoked"), unit="events/s"),
    ]


def _delivered(server: Server, lanes: Sequence[str], plan: Plan, *, waiting: bool) -> float:
    """Take the time to the last activation that ends: from the first event's publishing, or from the replay of all."""
    count = min(_PAGE_MOST, max(1, round(plan.seconds * 500 / _BATCH)) * _BATCH)
    server.await_quiet()
    if waiting:
        server.put("receiver", "refuse.js", concurrency=200)
        _publish(server, count)
        _await(lambda: all(server.dead(lane) == count for lane in lanes))
        server.put("receiver", "hello.js", concurrency=200)
        run(server.invoke("receiver"), connections=_CONNECTIONS, seconds=1)
        server.await_quiet()
    before, started_s = server.metric("ioruntime_activations_total"), time.perf_counter()
    if waiting:
        for lane in lanes:
            server.replay(lane)
    else:
        _publish(server, count)
    _await(lambda: server.metric("ioruntime_activations_total") >= before + len(lanes) * count)
    return len(lanes) * count / (time.perf_counter() - started_s)


def _publish(server: Server, count: int) -> None:
    requests = [server.publish(f"delivered-{number}", events=_BATCH).encoded() for number in range(_RECEIVERS)]
    connection = Connection(server.port)
    for request in requests * (count // _BATCH):
        connection.ask(request)
    connection.close()


def _await(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(_LOOK_S)


def _reading(plan: Plan) -> Sequence[Row]:
    """Pages from the beginning, the middle and the end of a long journal, beside those of a short one."""
    with _filled(_FEW) as (few, _), _filled(plan.records) as (many, count):
        taken = {
            place: alternate({"many": _page(many[place], plan), "few": _page(few[place], plan)}, rounds=plan.rounds)
            for place in many
        }
    what = f"a page of 100 of a journal of {count:,}"
    return [
        compare(f"{what}, from the {place}", rounds, ("many", "few"), unit="ms", goal=1.5, better="lower")
        for place, rounds in taken.items()
    ]


def _page(target: Target, plan: Plan) -> Measure:
    return lambda: median(latencies_ms(target, seconds=plan.seconds / 4))


@contextmanager
def _filled(count: int) -> Generator[tuple[Mapping[str, Target], int]]:
    """Run a server with a journal of so many events, or as many as could be written in five minutes."""
    with tempfile.TemporaryDirectory(prefix="ioruntime-bench-") as folder:
        data_dir = Path(folder, "data")
        with running_server(data_dir, environment=UNLIMITED) as running:
            server = Server(running)
            id_, namespace = server.register("long", "long"), server.namespace
        at_ms = time.time_ns() // 1_000_000
        kept = asyncio.run(_fill(data_dir, Lane(namespace, id_), count, at_ms))
        with running_server(data_dir, environment=UNLIMITED) as running:
            server = Server(running)
            positions = {"beginning": 0, "middle": kept // 2, "end": kept - 200}
            yield {name: server.journal(id_, f"{at_ms}:{position}") for name, position in positions.items()}, kept


async def _fill(data_dir: Path, lane: Lane, count: int, at_ms: int) -> int:
    ends_s, kept = time.monotonic() + _PERMITTED_S, 0
    async with SqlStores.open(f"sqlite:///{data_dir}/ioruntime.db") as stores:
        while kept < count and time.monotonic() < ends_s:
            await stores.events.append([_addressed(lane, number, at_ms) for number in range(kept, kept + _FILL_BATCH)])
            kept += _FILL_BATCH
    return kept


def _addressed(lane: Lane, number: int, at_ms: int) -> Addressed:
    content = {"specversion": "1.0", "id": str(number), "source": "urn:uuid:shop", "type": "long", "data": {"n": number}}
    event = Event(
        event_id=str(number),
        provider="shop",
        event_code="long",
        content=msgspec.Raw(msgspec.json.encode(content)),
        received_ms=at_ms,
    )
    return Addressed(lane.namespace, lane.registration_id, event, is_pushed=False)
