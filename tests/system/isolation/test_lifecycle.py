"""Servers that crash, share a machine, or live in inconvenient places."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.ports.sandbox import Interpreter, SandboxError, SandboxSpec
from ioruntime.testing.sandbox_contract import Heard, ask, python

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("bwrap") is None and not os.environ.get("CI"), reason="bubblewrap is not installed"),
]
OUR_NETWORK = str(Path("/proc/self/ns/net").readlink())
_CRASHING_SERVER = """
import asyncio, os, signal, sys
from pathlib import Path
from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.ports.sandbox import SandboxSpec
from ioruntime.testing.sandbox_contract import Heard, ask, python

async def serve():
    driver = BubblewrapDriver(DriverSettings(state_dir=Path(sys.argv[1])))
    sandbox = await driver.start(SandboxSpec(python(), 128), Heard())
    assert await ask(sandbox, "answer('up')") == "up"
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(serve())
"""


def test_a_killed_server_leaves_nothing_to_its_successor(tmp_path: Path) -> None:
    state = tmp_path / "state"
    crashed = subprocess.run([sys.executable, "-c", _CRASHING_SERVER, str(state)], check=False)
    assert crashed.returncode == -9
    left = [Path(place) for place in (state / "cgroups").read_text().split("\n")] if (state / "cgroups").exists() else []
    driver = BubblewrapDriver(DriverSettings(state_dir=state))
    assert [entry.name for place in left for entry in place.iterdir() if entry.is_dir()] == []
    assert [entry.name for entry in state.iterdir() if entry.is_dir()] == ["etc"]
    asyncio.run(driver.close())
    assert not any(place.exists() for place in left)


async def test_a_state_directory_serves_one_driver(tmp_path: Path) -> None:
    first = BubblewrapDriver(DriverSettings(state_dir=tmp_path))
    sandbox = await first.start(SandboxSpec(python(), 128), Heard())
    with pytest.raises(SandboxError, match="in use by another running server"):
        BubblewrapDriver(DriverSettings(state_dir=tmp_path))
    assert await ask(sandbox, "answer('unharmed')") == "unharmed"
    await first.close()
    await BubblewrapDriver(DriverSettings(state_dir=tmp_path)).close()


async def test_a_state_directory_may_be_deep_and_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    driver = BubblewrapDriver(DriverSettings(state_dir=closed.joinpath(*["long-name"] * 15)))
    code = tmp_path / "code"
    code.mkdir()
    (code / "index.txt").write_text("hello")
    sandbox = await driver.start(SandboxSpec(python(), 128), Heard())
    await sandbox.show_code(code)
    assert len(str(sandbox.socket_path)) <= 107
    assert await ask(sandbox, "answer(open('/code/index.txt').read())") == "hello"
    await driver.close()


async def test_a_start_that_bubblewrap_refuses_tells_its_words(tmp_path: Path) -> None:
    driver = BubblewrapDriver(DriverSettings(state_dir=tmp_path / "state"))
    real = python()
    unmountable = Interpreter("odd:1", real.command, (*real.mounts, (Path("/usr/lib"), "/usr/lib/nowhere")))
    with pytest.raises(SandboxError, match="bubblewrap could not make a sandbox: bwrap: "):
        await driver.start(SandboxSpec(unmountable, 128), Heard())
    assert [entry.name for entry in (tmp_path / "state").iterdir() if entry.is_dir()] == ["etc"]
    await driver.close()


async def test_users_run_out_with_a_sentence(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only a server that runs as root has users to give")
    driver = BubblewrapDriver(DriverSettings(state_dir=tmp_path, first_uid=200_000, last_uid=200_000))
    first = await driver.start(SandboxSpec(python(), 128), Heard())
    with pytest.raises(SandboxError, match="All user ids from 200000 to 200000 are in use"):
        await driver.start(SandboxSpec(python(), 128), Heard())
    await first.destroy()
    again = await driver.start(SandboxSpec(python(), 128), Heard())
    assert await ask(again, "answer('here')") == "here"
    await driver.close()


async def test_the_network_of_the_host_only_when_asked(tmp_path: Path) -> None:
    driver = BubblewrapDriver(DriverSettings(state_dir=tmp_path, network="host"))
    sandbox = await driver.start(SandboxSpec(python(), 128), Heard())
    inside = await ask(sandbox, "import os; answer(os.readlink('/proc/self/ns/net'))")
    assert inside == OUR_NETWORK
    assert any("network of this machine" in sentence for sentence in driver.degradations())
    await driver.close()
