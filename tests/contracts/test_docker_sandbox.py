"""The sandbox contract, kept by containers of a real Docker engine."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from ioruntime.invoker.drivers.docker.container import LABEL
from ioruntime.invoker.drivers.docker.driver import DockerDriver
from ioruntime.invoker.drivers.docker.settings import DockerSettings
from ioruntime.invoker.drivers.guard import GuardedDriver
from ioruntime.ports.sandbox import Interpreter, SandboxDriver, SandboxError, SandboxSpec
from ioruntime.testing.docker import IMAGE, INTERNAL_NETWORK, DockerDaemon
from ioruntime.testing.sandbox_contract import RUNTIME, SandboxContract, ask, python

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

_LISTEN = """
import os, socket, sys
_listening = socket.socket()
_listening.bind(("0.0.0.0", 8080))
_listening.listen(64)
sys.argv[1:] = [str(_listening.detach())]
"""


@pytest.fixture
def interpreter() -> Interpreter:
    return Interpreter("python:test", (python().command[0], "-I", "-S", "-c", _LISTEN + RUNTIME), image=IMAGE)


@pytest.fixture
async def local(docker_daemon: DockerDaemon, tmp_path: Path) -> AsyncIterator[DockerDriver]:
    driver = DockerDriver(DockerSettings(state_dir=tmp_path / "state", socket=docker_daemon.socket, pull="never"))
    yield driver
    await driver.close()


@pytest.fixture
def driver(local: DockerDriver) -> SandboxDriver:
    return GuardedDriver(local)


@pytest.fixture
async def traces(
    local: DockerDriver, interpreter: Interpreter, docker_daemon: DockerDaemon, tmp_path: Path
) -> Callable[[], list[str]]:
    def look() -> list[str]:
        files = sorted(str(entry) for entry in (tmp_path / "state").iterdir())
        return [*docker_daemon.containers(), *files, *_pipes()]

    # What driver and loop open once and for all is not a trace of a sandbox.
    sandbox = await local.start(SandboxSpec(interpreter, 64), lambda _stream, _data: None)
    await ask(sandbox, "")
    await sandbox.destroy()
    return look


class TestDockerSandbox(SandboxContract):
    """See `ioruntime.testing.sandbox_contract`."""


@pytest.mark.anyio
async def test_what_a_crashed_driver_left_goes_at_the_next_start(
    docker_daemon: DockerDaemon, interpreter: Interpreter, tmp_path: Path
) -> None:
    driver = DockerDriver(DockerSettings(state_dir=tmp_path / "state", socket=docker_daemon.socket, pull="never"))
    orphan = {"Image": IMAGE, "Labels": {LABEL: driver._state.name}}
    status, body = docker_daemon.ask("POST", "/containers/create", msgspec.json.encode(orphan))
    assert status == 201, body
    try:
        sandbox = await driver.start(SandboxSpec(interpreter, 64), lambda _stream, _data: None)
        assert msgspec.json.decode(body)["Id"] not in docker_daemon.containers()
        await sandbox.destroy()
    finally:
        await driver.close()


@pytest.mark.anyio
async def test_containers_of_a_network_that_can_change_nothing(
    docker_daemon: DockerDaemon, interpreter: Interpreter, tmp_path: Path
) -> None:
    settings = DockerSettings(
        state_dir=tmp_path / "state", socket=docker_daemon.socket, pull="never", network=INTERNAL_NETWORK, read_only=True
    )
    driver = DockerDriver(settings)
    try:
        sandbox = await driver.start(SandboxSpec(interpreter, 64), lambda _stream, _data: None)
        assert "Read-only file system" in await ask(sandbox, "open('/new', 'w')")
        assert await ask(sandbox, "import os; answer(sorted(os.listdir('/sys/class/net')))") == "['eth0', 'lo']"
    finally:
        await driver.close()


@pytest.mark.anyio
async def test_an_engine_that_is_not_there_is_told(interpreter: Interpreter, tmp_path: Path) -> None:
    driver = DockerDriver(DockerSettings(state_dir=tmp_path / "state", socket=tmp_path / "nobody.sock"))
    with pytest.raises(SandboxError, match="the engine does not answer"):
        await driver.start(SandboxSpec(interpreter, 64), lambda _stream, _data: None)
    await driver.close()


def _pipes() -> list[str]:
    """Descriptors of named pipes; connections to the engine come and go."""
    found: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(descriptor)  # noqa: PTH115 - pathlib would resolve what is deleted
        except OSError:
            continue  # the descriptor of the listing itself
        if "/pipes/" in target:
            found.append(target)
    return sorted(found)
