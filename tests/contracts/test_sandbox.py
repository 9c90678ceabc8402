"""The sandbox contract, kept by the drivers for this machine on both event loops."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.guard import GuardedDriver
from ioruntime.invoker.drivers.process import ProcessDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.ports.sandbox import Interpreter, SandboxDriver, SandboxSpec
from ioruntime.testing.sandbox_contract import SandboxContract, ask, open_descriptors, python

LocalDriver = BubblewrapDriver | ProcessDriver


@pytest.fixture(params=[("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return f"TRACE={tmp_path}"


@pytest.fixture
def interpreter(mark: str) -> Interpreter:
    name, _, value = mark.partition("=")
    return msgspec.structs.replace(python(), environment=((name, value),))


@pytest.fixture(
    params=[
        pytest.param((ProcessDriver, True), id="process"),
        pytest.param((ProcessDriver, False), id="process without cgroups"),
        pytest.param((BubblewrapDriver, True), id="bubblewrap"),
        pytest.param((BubblewrapDriver, False), id="bubblewrap without cgroups"),
    ]
)
async def local(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalDriver]:
    kind, use_cgroups = request.param
    if kind is BubblewrapDriver and shutil.which("bwrap") is None and not os.environ.get("CI"):
        pytest.skip("bubblewrap is not installed")
    driver: LocalDriver = kind(DriverSettings(state_dir=tmp_path / "state", use_cgroups=use_cgroups))
    yield driver
    await driver.close()


@pytest.fixture
def driver(local: LocalDriver) -> SandboxDriver:
    return GuardedDriver(local)


@pytest.fixture
async def traces(local: LocalDriver, interpreter: Interpreter, mark: str, tmp_path: Path) -> Callable[[], list[str]]:
    def look() -> list[str]:
        places = local._host.cgroups.places if local._host.cgroups else ()
        groups = [str(entry) for place in places if Path(place).is_dir() for entry in Path(place).iterdir() if entry.is_dir()]
        files = [str(entry) for entry in (tmp_path / "state").iterdir()]
        return [*sorted(groups), *sorted(files), *_processes(mark.encode()), *open_descriptors()]

    # What driver and loop open once and for all is not a trace of a sandbox.
    sandbox = await local.start(SandboxSpec(interpreter, 64), lambda _stream, _data: None)
    await ask(sandbox, "")
    await sandbox.destroy()
    return look


class TestSandbox(SandboxContract):
    """See `ioruntime.testing.sandbox_contract`."""


def _processes(mark: bytes) -> list[str]:
    found = [f"child {pid}" for thread in Path("/proc/self/task").iterdir() for pid in (thread / "children").read_text().split()]
    for directory in Path("/proc").iterdir():
        try:
            if directory.name.isdecimal() and mark in (directory / "environ").read_bytes().split(b"\0"):
                found.append(f"process {directory.name}")
        except OSError:
            continue  # it has ended meanwhile
    return found
