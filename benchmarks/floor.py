"""The floor: what forwarding costs when nothing is checked, isolated, counted or recorded.

The very hello that our actions answer, in a bare Node server on a Unix socket, behind a bare ASGI application.
"""

import os
import socket
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.interpreters import interpreters
from benchmarks.processes import Process, program
from benchmarks.requests import Target

_HERE = Path(__file__).parent


class Floor:
    """A running floor."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.target = Target(port=port, path="/")


@contextmanager
def floor(server: str = "floor_hello.js") -> Generator[Floor]:
    """Run the floor in front of one of the Node servers of this folder while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="ioruntime-floor-") as folder:
        upstream = Path(folder, "upstream")
        node = [interpreters().node, str(_HERE / server), str(upstream)]
        port = _free_port()
        forward = [sys.executable, "-m", "benchmarks.floor_app", str(port), str(upstream)]
        environment = os.environ | {"PYTHONPATH": str(_HERE.parent)}
        with (
            program(node, ready="ready", errors=Path(folder, "node-log")),
            program(forward, ready="ready", errors=Path(folder, "log"), environment=environment) as process,
        ):
            yield Floor(process, port)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
