"""Whether a page of a long list comes as fast as one of a short list, and few records as fast beside many."""

import asyncio
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.client import latencies_ms
from benchmarks.filling import STEP_MS, Filled, fill
from benchmarks.plan import Plan
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare
from benchmarks.server import UNLIMITED, Server
from ioruntime.model.names import EntityPath
from ioruntime.testing.server import running_server

_ACTIONS = 100_000
_FEW = 1_000
_GOAL = 2
_TEMPLATE = "listed"
_LINEAR = frozenset({"actions, counted", "activations, counted", "activations after half of them (skip)"})
"""An entry of an index is read for each that is counted or skipped."""


class _Place(msgspec.Struct, frozen=True):
    """A namespace with something in it."""

    server: Server
    filled: Filled


def measure(plan: Plan) -> Sequence[Row]:
    """Compare the namespace with many, and one with few beside it, with one with few that is alone."""
    with _filled(_FEW) as (few, _), _filled(plan.records) as (many, beside):
        pages = {"few": _pages(few), "many": _pages(many), "beside": _pages(beside)}
        taken = {what: _rounds(what, pages, plan) for what in pages["few"]}
    return [
        *(_row(what, rounds, "many", many.filled) for what, rounds in taken.items()),
        *(_row(what, rounds, "beside", beside.filled) for what, rounds in taken.items()),
    ]


@contextmanager
def _filled(count: int) -> Generator[tuple[_Place, _Place]]:
    """Run a server whose first namespace has many actions and so many activations, beside one with few.

    With 1,000 activations, the first has few actions too.
    """
    with tempfile.TemporaryDirectory(prefix="ioruntime-bench-") as folder:
        data_dir = Path(folder, "data")
        with running_server(data_dir, environment=UNLIMITED) as running:
            guest, other = running.guest, running.namespace("few")
            for client in (guest, other):
                client.put_action(_TEMPLATE, "function main() { return {} }")
            names = [client.request("GET", "/api/v1/namespaces").json()[0] for client in (guest, other)]
        counts = ((count, _ACTIONS if count > _FEW else _FEW), (_FEW, _FEW))
        filled = [
            asyncio.run(fill(data_dir, EntityPath(name, _TEMPLATE), actions=actions, activations=activations))
            for name, (activations, actions) in zip(names, counts, strict=True)
        ]
        with running_server(data_dir, environment=UNLIMITED) as running:
            first, second = Server(running), Server(running, running.namespace("few"))
            yield _Place(first, filled[0]), _Place(second, filled[1])


def _pages(place: _Place) -> Mapping[str, Target]:
    """Return what is read, by what it is. All pages are full."""
    filled, page = place.filled, "activations?limit=200"
    middle_ms = filled.first_ms + filled.activations // 2 * STEP_MS
    paths = {
        "actions": "actions?limit=200",
        "actions, counted": "actions?count=true",
        "activations": page,
        "activations, docs=true": f"{page}&docs=true",
        "activations of a frequent name": f"{page}&name=frequent",
        "activations of a rare name": f"{page}&name=rare",
        "activations of a name in a package": f"{page}&name=tools/packaged",
        "activations until the middle": f"{page}&upto={middle_ms}",
        "activations of a time in the middle": f"{page}&since={middle_ms - 250 * STEP_MS}&upto={middle_ms}",
        "activations of a rare name and a time": f"{page}&name=rare&since={filled.first_ms}&upto={middle_ms}",
        "activations after half of them (skip)": f"{page}&skip={filled.activations // 2}",
        "one activation": f"activations/{filled.middle}",
        "activations, counted": "activations?count=true",
    }
    return {what: place.server.read(path) for what, path in paths.items()}


def _rounds(what: str, pages: Mapping[str, Mapping[str, Target]], plan: Plan) -> dict[str, list[float]]:
    return alternate({name: _latency(targets[what], plan) for name, targets in pages.items()}, rounds=plan.rounds)


def _latency(target: Target, plan: Plan) -> Measure:
    return lambda: median(latencies_ms(target, seconds=plan.seconds / 8))


def _row(what: str, rounds: dict[str, list[float]], name: str, filled: Filled) -> Row:
    """Make a row that tells how many there are, since filling has an end."""
    count = filled.actions if what.startswith("actions") else filled.activations
    label = f"{what}, of {count:,}" if name == "many" else f"{what}, of {count:,} beside many"
    goal = None if what in _LINEAR and name == "many" else _GOAL
    return compare(label, rounds, (name, "few"), unit="ms", goal=goal, better="lower")
