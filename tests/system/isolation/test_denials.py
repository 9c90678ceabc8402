"""What an action cannot do in a bubblewrap sandbox: each row is real source that runs inside."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.ports.sandbox import Ending, Sandbox, SandboxSpec
from ioruntime.testing.sandbox_contract import Heard, ask, python

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("bwrap") is None and not os.environ.get("CI"), reason="bubblewrap is not installed"),
]

_SYSCALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
outcome = libc.syscall({arguments})
answer(errno.errorcode[ctypes.get_errno()] if outcome == -1 else 'done')
"""
_ATTEMPT = """
try:
    answer('done: %r' % ({attempt},))
except OSError as error:
    import errno
    answer(errno.errorcode[error.errno])
"""


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[BubblewrapDriver]:
    driver = BubblewrapDriver(DriverSettings(state_dir=tmp_path / "state", tmp_mb=8, processes=64))
    yield driver
    await driver.close()


@pytest.fixture
async def sandbox(driver: BubblewrapDriver) -> Sandbox:
    return await driver.start(SandboxSpec(python(), 128), Heard())


@pytest.mark.parametrize(
    ("attempt", "outcome"),
    [
        pytest.param("open('/etc/shadow').read()", "ENOENT", id="passwords of the host"),
        pytest.param("__import__('os').listdir('/home')", "ENOENT", id="homes"),
        pytest.param("__import__('os').listdir('/var')", "ENOENT", id="var"),
        pytest.param("__import__('os').listdir('/run')", "ENOENT", id="run"),
        pytest.param("__import__('os').listdir('/sys')", "ENOENT", id="sys"),
        pytest.param("__import__('os').listdir('/proc/1/root/home')", "EACCES|ENOENT", id="root of the first process"),
        pytest.param("open('/proc/sys/kernel/core_pattern', 'w')", "EACCES|EROFS", id="kernel settings"),
        pytest.param("open('/proc/sys/net/ipv4/ip_forward', 'w')", "EACCES|EROFS", id="network settings"),
        pytest.param("open('/proc/sysrq-trigger', 'w')", "EACCES|EROFS|ENOENT", id="magic keys"),
        pytest.param("open('/proc/keys').read()", "EACCES|ENOENT", id="keys"),
        pytest.param("open('/proc/kcore', 'rb').read(1)", "EACCES|ENOENT", id="memory of the kernel"),
        pytest.param("open('/proc/cmdline').read()", "EACCES|ENOENT", id="boot parameters"),
        pytest.param("open('/new', 'w')", "EROFS", id="write to the root"),
        pytest.param("open('/dev/new', 'w')", "EROFS", id="write among devices"),
        pytest.param("open('/etc/passwd', 'a')", "EROFS|EACCES", id="write to etc"),
        pytest.param("open('/code/new', 'w')", "EROFS|EACCES", id="write to the code"),
        pytest.param("open('/usr/bin/new', 'w')", "EROFS|EACCES", id="write to the system"),
        pytest.param("__import__('os').mknod('/tmp/disk', 0o60666, 0x800)", "EPERM", id="device files"),
        pytest.param("__import__('os').setuid(0)", "EPERM|EINVAL", id="become root"),
        pytest.param("__import__('socket').socket(2, 3, 1)", "EPERM", id="raw sockets"),
        pytest.param("__import__('socket').socket(17, 3, 0)", "EPERM", id="packet sockets"),
        pytest.param("__import__('socket').socket(40, 1, 0)", "EPERM", id="sockets to the hypervisor"),
        pytest.param("__import__('socket').create_connection(('1.1.1.1', 53), 1)", "ENETUNREACH", id="network"),
        pytest.param("[open('/dev/null') for _ in range(2000)] and 0", "EMFILE", id="open files"),
        pytest.param("open('/tmp/big', 'wb').write(bytes(9 << 20))", "ENOSPC", id="size of tmp"),
    ],
)
async def test_refused(sandbox: Sandbox, attempt: str, outcome: str) -> None:
    assert re.fullmatch(outcome, await ask(sandbox, _ATTEMPT.format(attempt=attempt)))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        pytest.param("250, 0, -3, 0, 0, 0", "EPERM", id="keyctl"),
        pytest.param("248, b'user', b'x', b'y', 1, -3", "EPERM", id="add_key"),
        pytest.param("101, 0, 0, 0, 0", "EPERM", id="ptrace"),
        pytest.param("165, b'none', b'/tmp', b'tmpfs', 0, 0", "EPERM", id="mount"),
        pytest.param("166, b'/tmp', 0", "EPERM", id="umount"),
        pytest.param("272, 0x10000000", "EPERM", id="unshare"),
        pytest.param("308, 0, 0", "EPERM", id="setns"),
        pytest.param("321, 0, 0, 0", "EPERM", id="bpf"),
        pytest.param("298, 0, 0, -1, -1, 0", "EPERM", id="perf_event_open"),
        pytest.param("323, 0", "EPERM", id="userfaultfd"),
        pytest.param("425, 1, 0", "EPERM", id="io_uring_setup"),
        pytest.param("310, 1, 0, 0, 0, 0, 0", "EPERM", id="process_vm_readv"),
        pytest.param("435, 0, 0", "ENOSYS", id="clone3"),
        pytest.param("56, 0x10000011, 0, 0, 0, 0", "EPERM", id="clone with a user namespace"),
        pytest.param("39 | 0x40000000", "ENOSYS", id="x32"),
    ],
)
async def test_system_calls_refused(sandbox: Sandbox, arguments: str, outcome: str) -> None:
    if python().mounts and "ImportError" in await ask(sandbox, "import ctypes"):
        pytest.skip("this Python has no ctypes")
    assert await ask(sandbox, _SYSCALL.format(arguments=arguments)) == outcome


