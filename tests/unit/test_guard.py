"""The guard: one call at a time, dead after an error, destroyed once."""

import asyncio
from pathlib import Path

import pytest

from ioruntime.invoker.drivers.guard import Guard, GuardedDriver
from ioruntime.ports.sandbox import Ending, Interpreter, SandboxError, SandboxSpec
from ioruntime.testing.drivers import BrokenDriver, DyingDriver

pytestmark = pytest.mark.anyio
SPEC = SandboxSpec(Interpreter("python:3", ("/usr/bin/python3",)), 128)


class Scripted:
    """A sandbox that tells what it is called for, and whose `pause` lasts until `go_on`."""

    id = "scripted"
    socket_path = Path("/nonexistent/socket")
    code_path = "/code"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.go_on = asyncio.Event()

    async def show_code(self, directory: Path) -> None:
        raise SandboxError(f"There is no {directory}.")

    async def drain(self) -> None:
        self.calls.append("drain")

    def drain_now(self) -> bool:
        self.calls.append("drain now")
        return True

    async def pause(self) -> None:
        self.calls.append("pause begins")
        await self.go_on.wait()
        self.calls.append("pause ends")

    async def resume(self) -> None:
        self.calls.append("resume")

    async def ended(self) -> Ending:
        return Ending.DESTROYED

    async def destroy(self) -> None:
        self.calls.append("destroy")


async def test_calls_wait_for_each_other() -> None:
    sandbox = Scripted()
    guard = Guard(sandbox)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(guard.pause())
        tasks.create_task(guard.drain())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        sandbox.go_on.set()
    assert sandbox.calls == ["pause begins", "pause ends", "drain"]


async def test_dead_after_an_error() -> None:
    guard = Guard(Scripted())
    with pytest.raises(SandboxError, match="There is no /code"):
        await guard.show_code(Path("/code"))
    with pytest.raises(SandboxError, match=r"Sandbox scripted is dead: There is no /code\."):
        await guard.drain()
    assert repr(guard) == "<Guard of scripted [There is no /code]>"


async def test_dead_after_a_broken_off_call() -> None:
    guard = Guard(Scripted())
    pausing = asyncio.ensure_future(guard.pause())
    await asyncio.sleep(0)
    pausing.cancel()
    await asyncio.wait([pausing])
    with pytest.raises(SandboxError, match="a call was broken off"):
        await guard.resume()


async def test_destroyed_once_by_many_and_not_held_up_by_a_hanging_call() -> None:
    sandbox = Scripted()
    guard = Guard(sandbox)
    hanging = asyncio.ensure_future(guard.pause())
    await asyncio.sleep(0)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(guard.destroy())
    hanging.cancel()
    await asyncio.wait([hanging])
    assert sandbox.calls == ["pause begins", "destroy"]


@pytest.mark.parametrize("method", ["drain", "pause", "resume"])
async def test_every_call_after_destroy_is_refused(method: str) -> None:
    guard = Guard(Scripted())
    await guard.destroy()
    with pytest.raises(SandboxError, match="destroyed"):
        await getattr(guard, method)()
    assert await guard.ended() == Ending.DESTROYED


async def test_driver_is_guarded_and_its_errors_pass() -> None:
    driver = GuardedDriver(BrokenDriver())
    with pytest.raises(SandboxError, match=r"python:3 could not be started: the disk is full\."):
        await driver.start(SPEC, lambda _stream, _data: None)
    assert (driver.name, driver.degradations()) == ("broken", ())


async def test_a_sandbox_that_dies_at_once_is_destroyed_once() -> None:
    dying = DyingDriver(Ending.OUT_OF_MEMORY)
    sandbox = await GuardedDriver(dying).start(SPEC, lambda _stream, _data: None)
    with pytest.raises(SandboxError):
        await sandbox.pause()
    await sandbox.destroy()
    await sandbox.destroy()
    assert (await sandbox.ended(), dying.destroyed) == (Ending.OUT_OF_MEMORY, ["dead-1"])
