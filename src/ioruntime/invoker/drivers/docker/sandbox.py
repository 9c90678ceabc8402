"""A sandbox that is a Docker container."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import msgspec

from ioruntime.invoker.drivers.docker.engine import Engine
from ioruntime.invoker.drivers.docker.framing import Framing
from ioruntime.invoker.drivers.docker.relay import Relay
from ioruntime.invoker.drivers.outputs import Outputs
from ioruntime.invoker.drivers.workspace import link_tree
from ioruntime.ports.sandbox import CODE_PATH, Ending, OutputSink, SandboxError, Stream

_SENTINELS_S = 2.0
"""OpenWhisk's own patience with the end of an activation's output."""
_KILLED = 137
"""128 and SIGKILL. Nobody inside can send that to the first process, so who did was the kernel, for want of memory."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a sandbox is made of; it owns all but the engine and the threads."""

    id: str
    container: str
    """Its name, as the engine knows it."""
    directory: Path
    socket_path: Path
    engine: Engine
    outputs: Outputs
    relay: Relay
    files: Executor
    framed: bool
    """True: the output of each activation ends in sentinels."""


class DockerSandbox:
    """See `ports.sandbox.Sandbox` for the promises."""

    code_path = CODE_PATH

    def __init__(self, parts: Parts, sink: OutputSink) -> None:
        self._parts = parts
        self._sink = sink
        self._framing = Framing()
        self._complete = asyncio.Event()
        self._work: asyncio.Future[None] | None = None
        self._destroying: asyncio.Task[None] | None = None
        self._on_destroyed: list[Callable[[], None]] = []
        loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[Ending] = loop.create_future()
        self._watch = loop.create_task(self._see_end(), name=f"watch {parts.id}")
        parts.outputs.open(self._hear if parts.framed else sink)

    def __repr__(self) -> str:
        state = self._ending.result().value if self._ending.done() else "running"
        return f"<DockerSandbox {self.id} [{state}]>"

    @property
    def id(self) -> str:
        return self._parts.id

    @property
    def socket_path(self) -> Path:
        return self._parts.socket_path

    def on_destroyed(self, act: Callable[[], None]) -> None:
        """Call `act` once when nothing of the sandbox is left."""
        self._on_destroyed.append(act)

    async def show_code(self, directory: Path) -> None:
        if self._work is not None or self._destroying is not None:
            raise SandboxError(f"Sandbox {self.id} was shown code before, or is destroyed.")
        loop = asyncio.get_running_loop()
        self._work = loop.run_in_executor(self._parts.files, link_tree, directory, self._parts.directory / "code")
        # Waited for, not awaited: a cancelled caller must not lose sight of the thread that still writes.
        await asyncio.wait([self._work])
        if error := self._work.exception():
            raise SandboxError(f"The code in {directory} could not be shown: {error}.") from error

    async def drain(self) -> None:
        self._parts.outputs.drain()
        if not self._parts.framed:
            return
        try:
            if not (self._framing.complete or self._ending.done()):
                await self._until_complete()
        finally:
            self._forget_ends()

    def drain_now(self) -> bool:
        self._parts.outputs.drain()
        if not self._parts.framed:
            return True
        if not self._framing.complete:
            return False
        self._forget_ends()
        return True

    async def pause(self) -> None:
        await self._parts.engine.pause(self._parts.container)

    async def resume(self) -> None:
        await self._parts.engine.resume(self._parts.container)

    async def ended(self) -> Ending:
        await asyncio.wait([self._ending])
        return self._ending.result()

    async def destroy(self) -> None:
        if self._destroying is None:
            loop = asyncio.get_running_loop()
            self._destroying = loop.create_task(self._destroy(), name=f"destroy {self.id}")
        # Waited for, not awaited: whoever gives up waiting does not stop the work.
        await asyncio.wait([self._destroying])

    async def _destroy(self) -> None:
        self._end(Ending.DESTROYED)
        self._watch.cancel()
        await asyncio.wait([self._watch])
        await self._parts.relay.close()
        # The engine does not answer: what is left of the container goes when the next driver starts.
        with suppress(SandboxError):
            await self._parts.engine.remove(self._parts.container)
        self._hand_over_rest()
        self._parts.outputs.close()
        if self._work is not None:
            await asyncio.wait([self._work])
        loop = asyncio.get_running_loop()
        await asyncio.wait([loop.run_in_executor(self._parts.files, _remove_tree, self._parts.directory)])
        for act in self._on_destroyed:
            act()

    async def _see_end(self) -> None:
        try:
            how = await self._parts.engine.ended(self._parts.container)
        except SandboxError:
            self._end(Ending.EXITED)  # whoever cannot be watched counts as gone, and is destroyed for it
            return
        self._hand_over_rest()
        self._end(Ending.OUT_OF_MEMORY if how.out_of_memory or how.code == _KILLED else Ending.EXITED)
        await self._parts.relay.close()

    def _end(self, ending: Ending) -> None:
        if not self._ending.done():
            self._ending.set_result(ending)
        self._complete.set()

    def _forget_ends(self) -> None:
        self._framing.forget()
        self._complete.clear()

    def _hear(self, stream: Stream, data: bytes) -> None:
        if shown := self._framing.feed(stream, data):
            self._sink(stream, shown)
        if self._framing.complete:
            self._complete.set()

    def _hand_over_rest(self) -> None:
        self._parts.outputs.drain()
        for stream in Stream:
            if rest := self._framing.rest(stream):
                self._sink(stream, rest)

    async def _until_complete(self) -> None:
        try:
            async with asyncio.timeout(_SENTINELS_S):
                await self._complete.wait()
        except TimeoutError as error:
            raise SandboxError(f"Sandbox {self.id} did not tell the end of its output.") from error


def _remove_tree(directory: Path) -> None:
    rmtree(directory, ignore_errors=True)
