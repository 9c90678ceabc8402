"""What an invoker needs of an isolation technology: start a sandbox, show it code, hear its output, end it.

The action proxy protocol (`POST /init`, `POST /run`) is not part of the port: `invoker.proxy`
speaks it over the sandbox's address, whatever the driver.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import msgspec

CODE_PATH = "/code"
"""Where an isolated sandbox sees the directory of its action, read-only; `Sandbox.code_path` tells it for every driver."""


class Stream(StrEnum):
    """The two outputs of a process."""

    STDOUT = "stdout"
    STDERR = "stderr"


class Ending(StrEnum):
    """Why a sandbox's process tree is gone."""

    EXITED = "exited"
    OUT_OF_MEMORY = "out of memory"
    """The kernel killed a process of the tree for going over `SandboxSpec.memory_mb`."""
    DESTROYED = "destroyed"


Network: TypeAlias = Literal["none", "internet", "host"]
"""`none`: only a loopback of its own. `internet`: the world and the platform's API, but nothing of this machine, of private
networks or of other sandboxes. `host`: the network of this machine."""

OutputSink: TypeAlias = Callable[[Stream, bytes], None]
"""Takes what the process tree wrote, in order within a stream, as it is read. Called on the event loop."""


class Interpreter(msgspec.Struct, frozen=True):
    """A program on this machine that runs actions of one kind, and what it needs to see of the file system."""

    kind: str
    """Such as `nodejs:24`."""
    command: tuple[str, ...]
    """Program and arguments that start the runtime; `{memory_mb}` and `{listen_fd}` stand for the sandbox's own values."""
    mounts: tuple[tuple[Path, str], ...] = ()
    """Host path and path inside, shown read-only beside the system's libraries."""
    environment: tuple[tuple[str, str], ...] = ()
    version: str = ""
    """What the interpreter says of itself, such as `24.19.0`."""
    image: str = ""
    """Container image that holds it, for drivers of containers; its own program runs where `command` is empty."""
    framed: bool = False
    """True: after each activation it writes OpenWhisk's sentinel line to both outputs, and takes code inside `/init`."""


class SandboxSpec(msgspec.Struct, frozen=True):
    """What makes two fresh sandboxes interchangeable."""

    interpreter: Interpreter
    memory_mb: int
    network: Network | None = None
    """None: what the driver gives to all."""


class Feature(msgspec.Struct, frozen=True):
    """One protection, and whether this machine gives it; for `ioruntime doctor`."""

    name: str
    ok: bool
    detail: str
    """One sentence: what was found."""
    cure: str = ""
    """One sentence: how to get it; empty when `ok`."""


class SandboxError(Exception):
    """The driver could not do what was asked; the sandbox, if there was one, is dead. `destroy` is the only legal call left."""


class ImageError(SandboxError):
    """There is no such container image, or it cannot be fetched."""

    def __init__(self, image: str) -> None:
        super().__init__(f"Failed to pull container image '{image}'.")


class Sandbox(Protocol):
    """One isolated process tree with an action proxy listening on `socket_path`.

    The socket accepts connections as soon as `SandboxDriver.start` returns; requests wait in its backlog until the
    interpreter inside is up. Calls of the methods below come from one task at a time; `drivers.guard` sees to that.
    """

    @property
    def id(self) -> str:
        """Unique on this machine: lower-case letters, digits and `-`."""
        ...

    @property
    def socket_path(self) -> Path:
        """Unix socket on the host that reaches the proxy inside."""
        ...

    @property
    def code_path(self) -> str:
        """Where the processes inside see what `show_code` shows: an absolute path inside, known from the start."""
        ...

    async def show_code(self, directory: Path) -> None:
        """Make the content of `directory` visible at `code_path`, read-only; at most once in a sandbox's life.

        Whatever the processes inside do, `directory` stays as it is.

        Raises:
            SandboxError: it could not be shown.
        """
        ...

    async def drain(self) -> None:
        """Hand to the output sink everything that the process tree wrote before this call."""
        ...

    def drain_now(self) -> bool:
        """Do what `drain` does where that needs no waiting; False: it does, or cannot be done, so call `drain`."""
        ...

    async def pause(self) -> None:
        """Take the processor from the whole tree until `resume`; a driver that cannot does nothing."""
        ...

    async def resume(self) -> None: ...

    async def ended(self) -> Ending:
        """Wait until the main process of the tree is gone, and say why. May be awaited by many, at any time."""
        ...

    async def destroy(self) -> None:
        """Kill the whole tree and give back everything it held: processes, cgroup, files, socket. Idempotent; never raises."""
        ...


class SandboxDriver(Protocol):
    """One isolation technology."""

    @property
    def name(self) -> str: ...

    def degradations(self) -> tuple[str, ...]:
        """One sentence for each promised protection that this machine does not give, with its cure; empty when all hold."""
        ...

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        """Start a fresh sandbox.

        Raises:
            SandboxError: it could not be started; nothing of it is left.
        """
        ...

    async def close(self) -> None:
        """Destroy what is left, and give back what the driver itself holds."""
        ...
