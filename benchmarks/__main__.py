"""Run one benchmark or all: `python -m benchmarks [NAME] [--quick]`."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from benchmarks import (
    accept,
    cold_start,
    compositions,
    concurrency,
    console,
    events,
    footprint,
    isolation,
    large_code,
    listing,
    many_actions,
    noisy_neighbour,
    peers,
    report,
    triggers,
    warm_invoke,
    web_actions,
)
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.processes import ProgramError
from benchmarks.rows import Row
from benchmarks.wrk import LoadError

BENCHMARKS: dict[str, Callable[[Plan], Sequence[Row]]] = {
    "warm_invoke": warm_invoke.measure,
    "accept": accept.measure,
    "cold_start": cold_start.measure,
    "many_actions": many_actions.measure,
    "concurrency": concurrency.measure,
    "compositions": compositions.measure,
    "web_actions": web_actions.measure,
    "triggers": triggers.measure,
    "listing": listing.measure,
    "console": console.measure,
    "large_code": large_code.measure,
    "events": events.measure,
    "footprint": footprint.measure,
    "isolation": isolation.measure,
    "noisy_neighbour": noisy_neighbour.measure,
    "peers": peers.measure,
}


def main() -> int:
    """Measure, print a table for each benchmark, write JSON; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=list(BENCHMARKS), help="only this one")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: to see that it works, not to compare")
    parser.add_argument("--records", type=int, help="activations that make a list long, such as 5000000")
    wanted = parser.parse_args()
    plan = QUICK if wanted.quick else FULL
    if wanted.records is not None:
        plan = msgspec.structs.replace(plan, records=wanted.records)
    for name in [wanted.name] if wanted.name else list(BENCHMARKS):
        try:
            _run(name, plan)
        except (LoadError, ProgramError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


def _run(name: str, plan: Plan) -> None:
    started_s = time.monotonic()
    rows = BENCHMARKS[name](plan)
    path = report.write(name, rows)
    print(f"{name} ({time.monotonic() - started_s:.0f} s, {path})\n{report.table(rows)}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
