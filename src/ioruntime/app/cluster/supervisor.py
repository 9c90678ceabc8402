"""A whole cluster on one machine: its servers and processes, started in order, started again when they die, ended in order."""

import asyncio
import contextlib
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from ioruntime.model.errors import UnavailableError

READY = "ioruntime ready on "
_START_S = 60.0
_STOP_S = 30.0
_POLL_S = 0.05
_REST_S = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Before a process is started again that has died once, twice... in a row."""
_LASTING_S = 30.0
"""Who lived so long has not died in a row."""

Look: TypeAlias = Callable[[], bool]


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One process of a cluster."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    """None: that of the supervisor."""
    identity: Mapping[str, Any] = {}
    """User and group that it runs as, as `subprocess` takes them."""
    is_ready: Look | None = None
    """Asked until it is; None waits for the line that `ioruntime serve` prints."""
    ending: signal.Signals = signal.SIGTERM
    log: Path


class Status(msgspec.Struct, frozen=True):
    """A process as the supervisor sees it."""

    name: str
    pid: int | None
    starts: int


class Keeper:
    """Keeps one program running until it is told to stop."""

    def __init__(self, program: Program, changed: Callable[[], None]) -> None:
        self.program = program
        self._changed = changed
        self._process: Process | None = None
        self._starts = 0
        self._stopping = False
        self._ready = asyncio.Event()

    @property
    def status(self) -> Status:
        process = self._process
        alive = process is not None and process.returncode is None
        return Status(self.program.name, process.pid if process is not None and alive else None, self._starts)

    async def ready(self) -> None:
        """Wait until it runs.

        Raises:
            UnavailableError: it did not within a minute.
        """
        try:
            async with asyncio.timeout(_START_S):
                await self._ready.wait()
        except TimeoutError as error:
            raise UnavailableError(f"{self.program.name} does not start; see {self.program.log}.") from error

    async def run(self) -> None:
        """Start it, again and again, until `stop`."""
        loop, deaths = asyncio.get_running_loop(), 0
        while not self._stopping:
            started_s = loop.time()
            await self._live()
            deaths = 0 if loop.time() - started_s >= _LASTING_S else deaths + 1
            if not self._stopping:
                await asyncio.sleep(_REST_S[min(deaths, len(_REST_S)) - 1])

    async def stop(self) -> None:
        """Tell it to end, and wait until it has; kill it when it takes too long."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.program.ending)
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _live(self) -> None:
        program = self.program
        with program.log.open("ab") as log:
            process = self._process = await asyncio.create_subprocess_exec(
                *_dying_with_us(program.ending),
                *program.command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=log,
                env=None if program.environment is None else dict(program.environment),
                **program.identity,
            )
            self._starts += 1
            self._changed()
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(process, log), name=f"read {program.name}")
                looking = tasks.create_task(self._look(process), name=f"look at {program.name}")
                await process.wait()
                looking.cancel()
                await reading
        self._changed()

    async def _read(self, process: Process, log: Any) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            log.write(line)
            log.flush()
            if line.decode(errors="replace").startswith(READY):
                self._ready.set()

    async def _look(self, process: Process) -> None:
        look = self.program.is_ready
        if look is None:
            return
        while process.returncode is None:
            if await asyncio.to_thread(look):
                self._ready.set()
                return
            await asyncio.sleep(_POLL_S)


class Supervisor:
    """Starts programs stage by stage, and ends them the other way round."""

    def __init__(self, stages: Sequence[Sequence[Program]], changed: Callable[[Sequence[Status]], None]) -> None:
        """
        Args:
            stages: each is started when the one before is ready.
            changed: hears of every start and end.
        """
        self._changed = changed
        self._stages = [[Keeper(program, self._tell) for program in stage] for stage in stages]

    def statuses(self) -> list[Status]:
        return [keeper.status for stage in self._stages for keeper in stage]

    async def run(self, started: Callable[[], None], stopped: asyncio.Event) -> None:
        """Run until `stopped` is set.

        Raises:
            UnavailableError: a program does not start; all others are ended.
        """
        async with asyncio.TaskGroup() as tasks:
            try:
                for stage in self._stages:
                    for keeper in stage:
                        tasks.create_task(keeper.run(), name=f"keep {keeper.program.name}")
                    for keeper in stage:
                        await self._first(keeper.ready(), stopped)
                if not stopped.is_set():
                    started()
                    await stopped.wait()
            finally:
                for stage in reversed(self._stages):
                    for keeper in stage:
                        await keeper.stop()

    @staticmethod
    async def _first(ready: Any, stopped: asyncio.Event) -> None:
        """Wait until a program is ready, or all are to end."""
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(ready, name="wait until ready")
            stopping = tasks.create_task(stopped.wait(), name="wait for the end")
            await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                waiting.cancel()
            stopping.cancel()

    def _tell(self) -> None:
        self._changed(self.statuses())


def _dying_with_us(number: signal.Signals) -> list[str]:
    """Have the kernel end a program when its supervisor is killed, where the tool for it is there."""
    tool = shutil.which("setpriv")
    return [] if tool is None else [tool, "--pdeathsig", number.name.removeprefix("SIG"), "--"]
