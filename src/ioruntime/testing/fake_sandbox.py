"""A driver whose sandboxes are tasks in this process, to test who gets which sandbox."""

import asyncio
from pathlib import Path

from ioruntime.ports.sandbox import Ending, OutputSink, Sandbox, SandboxError, SandboxSpec


class FakeSandbox:
    """A sandbox that can do nothing but exist and end."""

    code_path = "/code"

    def __init__(self, driver: "FakeDriver", number: int) -> None:
        self.id = f"fake-{number}"
        self.socket_path = Path("/nonexistent")
        self.calls: list[str] = []
        self._driver = driver
        self._ended = asyncio.Event()

    async def show_code(self, directory: Path) -> None:
        self.calls.append("show_code")

    async def drain(self) -> None: ...

    def drain_now(self) -> bool:
        return True

    async def pause(self) -> None:
        self.calls.append("pause")

    async def resume(self) -> None:
        self.calls.append("resume")

    async def ended(self) -> Ending:
        await self._ended.wait()
        return Ending.EXITED

    def die(self) -> None:
        self._ended.set()

    async def destroy(self) -> None:
        self._driver.alive.discard(self.id)
        self._ended.set()


class FakeDriver:
    """Starts fake sandboxes; `gate` holds starts back, `broken` fails them."""

    name = "fake"

    def __init__(self) -> None:
        self.alive: set[str] = set()
        self.started: list[FakeSandbox] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False
        self.closed = False

    def degradations(self) -> tuple[str, ...]:
        return ()

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        await self.gate.wait()
        if self.broken:
            raise SandboxError("no sandboxes today")
        sandbox = FakeSandbox(self, len(self.started))
        self.started.append(sandbox)
        self.alive.add(sandbox.id)
        return sandbox

    async def close(self) -> None:
        self.closed = True
