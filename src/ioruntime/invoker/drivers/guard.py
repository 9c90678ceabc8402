"""A guard around any driver's sandbox: calls one at a time, dead after an error, destroyed exactly once."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from ioruntime.ports.sandbox import Ending, OutputSink, Sandbox, SandboxDriver, SandboxError, SandboxSpec


class GuardedDriver:
    """A driver whose sandboxes are guarded."""

    def __init__(self, driver: SandboxDriver) -> None:
        self._driver = driver

    @property
    def name(self) -> str:
        return self._driver.name

    def degradations(self) -> tuple[str, ...]:
        return self._driver.degradations()

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        try:
            return Guard(await self._driver.start(spec, output))
        except OSError as error:  # a full disk, no descriptors left: the machine's trouble is not the platform's end
            raise SandboxError(f"no sandbox can be made: {error}") from error

    async def close(self) -> None:
        await self._driver.close()


class Guard:
    """A sandbox that many tasks may call.

    `ended` and `destroy` do not queue behind other calls: a call that hangs must not keep a sandbox alive.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._turn = asyncio.Lock()
        self._dead_because: str | None = None
        self._destroying: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Guard of {self._sandbox.id} [{self._dead_because or 'alive'}]>"

    @property
    def id(self) -> str:
        return self._sandbox.id

    @property
    def socket_path(self) -> Path:
        return self._sandbox.socket_path

    @property
    def code_path(self) -> str:
        return self._sandbox.code_path

    async def show_code(self, directory: Path) -> None:
        await self._call(lambda: self._sandbox.show_code(directory))

    async def drain(self) -> None:
        await self._call(self._sandbox.drain)

    def drain_now(self) -> bool:
        if self._turn.locked() or self._dead_because is not None:
            return False
        try:
            return self._sandbox.drain_now()
        except OSError as error:
            self._dead_because = str(error)
            return False

    async def pause(self) -> None:
        await self._call(self._sandbox.pause)

    async def resume(self) -> None:
        await self._call(self._sandbox.resume)

    async def ended(self) -> Ending:
        return await self._sandbox.ended()

    async def destroy(self) -> None:
        self._dead_because = "destroyed"
        if self._destroying is None:
            self._destroying = asyncio.get_running_loop().create_task(self._sandbox.destroy(), name=f"destroy {self.id}")
        # Waited for, not awaited: whoever gives up waiting does not stop the work.
        await asyncio.wait([self._destroying])

    async def _call(self, method: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            if self._dead_because is not None:
                raise SandboxError(f"Sandbox {self.id} is dead: {self._dead_because}.")
            try:
                await method()
            except OSError as error:
                self._dead_because = self._dead_because or str(error)
                raise SandboxError(f"Sandbox {self.id} is dead: {error}.") from error
            except SandboxError as error:
                self._dead_because = self._dead_because or str(error).rstrip(".")
                raise
            except BaseException:
                self._dead_because = self._dead_because or "a call was broken off"
                raise
