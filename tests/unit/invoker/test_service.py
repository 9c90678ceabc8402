"""From a request to its record, with sandboxes that answer over real sockets in this process."""

import asyncio
import io
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.invoker.code import CodeCache
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.service import CODE_GONE, INTERRUPTED, LOGS_LOST, LOGS_MISSING, NO_SANDBOX, InvokerService
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId, Status, new_activation_id
from ioruntime.model.errors import UnavailableError
from ioruntime.model.exec import CodeExec, CodeReference, SequenceExec
from ioruntime.model.kinds import Family, Kinds, NoInterpreterError
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.sandbox import Ending, Interpreter, OutputSink, Sandbox, SandboxError, SandboxSpec, Stream
from ioruntime.stores.memory import MemoryBlobs
from ioruntime.testing.clock import HandClock
from ioruntime.testing.fake_sandbox import FakeDriver, FakeSandbox

pytestmark = pytest.mark.anyio

NODE = Family(kind="nodejs:{}", image="i", default=24, oldest=6, newest=26, listed=(24,), command=("node",))
KINDS = Kinds.of({"nodejs": NODE}, ["nodejs:24"])
OK = b'{"ok":true}'


class DyingError(Exception):
    """Raised by a behaviour: the process ends without an answer."""


class ServedSandbox(FakeSandbox):
    """A fake sandbox with a runtime that listens."""

    def __init__(self, driver: "ServingDriver", number: int, output: OutputSink) -> None:
        super().__init__(driver, number)
        self.socket_path = driver.directory / self.id
        self.output = output
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.ending = Ending.EXITED
        self.drain_fails = False
        self._behave = driver.behave
        self._seen = driver.seen
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._connected, self.socket_path)

    async def vanish(self) -> None:
        """Stop listening and close connections, unnoticed by who watches the process."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.socket_path.unlink(missing_ok=True)
        for writer in self._connections.values():
            writer.close()
        if self._connections:
            await asyncio.wait(list(self._connections))

    async def drain(self) -> None:
        if self.drain_fails:
            raise SandboxError("gone")

    def drain_now(self) -> bool:
        return not self.drain_fails

    async def ended(self) -> Ending:
        await super().ended()
        return self.ending

    async def destroy(self) -> None:
        await super().destroy()
        await self.vanish()

    async def hang(self) -> bytes:
        """Answer nothing while the sandbox lives."""
        await super().ended()
        raise DyingError

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError, DyingError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                path = head.split()[1].decode().removeprefix("/")
                body = msgspec.json.decode(await reader.readexactly(length))
                await self._note(path, body)
                status, answer = await self._behave(self, path, body)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(answer), answer))
        writer.close()
        del self._connections[task]

    async def _note(self, path: str, body: dict[str, Any]) -> None:
        self.requests.append((path, body))
        async with self._seen:
            self._seen.notify_all()

    def count(self, path: str) -> int:
        return sum(1 for each, _ in self.requests if each == path)


Behaviour = Callable[[ServedSandbox, str, dict[str, Any]], Awaitable[tuple[int, bytes]]]


class ServingDriver(FakeDriver):
    """Starts sandboxes that behave as told; those numbered in `deaf` do not listen."""

    def __init__(self, directory: Path, behave: Behaviour) -> None:
        super().__init__()
        self.directory, self.behave = directory, behave
        self.deaf: set[int] = set()
        self.seen = asyncio.Condition()
        self.sandboxes: list[ServedSandbox] = []

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        await super().start(spec, output)
        sandbox = ServedSandbox(self, number := len(self.sandboxes), output)
        self.sandboxes.append(sandbox)
        if number not in self.deaf:
            await sandbox.listen()
        return sandbox


class World:
    """A service with its parts at hand; it is also its own reporter."""

    def __init__(
        self, service: InvokerService, driver: ServingDriver, blobs: MemoryBlobs, clock: HandClock, marks: "Marks"
    ) -> None:
        self.service, self.driver, self.blobs, self.clock, self.marks = service, driver, blobs, clock, marks
        self.answers: list[Activation] = []

    async def request(
        self,
        code: bytes = b"let x",
        *,
        binary: bool = False,
        kind: str = "nodejs:24",
        arguments: bytes = b"{}",
        concurrency: int = 1,
        timeout_ms: int = 5000,
        memory_mb: int = 256,
        blocking: bool = True,
    ) -> InvocationRequest:
        reference = CodeReference(await self.blobs.put(code), len(code))
        return InvocationRequest(
            activation_id=new_activation_id(),
            transaction_id="tid",
            blocking=blocking,
            namespace="me",
            subject="subject",
            action=Action(
                path=EntityPath("her", "a", "p"),
                exec=CodeExec(kind=kind, code=reference, binary=binary),
                version="0.0.7",
                limits=ActionLimits(timeout_ms=timeout_ms, memory_mb=memory_mb, concurrency=concurrency),
                revision=3,
            ),
            arguments=msgspec.Raw(arguments),
            received_ms=self.clock.now_ms() - 40,
        )

    async def run(self, **changes: Any) -> Activation:
        self.service.handle(await self.request(**changes))
        await self.service.drained()
        return self.answers[-1]

    async def started(self, sandboxes: int) -> None:
        """Wait until so many sandboxes have got their `/run`."""
        async with self.driver.seen:
            await self.driver.seen.wait_for(lambda: sum(each.count("run") > 0 for each in self.driver.sandboxes) == sandboxes)


class Heard:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.cold: list[bool] = []
        self.trouble: list[Exception] = []
        self.bugs: list[Exception] = []

    def ran(self, activation: Activation, *, kind: str, cold: bool, wait_ms: int) -> None:
        self.cold.append(cold)

    def not_provisioned(self, request: InvocationRequest, error: Exception) -> None:
        self.trouble.append(error)

    def crashed(self, request: InvocationRequest, error: Exception, /) -> None:
        self.bugs.append(error)


class Marks:
    """Remembers what has begun, unless it refuses."""

    def __init__(self) -> None:
        self.begun: list[ActivationId] = []
        self.refuses = False
        self.refused = 0

    async def begin(self, activation_ids: Sequence[ActivationId]) -> None:
        if self.refuses:
            self.refused += 1
            raise UnavailableError
        self.begun += activation_ids


@asynccontextmanager
async def world(
    directory: Path,
    behave: Behaviour,
    *,
    heard: Heard | None = None,
    kinds: Kinds = KINDS,
    sandboxes: int = 4,
    queue_most: int = 100,
) -> AsyncGenerator[World]:
    driver, blobs, clock, bus = ServingDriver(directory, behave), MemoryBlobs(), HandClock(), LocalBus()
    marks = Marks()
    async with (
        Pool(driver, memory_mb=256 * sandboxes, clock=clock) as pool,
        InvokerService(
            bus=bus,
            pool=pool,
            code=CodeCache(blobs, directory / "unpacked"),
            kinds=kinds,
            interpreters={"nodejs:24": Interpreter("nodejs:24", ("node",))},
            clock=clock,
            reporter=heard or Heard(),
            marks=marks,
            result_bytes_most=1000,
            queue_most=queue_most,
        ) as service,
    ):
        it = World(service, driver, blobs, clock, marks)
        bus.listen(it.answers.append)
        yield it
        await service.interrupt()


def answering(*, init: tuple[int, bytes] = (200, OK), run: tuple[int, bytes] = (200, OK)) -> Behaviour:
    async def behave(_: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return init if path == "init" else run

    return behave


async def echo(_: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(body["value"]) if path == "run" else OK


def noted(activation: Activation) -> dict[str, Any]:
    return {a.key: a.value for a in activation.annotations}


def error_of(activation: Activation) -> Any:
    return msgspec.json.decode(activation.result)["error"]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_cold_then_warm(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:

        async def slow(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
            it.clock.s += 0.25 if path == "init" else 0.5
            return await echo(sandbox, path, body)

        it.driver.behave = slow
        cold = await it.run(arguments=b'{"a":1}')
        received_ms = it.clock.now_ms()
        warm = await it.run(arguments=b'{"a":2}')
        assert (noted(cold)["initTime"], cold.duration_ms) == (250, 750)
        assert "initTime" not in noted(warm)
        assert (warm.start_ms, warm.end_ms, warm.duration_ms) == (received_ms, received_ms + 500, 500)
        assert noted(warm) == {
            "path": "her/p/a",
            "waitTime": 40,
            "kind": "nodejs:24",
            "timeout": False,
            "limits": ActionLimits(timeout_ms=5000),
        }
        assert [bytes(each.result) for each in (cold, warm)] == [b'{"a":1}', b'{"a":2}']
        assert (warm.namespace, warm.name, warm.package, warm.version, warm.subject) == ("me", "a", "p", "0.0.7", "subject")
        (sandbox,) = it.driver.sandboxes
        assert [path for path, _ in sandbox.requests] == ["init", "run", "run"]
    assert heard.cold == [True, False]


async def test_a_kind_without_its_own_interpreter_runs_on_another_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        assert noted(await it.run(kind="nodejs:14"))["kind"] == "nodejs:24"


@pytest.mark.parametrize(
    ("reply", "status", "result", "kept"),
    [
        pytest.param((200, b'{"a":1}'), Status.SUCCESS, b'{"a":1}', True, id="an object"),
        pytest.param((200, b"[1, 2]"), Status.SUCCESS, b"[1, 2]", True, id="an array"),
        pytest.param((200, b'{"error":"no"}'), Status.APPLICATION_ERROR, b'{"error":"no"}', True, id="an error keeps it warm"),
        pytest.param((502, b'{"error":"boom","x":1}'), Status.DEVELOPER_ERROR, b'{"error":"boom"}', False, id="an exception"),
        pytest.param((200, b"7"), Status.DEVELOPER_ERROR, None, False, id="no object"),
        pytest.param((200, b'{"a":"%b"}' % (b"x" * 2000)), Status.APPLICATION_ERROR, None, True, id="too much"),
    ],
)
async def test_how_a_run_ends(tmp_path: Path, reply: tuple[int, bytes], status: Status, result: bytes | None, kept: bool) -> None:
    async with world(tmp_path, answering(run=reply)) as it:
        activation = await it.run()
        await settle()
        assert activation.status is status
        assert result is None or bytes(activation.result) == result
        assert bool(it.driver.alive) is kept
        assert any(LOGS_MISSING in line for line in activation.logs) is (status is Status.DEVELOPER_ERROR)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((502, b'{"error":"no such module"}'), "no such module"),
        ((403, b"nothing to run"), "The action failed during initialization: nothing to run"),
    ],
)
async def test_an_initialisation_that_fails(tmp_path: Path, reply: tuple[int, bytes], error: str) -> None:
    async with world(tmp_path, answering(init=reply)) as it:
        activation = await it.run()
        await settle()
        assert (activation.status, error_of(activation)) == (Status.DEVELOPER_ERROR, error)
        assert noted(activation)["initTime"] == 0
        assert it.driver.sandboxes[0].count("run") == 0
        assert not it.driver.alive


@pytest.mark.parametrize(
    ("slow", "error"),
    [
        ("init", "The action exceeded its time limits of 30 milliseconds during initialization."),
        ("run", "The action exceeded its time limits of 30 milliseconds."),
    ],
)
async def test_what_takes_too_long(tmp_path: Path, slow: str, error: str) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == slow else OK

    async with world(tmp_path, behave) as it:
        activation = await it.run(timeout_ms=30)
        await settle()
        assert (activation.status, error_of(activation)) == (Status.DEVELOPER_ERROR, error)
        assert noted(activation)["timeout"] is True
        assert not it.driver.alive


@pytest.mark.parametrize(
    ("when", "ending", "error"),
    [
        ("init", Ending.EXITED, "The action did not initialize and exited unexpectedly."),
        ("run", Ending.EXITED, "The action did not produce a valid response and exited unexpectedly."),
        ("run", Ending.OUT_OF_MEMORY, "The action exhausted its memory and was aborted."),
    ],
)
async def test_a_process_that_dies(tmp_path: Path, when: str, ending: Ending, error: str) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if path != when:
            return 200, OK
        sandbox.ending = ending
        sandbox.die()
        raise DyingError

    async with world(tmp_path, behave) as it:
        activation = await it.run()
        assert (activation.status, error_of(activation)) == (Status.DEVELOPER_ERROR, error)
        assert len(it.driver.sandboxes) == 1


async def test_activations_that_share_a_sandbox_initialise_it_once(tmp_path: Path) -> None:
    together = asyncio.Barrier(5)

    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if path == "run":
            await together.wait()
        return await echo(sandbox, path, body)

    heard = Heard()
    async with world(tmp_path, behave, heard=heard) as it:
        for number in range(5):
            it.service.handle(await it.request(concurrency=5, arguments=b'{"n":%d}' % number))
        await it.service.drained()
        (sandbox,) = it.driver.sandboxes
        assert (sandbox.count("init"), sandbox.count("run")) == (1, 5)
        assert {bytes(each.result) for each in it.answers} == {b'{"n":%d}' % number for number in range(5)}
    assert sorted(heard.cold) == [False] * 4 + [True]


async def test_all_who_wait_for_a_failing_initialisation_get_its_error(tmp_path: Path) -> None:
    async with world(tmp_path, answering(init=(502, b'{"error":"broken"}'))) as it:
        for _ in range(8):
            it.service.handle(await it.request(concurrency=8))
        await it.service.drained()
        assert [(each.status, error_of(each)) for each in it.answers] == [(Status.DEVELOPER_ERROR, "broken")] * 8
        assert [sandbox.count("init") for sandbox in it.driver.sandboxes] == [1]


async def test_all_who_share_code_that_cannot_be_unpacked_are_told(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        for _ in range(4):
            it.service.handle(await it.request(b"PK no zip", binary=True, concurrency=4))
        await it.service.drained()
        assert {each.status for each in it.answers} == {Status.DEVELOPER_ERROR}
        assert all(sandbox.requests == [] for sandbox in it.driver.sandboxes)


async def test_a_sandbox_that_vanished_while_idle_is_replaced(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        await it.run()
        await it.driver.sandboxes[0].vanish()
        await settle()
        activation = await it.run(arguments=b'{"again":true}')
        assert bytes(activation.result) == b'{"again":true}'
        assert [sandbox.count("run") for sandbox in it.driver.sandboxes] == [1, 1]
        assert it.driver.alive == {"fake-1"}


async def test_one_that_cannot_be_reached_is_replaced_and_the_third_is_the_last(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:
        it.driver.deaf = {0, 1}
        assert (await it.run()).success
        await it.driver.sandboxes[2].vanish()
        await settle()
        it.driver.deaf = {3, 4, 5}
        activation = await it.run()
        assert (activation.status, error_of(activation)) == (Status.WHISK_ERROR, NO_SANDBOX)
        assert len(it.driver.sandboxes) == 5
    assert [type(error) for error in heard.trouble] == [SandboxError]


async def test_no_sandbox_and_no_memory(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:
        it.driver.broken = True
        activations = [await it.run(), await it.run(memory_mb=4096)]
        assert [(each.status, error_of(each)) for each in activations] == [(Status.WHISK_ERROR, NO_SANDBOX)] * 2
        assert it.service.in_flight == 0
    assert [type(error) for error in heard.trouble] == [SandboxError] * 2


async def test_no_interpreter(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard, kinds=Kinds.of({"nodejs": NODE})) as it:
        activation = await it.run()
        assert (activation.status, error_of(activation)) == (Status.WHISK_ERROR, NO_SANDBOX)
        assert noted(activation)["kind"] == "nodejs:24"
    assert [type(error) for error in heard.trouble] == [NoInterpreterError]


@pytest.mark.parametrize(
    ("code", "binary", "status", "error"),
    [
        pytest.param(
            b"PK no zip",
            True,
            Status.DEVELOPER_ERROR,
            "There was an error uncompressing the action archive. The file type is unsupported",
            id="no archive",
        ),
        pytest.param(b"\xff\xfe", False, Status.DEVELOPER_ERROR, "The action's code is not UTF-8 text.", id="no text"),
        pytest.param(None, False, Status.WHISK_ERROR, CODE_GONE, id="no code in the store"),
    ],
)
async def test_code_that_cannot_be_had(tmp_path: Path, code: bytes | None, binary: bool, status: Status, error: str) -> None:
    async with world(tmp_path, echo) as it:
        request = await it.request(code or b"x", binary=binary)
        if code is None:
            await it.blobs.sweep(set(), older_than_s=-1)
        it.service.handle(request)
        await it.service.drained()
        assert (it.answers[0].status, error_of(it.answers[0])) == (status, error)


async def test_an_archive_is_shown_and_named_and_not_sent(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("index.js", "x")
    async with world(tmp_path, echo) as it:
        assert (await it.run(code=sink.getvalue(), binary=True)).success
        (sandbox,) = it.driver.sandboxes
        assert sandbox.calls == ["show_code"]
        assert {k: sandbox.requests[0][1]["value"][k] for k in ("directory", "code", "binary")} == {
            "directory": "/code",
            "code": "",
            "binary": True,
        }


async def test_what_is_not_code_is_our_bug(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:
        request = await it.request()
        sequence = msgspec.structs.replace(request.action, exec=SequenceExec(("/me/a",)))
        it.service.handle(msgspec.structs.replace(request, action=sequence))
        await it.service.drained()
        assert (it.answers[0].status, error_of(it.answers[0])) == (Status.WHISK_ERROR, "There was an internal server error.")
    assert len(heard.bugs) == 1


async def test_output_is_in_the_record_of_its_activation(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        sandbox.output(Stream.STDOUT, f"{path} {body['value'].get('n', '')}\n".encode())
        return await echo(sandbox, path, body)

    async with world(tmp_path, behave) as it:
        lines = [[line[31:] for line in (await it.run(arguments=b'{"n":%d}' % n)).logs] for n in range(2)]
        assert lines == [["stdout: init ", "stdout: run 0"], ["stdout: run 1"]]


async def test_a_result_survives_logs_that_do_not(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        sandbox.drain_fails = path == "run"
        return await echo(sandbox, path, body)

    async with world(tmp_path, behave) as it:
        activation = await it.run()
        await settle()
        assert activation.success
        assert [line.endswith(LOGS_LOST) for line in activation.logs] == [True]
        assert not it.driver.alive


async def test_what_was_accepted_is_marked_once_before_its_code_runs_and_what_is_waited_for_never(tmp_path: Path) -> None:
    order: list[tuple[str, int]] = []

    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        order.append((path, len(it.marks.begun)))
        return await echo(sandbox, path, body)

    async with world(tmp_path, behave) as it:
        await it.run()
        accepted = [await it.request(blocking=False) for _ in range(2)]
        for request in accepted:
            it.service.handle(request)
            await it.service.drained()
        assert order == [("init", 0), ("run", 0), ("run", 1), ("run", 2)]
        assert it.marks.begun == [request.activation_id for request in accepted]


async def test_what_cannot_be_marked_waits_and_gives_its_sandbox_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioruntime.invoker.service._MARK_AGAIN_S", 0.01)
    async with world(tmp_path, echo, sandboxes=1) as it:
        it.marks.refuses = True
        accepted = await it.request(blocking=False)
        it.service.handle(accepted)
        while not it.marks.refused:  # noqa: ASYNC110 - a counter tells nobody that it grew
            await asyncio.sleep(0)
        it.service.handle(await it.request())
        while not it.answers:  # noqa: ASYNC110 - nor does a list
            await asyncio.sleep(0)
        it.marks.refuses = False
        await it.service.drained()
        assert it.marks.begun == [accepted.activation_id]
        assert [each.success for each in it.answers] == [True, True]


async def test_interrupting_leaves_what_was_accepted_and_has_not_begun_to_the_next_start(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == "run" else OK

    async with world(tmp_path, behave, sandboxes=1) as it:
        requests = [await it.request(blocking=False) for _ in range(3)]
        for request in requests:
            it.service.handle(request)
        await it.started(1)
        await it.service.interrupt()
        assert [error_of(each) for each in it.answers] == [INTERRUPTED]
        assert it.marks.begun == [each.activation_id for each in it.answers] == [requests[0].activation_id]
        assert it.service.in_flight == 0


async def test_interrupting_ends_what_runs_what_waits_and_what_has_just_come(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == "run" else OK

    async with world(tmp_path, behave, sandboxes=2) as it:
        for _ in range(4):
            it.service.handle(await it.request())
        await it.started(2)
        it.service.handle(await it.request())
        assert it.service.in_flight == 5
        await it.service.interrupt()
        assert [(each.status, error_of(each)) for each in it.answers] == [(Status.WHISK_ERROR, INTERRUPTED)] * 5
        assert len({each.activation_id for each in it.answers}) == 5
        assert it.service.in_flight == 0
        assert len(it.driver.sandboxes) == 2


async def test_interrupting_leaves_what_has_ended_as_it_ended(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        assert (await it.run()).success
        await it.service.interrupt()
        assert len(it.answers) == 1


async def test_a_full_queue_takes_no_more(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == "run" else OK

    async with world(tmp_path, behave, sandboxes=1, queue_most=2) as it:
        for _ in range(3):
            it.service.handle(await it.request())
        await it.started(1)
        with pytest.raises(UnavailableError):
            it.service.handle(await it.request())
        assert it.service.in_flight == 3


async def test_an_idle_service_is_drained(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        await it.service.drained()
        assert it.service.in_flight == 0
