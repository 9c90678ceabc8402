"""Other ways to serve the same hello: Google's functions frameworks and Cloudflare's workerd, under the same load.

They are fetched from their package indexes the first time. None of them checks who asks, isolates, throttles, logs or
records, as an invocation here does.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.processes import ProgramError
from benchmarks.requests import Target
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare
from benchmarks.server import Server, serving
from benchmarks.wrk import run
from ioruntime.testing.npm import installed, node

_CONNECTIONS = 32
_START_S = 60.0
_HERE = Path(__file__).parent / "rivals"
_FUNCTIONS_NODE = "functions-framework for Node"
_FUNCTIONS_PYTHON = "functions-framework for Python"
_WORKERD = "workerd"
_PINNED = "functions-framework==3.10.2"


def measure(plan: Plan) -> Sequence[Row]:
    """Compare blocking invocations with each peer."""
    with ExitStack() as running:
        server = running.enter_context(serving())
        targets = {
            **_own(server),
            _FUNCTIONS_NODE: running.enter_context(_functions_node()),
            _FUNCTIONS_PYTHON: running.enter_context(_functions_python()),
            _WORKERD: running.enter_context(_workerd()),
        }
        for target in targets.values():
            run(target, connections=_CONNECTIONS, seconds=2)
        rates = alternate({name: _rate(target, plan) for name, target in targets.items()}, rounds=plan.rounds)
    return [
        _row(rates, "Node, shared sandbox", _FUNCTIONS_NODE, 1),
        _row(rates, "Node, shared sandbox", _WORKERD, 1),
        _row(rates, "Python", _FUNCTIONS_PYTHON, 2),
    ]


def _own(server: Server) -> dict[str, Target]:
    return {
        "Node, shared sandbox": server.invoke(server.put("shared", "hello.js", concurrency=200)),
        "Python": server.invoke(server.put("python", "hello.py")),
    }


def _rate(target: Target, plan: Plan) -> Measure:
    return lambda: run(target, connections=_CONNECTIONS, seconds=plan.seconds).per_second


def _row(rates: dict[str, list[float]], name: str, peer: str, goal: float) -> Row:
    return compare(f"{name}, against {peer}", rates, (name, peer), unit="requests/s", goal=goal)


@contextmanager
def _functions_node() -> Generator[Target]:
    main = installed("@google-cloud/functions-framework", "5.0.5") / "@google-cloud/functions-framework/build/src/main.js"
    with _listening([str(node()), str(main), "--target=hello", f"--source={_HERE}/node", "--port={port}"]) as target:
        yield target


@contextmanager
def _functions_python() -> Generator[Target]:
    place = Path(sys.prefix, "share", "ioruntime", "peers")
    program = place / "bin" / "functions-framework"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(place / "bin" / "pip"), "install", "--quiet", _PINNED], check=True, stderr=subprocess.DEVNULL)
    with _listening([str(program), "--target=hello", f"--source={_HERE}/main.py", "--host=127.0.0.1", "--port={port}"]) as target:
        yield target


@contextmanager
def _workerd() -> Generator[Target]:
    program = installed("workerd", "1.20261117.1") / "workerd/bin/workerd"
    with _listening([str(program), "serve", f"{_HERE}/workerd.capnp", "--socket-addr=http=127.0.0.1:{port}"]) as target:
        yield target


@contextmanager
def _listening(command: Sequence[str]) -> Generator[Target]:
    """Run a program that listens on `{port}` until the context ends.

    Raises:
        ProgramError: it does not listen.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        words = [word.replace("{port}", str(port)) for word in command]
        process = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | {"NODE_ENV": "production"})
        try:
            _await_port(process, port)
            yield Target(port=port, path="/")
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()


def _await_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    end_s = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < end_s:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise ProgramError(f"{process.args!r} does not listen")
