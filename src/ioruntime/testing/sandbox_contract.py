"""What every `SandboxDriver` must keep to: subclass `SandboxContract` and give the fixtures `driver`, `interpreter` and `traces`.

The interpreter of these tests is `RUNTIME`: instead of the action proxy protocol it runs the Python source that a
connection sends, and answers with what the source handed to `answer`.
"""

import asyncio
import socket
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ioruntime.ports.sandbox import Ending, Interpreter, Sandbox, SandboxDriver, SandboxError, SandboxSpec, Stream

RUNTIME = """
import socket, sys, threading, traceback
listener = socket.socket(fileno=int(sys.argv[1]))
def serve(connection):
    with connection:
        source = b"".join(iter(lambda: connection.recv(65536), b""))
        said = []
        try:
            exec(source, {"answer": lambda value: said.append(str(value))})
        except BaseException:
            said.append(traceback.format_exc())
        connection.sendall("\\n".join(said).encode())
        connection.shutdown(socket.SHUT_WR)  # a child may hold it open
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
MEMORY_MB = 128


def python() -> Interpreter:
    """The running Python, at the same paths inside a sandbox as outside."""
    prefix = Path(sys.base_prefix).resolve()
    mounts = () if prefix == Path("/usr") else ((prefix, str(prefix)),)
    program = str(Path(sysconfig.get_config_var("BINDIR") or sys.base_exec_prefix) / f"python{sysconfig.get_python_version()}")
    program = str(Path(program).resolve())
    return Interpreter("python:test", (program, "-I", "-S", "-c", RUNTIME, "{listen_fd}"), mounts)


async def ask(sandbox: Sandbox, source: str) -> str:
    """Run `source` inside and return what it gave to `answer`.

    Raises:
        OSError: nobody listens, or the process ended before it answered.
    """
    reader, writer = await asyncio.open_unix_connection(str(sandbox.socket_path))
    try:
        writer.write(source.encode())
        writer.write_eof()
        return (await reader.read()).decode()
    finally:
        writer.close()


class Heard:
    """An output sink that remembers."""

    def __init__(self) -> None:
        self.of = {stream: bytearray() for stream in Stream}

    def __call__(self, stream: Stream, data: bytes) -> None:
        self.of[stream] += data


class SandboxContract:
    """The promises of `ports.sandbox`."""

    pytestmark = pytest.mark.anyio

    async def test_connections_wait_until_the_interpreter_is_up(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        with socket.socket(socket.AF_UNIX) as early:
            early.setblocking(False)
            early.connect(str(sandbox.socket_path))
        assert await ask(sandbox, "answer(6 * 7)") == "42"

    async def test_output_is_complete_after_drain(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        heard = Heard()
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), heard)
        await ask(sandbox, "import os; os.write(1, b'out'); os.write(2, b'err')")
        await sandbox.drain()
        assert (bytes(heard.of[Stream.STDOUT]), bytes(heard.of[Stream.STDERR])) == (b"out", b"err")

    async def test_large_output_arrives_whole_and_in_order(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        heard = Heard()
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), heard)
        await ask(sandbox, "import sys\nfor number in range(400_000): print(number)\nsys.stdout.flush()")
        await sandbox.drain()
        assert bytes(heard.of[Stream.STDOUT]) == b"".join(b"%d\n" % number for number in range(400_000))

    async def test_drain_ends_while_a_flood_goes_on(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        await ask(
            sandbox,
            "import threading, os\nthreading.Thread(target=lambda: [os.write(1, b'x' * 65536) for _ in iter(int, 1)]).start()",
        )
        for _ in range(100):
            await sandbox.drain()
        assert await ask(sandbox, "answer('still here')") == "still here"

    async def test_code_shown_late_is_visible_and_safe(
        self, driver: SandboxDriver, interpreter: Interpreter, tmp_path: Path
    ) -> None:
        code = tmp_path / "code"
        (code / "lib").mkdir(parents=True)
        (code / "index.txt").write_text("hello")
        (code / "lib" / "secret-mode.txt").write_text("for the owner")
        (code / "lib" / "secret-mode.txt").chmod(0o600)
        (code / "inner").symlink_to("lib/secret-mode.txt")
        (code / "outer").symlink_to("/etc/shadow")
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        assert await ask(sandbox, f"import os; answer(os.listdir({sandbox.code_path!r}))") == "[]"
        await sandbox.show_code(code)
        assert (
            await ask(sandbox, f"import os; answer(sorted(os.listdir({sandbox.code_path!r})))") == "['index.txt', 'inner', 'lib']"
        )
        assert await ask(sandbox, f"answer(open({sandbox.code_path + '/inner'!r}).read())") == "for the owner"
        await ask(sandbox, f"open({sandbox.code_path + '/index.txt'!r}, 'w').write('changed')")
        assert (code / "index.txt").read_text() == "hello"

    async def test_code_is_shown_once(self, driver: SandboxDriver, interpreter: Interpreter, tmp_path: Path) -> None:
        (tmp_path / "code").mkdir()
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        await sandbox.show_code(tmp_path / "code")
        with pytest.raises(SandboxError):
            await sandbox.show_code(tmp_path / "code")

    async def test_an_exit_is_told_to_all_who_wait(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        heard = Heard()
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), heard)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(sandbox.ended()) for _ in range(3)]
            await ask(sandbox, "import os; os.write(2, b'last words'); os._exit(3)")
        assert [task.result() for task in waiting] == [Ending.EXITED] * 3
        assert bytes(heard.of[Stream.STDERR]) == b"last words"

    async def test_too_much_memory_is_told_apart(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        await ask(sandbox, f"hoard = []\nwhile True: hoard.append(bytearray(b'x') * {1 << 20})")
        assert await sandbox.ended() == Ending.OUT_OF_MEMORY

    async def test_a_paused_sandbox_does_not_run(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        assert await ask(sandbox, "answer('awake')") == "awake"
        if any("not paused" in sentence for sentence in driver.degradations()):
            pytest.skip("this driver tells that it cannot pause here")
        await sandbox.pause()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(sandbox, "answer('asleep')")
        await sandbox.resume()
        assert await ask(sandbox, "answer('awake again')") == "awake again"

    @pytest.mark.parametrize("paused", [False, True], ids=["awake", "paused"])
    async def test_destroy_kills_daemons_too(
        self, driver: SandboxDriver, interpreter: Interpreter, traces: Callable[[], list[str]], paused: bool
    ) -> None:
        before = traces()
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        assert await ask(sandbox, _DAEMON) == "daemon up"
        if paused:
            await sandbox.pause()
        await sandbox.destroy()
        await sandbox.destroy()
        assert await sandbox.ended() == Ending.DESTROYED
        _assert_nothing_left(before, traces())

    async def test_a_daemon_does_not_outlive_the_destroy_after_an_exit(
        self, driver: SandboxDriver, interpreter: Interpreter, traces: Callable[[], list[str]]
    ) -> None:
        before = traces()
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        await ask(sandbox, _DAEMON + "\nos._exit(0)")
        assert await sandbox.ended() == Ending.EXITED
        await sandbox.destroy()
        _assert_nothing_left(before, traces())

    async def test_a_failed_start_leaves_nothing(
        self, driver: SandboxDriver, interpreter: Interpreter, traces: Callable[[], list[str]]
    ) -> None:
        before = traces()
        missing = msgspec.structs.replace(interpreter, kind="missing:1", command=("/nowhere/program",))
        with pytest.raises(SandboxError, match="/nowhere/program"):
            await driver.start(SandboxSpec(missing, MEMORY_MB), Heard())
        _assert_nothing_left(before, traces())

    @pytest.mark.parametrize("turns", [0, 1, 2, 3, 5])
    async def test_a_cancelled_start_leaves_nothing(
        self, driver: SandboxDriver, interpreter: Interpreter, traces: Callable[[], list[str]], turns: int
    ) -> None:
        before = traces()
        starting = asyncio.ensure_future(driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard()))
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled():
            await starting.result().destroy()
        _assert_nothing_left(before, traces())

    async def test_many_start_at_once(self, driver: SandboxDriver, interpreter: Interpreter) -> None:
        async with asyncio.TaskGroup() as tasks:
            starts = [tasks.create_task(driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())) for _ in range(8)]
        sandboxes = [start.result() for start in starts]
        assert len({sandbox.id for sandbox in sandboxes}) == 8
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(ask(sandbox, "answer('here')")) for sandbox in sandboxes]
        assert [answer.result() for answer in answers] == ["here"] * 8

    async def test_close_destroys_what_is_left(
        self, driver: SandboxDriver, interpreter: Interpreter, traces: Callable[[], list[str]]
    ) -> None:
        sandbox = await driver.start(SandboxSpec(interpreter, MEMORY_MB), Heard())
        await ask(sandbox, _DAEMON)
        await driver.close()
        assert await sandbox.ended() == Ending.DESTROYED
        assert [trace for trace in traces() if sandbox.id in trace] == []


def _assert_nothing_left(before: list[str], after: list[str]) -> None:
    left = Counter(after) - Counter(before)
    if left:
        raise AssertionError(f"left behind: {sorted(left.elements())}")


_DAEMON = """
import os, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(writing, b'up')
        os.closerange(3, 4096)
        while True:
            time.sleep(1000)
    os._exit(0)
os.read(reading, 2)
answer('daemon up')
"""


def open_descriptors() -> list[str]:
    """What this process holds open, without numbers, for `traces`."""
    found: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(descriptor.readlink()).partition(":")[0])
        except OSError:
            continue  # the descriptor of the listing itself
    return sorted(found)