async def test_sees_only_itself(sandbox: Sandbox) -> None:
    assert await ask(sandbox, "import os; answer(sorted(int(p) for p in os.listdir('/proc') if p.isdecimal()))") == "[1, 2]"


async def test_environment_of_the_server_is_hidden(driver: BubblewrapDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    sandbox = await driver.start(SandboxSpec(python(), 128), Heard())
    environments = await ask(sandbox, "for pid in (1, 2): answer(open(f'/proc/{pid}/environ').read())")
    assert "hunter2" not in environments
    assert set(re.findall(r"(\w+)=", environments)) <= {"HOME", "LANG", "PATH", "PWD", "OLDPWD", "SHLVL", "_"}


async def test_command_line_of_bubblewrap_tells_no_host_paths(sandbox: Sandbox, tmp_path: Path) -> None:
    assert str(tmp_path) not in await ask(sandbox, "answer(open('/proc/1/cmdline').read())")


async def test_no_descriptor_but_its_own(sandbox: Sandbox) -> None:
    held = await ask(
        sandbox,
        "import os\nfor fd in range(200):\n  try: answer(os.readlink(f'/proc/self/fd/{fd}').split(':')[0])\n  except OSError: 0",
    )
    assert sorted(held.split()) == ["/dev/null", "pipe", "pipe", "socket", "socket"]


async def test_is_nobody_on_the_host(sandbox: Sandbox, driver: BubblewrapDriver) -> None:
    host_uids = {_uid(pid) for pid in _members(driver, sandbox)}
    assert await ask(sandbox, "import os; answer(os.getuid()) or answer(os.getgroups())") == "1000\n[]"
    assert 0 not in host_uids
    if os.geteuid() == 0:
        assert host_uids == {200_000}


async def test_two_sandboxes_have_different_users(driver: BubblewrapDriver) -> None:
    if os.geteuid() != 0:
        pytest.skip("only a server that runs as root has users to give")
    both = [await driver.start(SandboxSpec(python(), 128), Heard()) for _ in range(2)]
    first, second = ({_uid(pid) for pid in _members(driver, sandbox)} for sandbox in both)
    assert not first & second


async def test_no_rights_and_no_way_to_new_ones(sandbox: Sandbox) -> None:
    status = await ask(sandbox, "answer(open('/proc/self/status').read())")
    found = dict(re.findall(r"^(CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs|Seccomp):\s*(\w+)", status, re.MULTILINE))
    none = "0" * 16
    assert found == {"CapEff": none, "CapPrm": none, "CapBnd": none, "CapAmb": none, "NoNewPrivs": "1", "Seccomp": "2"}


async def test_a_memory_bomb_harms_only_itself(driver: BubblewrapDriver, sandbox: Sandbox) -> None:
    neighbour = await driver.start(SandboxSpec(python(), 128), Heard())
    await ask(sandbox, "hoard = []\nwhile True: hoard.append(bytearray(b'x') * (1 << 20))")
    assert await sandbox.ended() == Ending.OUT_OF_MEMORY
    assert await ask(neighbour, "answer('fine')") == "fine"


async def test_a_fork_bomb_is_contained(driver: BubblewrapDriver, sandbox: Sandbox) -> None:
    bomb = "import os, time\nwhile True:\n  try: os.fork()\n  except OSError: break\ntime.sleep(1000)"
    exploding = f"import subprocess, sys; subprocess.Popen([{python().command[0]!r}, '-I', '-S', '-c', {bomb!r}])"
    await ask(sandbox, exploding)
    neighbour = await driver.start(SandboxSpec(python(), 128), Heard())
    assert await ask(neighbour, "answer('fine')") == "fine"
    assert len(_members(driver, sandbox)) <= 64
    await sandbox.destroy()
    assert _members(driver, sandbox) == set()


def _members(driver: BubblewrapDriver, sandbox: Sandbox) -> set[int]:
    cgroups = driver._host.cgroups
    if cgroups is None:
        pytest.skip("no control groups to find the processes by")
    procs = Path(cgroups.places[0]) / sandbox.id / "cgroup.procs"
    return {int(pid) for pid in procs.read_text().split()} if procs.exists() else set()


def _uid(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid
