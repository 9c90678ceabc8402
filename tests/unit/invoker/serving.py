"""An invoker whose sandboxes answer over real sockets in this process."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from ioruntime.bus.local import LocalBus
from ioruntime.invoker.code import CodeCache
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.service import InvokerService
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId, new_activation_id
from ioruntime.model.errors import UnavailableError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.kinds import Family, Kinds
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.sandbox import Ending, Interpreter, OutputSink, Sandbox, SandboxError, SandboxSpec
from ioruntime.stores.memory import MemoryBlobs
from ioruntime.testing.clock import HandClock
from ioruntime.testing.fake_sandbox import FakeDriver, FakeSandbox

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
