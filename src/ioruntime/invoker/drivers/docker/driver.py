"""Isolation by Docker: each sandbox is a container of an image that speaks the action proxy protocol."""

import asyncio
import itertools
import os
import secrets
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from ioruntime.invoker.drivers.child import until_readable
from ioruntime.invoker.drivers.docker.container import PORT, READY, Folders, command_of, document, network_of, trouble
from ioruntime.invoker.drivers.docker.engine import Engine
from ioruntime.invoker.drivers.docker.netns import can_enter, socket_of
from ioruntime.invoker.drivers.docker.relay import Relay
from ioruntime.invoker.drivers.docker.sandbox import DockerSandbox, Parts
from ioruntime.invoker.drivers.docker.settings import NO_NETWORK, DockerSettings
from ioruntime.invoker.drivers.outputs import Outputs
from ioruntime.invoker.drivers.workspace import StateDirectory
from ioruntime.ports.sandbox import Feature, OutputSink, Sandbox, SandboxError, SandboxSpec, Stream

_READY_S = 60.0
"""A machine under load takes its time to start a container."""
_DIAL_S = 5.0


class DockerDriver:
    """See `ports.sandbox.SandboxDriver` for the promises."""

    name = "docker"

    def __init__(self, settings: DockerSettings) -> None:
        """Take the state directory; the engine is spoken to at the first start.

        Raises:
            SandboxError: the state directory is in use or not writable.
        """
        self._settings = settings
        self._state = StateDirectory(settings.state_dir)
        self._files = ThreadPoolExecutor(2, thread_name_prefix="sandbox-files")
        self._dialer = ThreadPoolExecutor(1, thread_name_prefix="sandbox-network")
        self._engine: Engine | None = None
        self._meeting = asyncio.Lock()
        self._live: dict[str, DockerSandbox] = {}
        self._starting: set[asyncio.Task[DockerSandbox]] = set()
        self._numbers = itertools.count(1)
        self._prefix = secrets.token_hex(3)
        self._closed = False

    def report(self) -> tuple[Feature, ...]:
        """Every protection, and whether this machine gives it."""
        return _features(self._settings)

    def degradations(self) -> tuple[str, ...]:
        return tuple(f"{feature.detail} {feature.cure}".strip() for feature in self.report() if not feature.ok)

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        starting = asyncio.get_running_loop().create_task(self._start(spec, output), name="start a container")
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            # Waited for, not awaited: the engine would go on with what it was asked for, and nobody knew of it.
            await asyncio.wait([starting])
        except asyncio.CancelledError:
            await _undo(starting)
            raise
        return starting.result()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for starting in tuple(self._starting):
            await _undo(starting)
        for sandbox in tuple(self._live.values()):
            await sandbox.destroy()
        if self._engine is not None:
            await self._engine.close()
        self._files.shutdown()
        self._dialer.shutdown()
        self._state.close()

    async def _start(self, spec: SandboxSpec, output: OutputSink) -> DockerSandbox:
        if not spec.interpreter.image:
            raise SandboxError(f"{spec.interpreter.kind} has no image: name one in docker.runtimes.")
        engine = await self._meet()
        image = await engine.image(spec.interpreter.image, self._settings.pull)
        command = command_of(spec.interpreter, image, memory_mb=spec.memory_mb)
        if not command:
            raise SandboxError(f"The image {spec.interpreter.image} names no program to run.")
        prepared = _Prepared(self._state, f"{self._prefix}-{next(self._numbers)}")
        name = f"{self._state.name}-{prepared.id}"
        try:
            made = document(spec, self._settings, command=command, folders=prepared.folders, owner=self._state.name)
            await engine.run(name, made)
            await self._until_ready(engine, name, prepared, spec.interpreter.image)
            relay = Relay(prepared.listener, await self._dial_of(engine, name, network_of(spec, self._settings)))
            await relay.open()
        except BaseException:
            await _quietly(engine.remove(name))
            prepared.discard()
            raise
        return self._own(spec, output, prepared, relay, name)

    def _own(self, spec: SandboxSpec, output: OutputSink, prepared: "_Prepared", relay: Relay, name: str) -> DockerSandbox:
        assert self._engine is not None
        parts = Parts(
            id=prepared.id,
            container=name,
            directory=prepared.directory,
            socket_path=self._state.socket_path(prepared.id),
            engine=self._engine,
            outputs=prepared.outputs,
            relay=relay,
            files=self._files,
            framed=spec.interpreter.framed,
        )
        prepared.close_ready()
        sandbox = DockerSandbox(parts, output)
        self._live[sandbox.id] = sandbox
        sandbox.on_destroyed(lambda: self._live.pop(sandbox.id) and None)
        return sandbox

    async def _meet(self) -> Engine:
        """Return the engine; before its first use, remove what a crashed predecessor left there."""
        async with self._meeting:
            if self._engine is None:
                engine = Engine(self._settings.socket, owner=self._state.name)
                try:
                    for name in await engine.owned():
                        await engine.remove(name)
                except BaseException:
                    await engine.close()
                    raise
                self._engine = engine
            return self._engine

    async def _until_ready(self, engine: Engine, name: str, prepared: "_Prepared", image: str) -> None:
        """Wait until the container's shell has found the program, or tell why there is none."""
        ready = asyncio.get_running_loop().create_task(until_readable(prepared.ready))
        ended = asyncio.get_running_loop().create_task(engine.ended(name))
        try:
            async with asyncio.timeout(_READY_S):
                await asyncio.wait([ready, ended], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise SandboxError(f"The image {image} did not start within {_READY_S:.0f} s.") from error
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.wait([ready, ended])
        with suppress(BlockingIOError):
            if reason := trouble(os.read(prepared.ready, 4096).decode(errors="replace")):
                raise SandboxError(f"The image {image} cannot run: {reason}.")
            return
        raise SandboxError(f"The image {image} cannot run: its shell ended early.")

    async def _dial_of(self, engine: Engine, name: str, network: str) -> "_Dial":
        location = await engine.locate(name)
        if network != NO_NETWORK:
            if location.address is None:
                raise SandboxError(f"The container {name} has no address in the network {network}.")
            return _Dial(location.address, None, self._dialer)
        if not can_enter():
            raise SandboxError(f"Containers without a network cannot be reached. {_NETWORK_CURE}")
        return _Dial("127.0.0.1", location.pid, self._dialer)


class _Dial:
    """Connects to the proxy of one container."""

    def __init__(self, address: str, pid: int | None, threads: ThreadPoolExecutor) -> None:
        self._address = address
        self._pid = pid
        """Whose network namespace to enter; None where the address can be reached from here."""
        self._threads = threads

    async def __call__(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        if self._pid is None:
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            made.setblocking(False)
        else:
            made = await loop.run_in_executor(self._threads, socket_of, self._pid)
        try:
            async with asyncio.timeout(_DIAL_S):
                await loop.sock_connect(made, (self._address, PORT))
        except BaseException:
            made.close()
            raise
        return made


class _Prepared:
    """What a container needs on the host. Belongs to its sandbox, or ends in `discard`."""

    def __init__(self, state: StateDirectory, sandbox_id: str) -> None:
        self.id = sandbox_id
        self.directory = state.path / sandbox_id
        self._state = state
        try:
            self.listener = state.make(sandbox_id)
            pipes = self.directory / "pipes"
            pipes.mkdir()
            pipes.chmod(0o755)
            self.outputs = Outputs({stream: _pipe(pipes / stream) for stream in Stream})
            self.ready = _pipe(pipes / READY)
        except OSError as error:
            state.remove(sandbox_id)
            raise SandboxError(f"Sandbox {sandbox_id} could not be prepared: {error}.") from error
        self.folders = Folders(str(self.directory / "code"), str(pipes))

    def close_ready(self) -> None:
        os.close(self.ready)

    def discard(self) -> None:
        self.listener.close()
        self.outputs.close()
        self.close_ready()
        self._state.remove(self.id)


def _pipe(path: Path) -> int:
    """Make a named pipe that any user inside may write to, and return its reading end."""
    os.mkfifo(path)
    path.chmod(0o622)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


async def _undo(starting: "asyncio.Task[DockerSandbox]") -> None:
    await asyncio.wait([starting])
    if not starting.cancelled() and starting.exception() is None:
        await starting.result().destroy()


async def _quietly(removal: Coroutine[Any, Any, None]) -> None:
    # The first trouble is the one to tell; what is left goes when the next driver starts.
    with suppress(SandboxError):
        await removal


_NETWORK_CURE = "Run the server as root, or name a network of the engine, made with --internal, in docker.network."


def _features(settings: DockerSettings) -> tuple[Feature, ...]:
    alone = settings.network == NO_NETWORK
    reached = not alone or can_enter()
    network = "Sandboxes have no network." if alone else f"Sandboxes use the engine's network {settings.network}."
    return (
        Feature("isolation", ok=True, detail=f"Containers of the engine at {settings.socket}."),
        Feature("network", ok=alone, detail=network, cure="" if alone else f"Set docker.network to `{NO_NETWORK}`."),
        Feature(
            "reach",
            ok=reached,
            detail="Containers can be reached." if reached else "Containers without a network cannot be reached.",
            cure="" if reached else _NETWORK_CURE,
        ),
    )
