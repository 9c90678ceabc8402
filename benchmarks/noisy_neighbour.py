"""What a hostile neighbour costs a victim in another namespace: its 99th percentile beside that without the neighbour."""

import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.client import latencies_ms
from benchmarks.plan import Plan
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare, percentile
from benchmarks.server import UNLIMITED, Server
from ioruntime.testing.server import ServerClient, actions, running_server

BOMBS = {
    "processor": "import os\ndef main(args):\n    for _ in range(7): os.fork()\n    while True: pass",
    "memory": "def main(args):\n    hoard = []\n    while True: hoard.append(bytearray(b'x') * (1 << 20))",
    "log": "import os\ndef main(args):\n    while True: os.write(1, b'x' * 99 + b'\\n')",
}
_GOAL = 2.0
_SETTLE_S = 0.5
_BOMB_MS = 20_000


def measure(plan: Plan) -> Sequence[Row]:
    """Invoke a warm Node hello over one connection, alone and beside each bomb."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="ioruntime-noise-") as folder,
        running_server(Path(folder, "data"), environment=UNLIMITED) as running,
    ):
        server, hostile = Server(running), running.namespace("hostile")
        target = server.invoke(server.put("victim", "hello.js"))
        latencies_ms(target, seconds=plan.seconds)  # warm

        def p99_ms() -> float:
            return percentile(latencies_ms(target, seconds=plan.seconds), 99)

        for name, code in BOMBS.items():
            taken = alternate({"alone": p99_ms, "beside": _beside(hostile, name, code, p99_ms)}, rounds=plan.rounds)
            what = f"99th percentile of a warm invocation beside a {name} bomb"
            rows.append(compare(what, taken, ("beside", "alone"), unit="ms", goal=_GOAL, better="lower"))
    return rows


def _beside(hostile: ServerClient, name: str, code: str, measured: Measure) -> Measure:
    def beside() -> float:
        with _exploding(hostile, name, code):
            return measured()

    return beside


@contextmanager
def _exploding(hostile: ServerClient, name: str, code: str) -> Generator[None]:
    hostile.put_action(name, code, "python:default", overwrite=True, limits={"timeout": _BOMB_MS, "memory": 256})
    started = hostile.start(name)
    time.sleep(_SETTLE_S)  # until it does its worst
    try:
        yield
    finally:
        hostile.request("DELETE", actions(name))
        hostile.ended(started, within_s=2 * _BOMB_MS / 1000)
