"""Sandbox drivers that fail, each in the way of its name."""

import asyncio
from pathlib import Path

from ioruntime.ports.sandbox import CODE_PATH, Ending, OutputSink, Sandbox, SandboxDriver, SandboxError, SandboxSpec


class _Driver:
    """Nothing to close, nothing degraded."""

    def degradations(self) -> tuple[str, ...]:
        return ()

    async def close(self) -> None:
        """Nothing is left."""


class NeverDriver(_Driver):
    """Its starts never end by themselves."""

    name = "never"

    def __init__(self) -> None:
        self.waiting = 0
        """Starts that hang now."""

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        self.waiting += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.waiting -= 1
        raise AssertionError(f"{spec} started for {output}, which cannot be")


class BrokenDriver(_Driver):
    """Cannot start anything."""

    name = "broken"

    def __init__(self, reason: str = "the disk is full") -> None:
        self.starts = 0
        self._reason = reason

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        self.starts += 1
        raise SandboxError(f"{spec.interpreter.kind} could not be started: {self._reason}.")


class DyingDriver(_Driver):
    """Its sandboxes are dead as soon as they have started."""

    name = "dying"

    def __init__(self, ending: Ending = Ending.EXITED) -> None:
        self.destroyed: list[str] = []
        """Ids, in order."""
        self._ending = ending
        self._started = 0

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        self._started += 1
        return _DeadSandbox(f"dead-{self._started}", self._ending, self.destroyed)


class SlowDriver:
    """Another driver, whose starts wait until `go_on` is set."""

    name = "slow"

    def __init__(self, driver: SandboxDriver) -> None:
        self.go_on = asyncio.Event()
        self._driver = driver

    def degradations(self) -> tuple[str, ...]:
        return self._driver.degradations()

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        await self.go_on.wait()
        return await self._driver.start(spec, output)

    async def close(self) -> None:
        await self._driver.close()


class _DeadSandbox:
    code_path = CODE_PATH
    socket_path = Path("/nonexistent/socket")

    def __init__(self, sandbox_id: str, ending: Ending, destroyed: list[str]) -> None:
        self.id = sandbox_id
        self._ending = ending
        self._destroyed = destroyed

    async def show_code(self, directory: Path) -> None:
        raise SandboxError(f"Sandbox {self.id} is dead and cannot be shown {directory}.")

    async def drain(self) -> None:
        """Nothing was written."""

    def drain_now(self) -> bool:
        return True

    async def pause(self) -> None:
        raise SandboxError(f"Sandbox {self.id} is dead.")

    async def resume(self) -> None:
        raise SandboxError(f"Sandbox {self.id} is dead.")

    async def ended(self) -> Ending:
        return self._ending

    async def destroy(self) -> None:
        if self.id not in self._destroyed:
            self._destroyed.append(self.id)
