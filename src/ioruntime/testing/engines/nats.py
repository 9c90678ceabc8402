"""A NATS server of its own for a test session, which a test may kill and start again."""

import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ioruntime.engines.nats import NatsServer

START_TIMEOUT_S = 60.0


class RunningNats:
    """A server process."""

    def __init__(self, server: NatsServer) -> None:
        self.server = server
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections.

        Raises:
            AssertionError: it was not ready in time.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self.server.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self.server.is_ready():
            assert time.monotonic() < deadline_s, f"NATS did not start on port {self.server.port}"
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`: nothing of it gets to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def running_nats() -> Generator[RunningNats]:
    """Run a new server while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="ioruntime-nats-") as folder:
        running = RunningNats(NatsServer(Path(folder)))
        running.server.prepare()
        try:
            running.start()
            yield running
        finally:
            running.kill()
