"""A PostgreSQL server of its own for a test session, and an empty database for each test."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from ioruntime.engines.postgres import USER, PostgresServer

START_TIMEOUT_S = 60.0
_NUMBERS = itertools.count(1)
_DRIVER: Any = asyncpg  # it has no types


class RunningPostgres:
    """A server process, which a test may kill and start again."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it takes connections.

        Raises:
            AssertionError: it ended, or was not ready in time.
        """
        log = self.server.directory / "log"
        with log.open("a") as sink:
            process = self._process = subprocess.Popen(  # noqa: S603 - our own command
                self.server.command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd="/",
                text=True,
                **self.server.identity,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self.server.is_ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9` of the server and its helpers: nothing of it gets to say goodbye."""
        assert self._process is not None
        kill_tree(self._process.pid)
        self._process.wait()

    def stop(self) -> None:
        """End it cleanly; connections are cut."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_TIMEOUT_S)


@contextmanager
def running_postgres() -> Generator[RunningPostgres]:
    """Run a new server while the context lasts."""
    # Not in pytest's own directory, which only root may enter.
    directory = Path(tempfile.mkdtemp(prefix="ioruntime-pg-"))
    directory.chmod(0o755)
    server = PostgresServer(directory, durable=False)
    running = RunningPostgres(server)
    try:
        server.prepare()
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(directory)


@asynccontextmanager
async def new_database(server: PostgresServer) -> AsyncGenerator[str]:
    """Make an empty database, yield its URL, and drop it at the end, whoever is still connected."""
    name = f"test{os.getpid()}x{next(_NUMBERS)}"
    await _command(server, f"CREATE DATABASE {name}")
    try:
        yield server.url(name)
    finally:
        await _command(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _command(server: PostgresServer, text: str) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        connection = await _DRIVER.connect(user=USER, database="postgres", host=str(server.directory))
        try:
            await connection.execute(text)
        finally:
            await connection.close()


def kill_tree(pid: int) -> None:
    """`kill -9` of a server and its helpers, which would end by themselves, but maybe after a new server has come."""
    os.kill(pid, signal.SIGSTOP)  # it would act on the death of its helpers
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
