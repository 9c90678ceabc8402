"""A sandbox that is a process tree of this machine: what `process` and `bubblewrap` share."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Protocol

import msgspec

from ioruntime.invoker.cgroups import Cgroup
from ioruntime.invoker.drivers.child import Child
from ioruntime.invoker.drivers.outputs import Outputs
from ioruntime.ports.sandbox import Ending, SandboxError


class Tree(Protocol):
    """How one technology ends what it started."""

    async def kill(self) -> None:
        """Kill every process of the tree, paused or not, and wait until all are gone."""
        ...


class Place(msgspec.Struct, frozen=True):
    """Where a sandbox lives on the host, and how its code gets there."""

    id: str
    directory: Path
    socket_path: Path
    code_path: str
    fill: Callable[[Path, Path], None]
    """Shows the files of the first directory in the second."""
    files: Executor
    """Owned by the driver; runs what touches many files."""


class LocalSandbox:
    """See `ports.sandbox.Sandbox` for the promises."""

    def __init__(self, place: Place, child: Child, *, tree: Tree, outputs: Outputs, cgroup: Cgroup | None) -> None:
        self._place = place
        self._child = child
        self._tree = tree
        self._outputs = outputs
        self._cgroup = cgroup
        self._exhausted = False
        self._work: asyncio.Future[None] | None = None
        self._destroying: asyncio.Task[None] | None = None
        self._on_destroyed: list[Callable[[], None]] = []
        self._ending = asyncio.get_running_loop().create_future()
        child.on_gone(self._tell_ending)

    def __repr__(self) -> str:
        state = self._ending.result().value if self._ending.done() else f"running as process {self._child.pid}"
        return f"<LocalSandbox {self.id} [{state}]>"

    @property
    def id(self) -> str:
        return self._place.id

    @property
    def pid(self) -> int:
        """Of the outermost process, on the host."""
        return self._child.pid

    @property
    def socket_path(self) -> Path:
        return self._place.socket_path

    @property
    def code_path(self) -> str:
        return self._place.code_path

    def on_destroyed(self, act: Callable[[], None]) -> None:
        """Call `act` once when nothing of the sandbox is left."""
        self._on_destroyed.append(act)

    def exhaust(self) -> None:
        """End the tree for having used too much memory, when something other than the kernel saw it."""
        self._exhausted = True
        self._child.kill()

    async def show_code(self, directory: Path) -> None:
        if self._work is not None or self._destroying is not None:
            raise SandboxError(f"Sandbox {self.id} was shown code before, or is destroyed.")
        loop = asyncio.get_running_loop()
        self._work = loop.run_in_executor(self._place.files, self._place.fill, directory, self._place.directory / "code")
        # Waited for, not awaited: a cancelled caller must not lose sight of the thread that still writes.
        await asyncio.wait([self._work])
        if error := self._work.exception():
            raise SandboxError(f"The code in {directory} could not be shown: {error}.") from error

    async def drain(self) -> None:
        self._outputs.drain()

    def drain_now(self) -> bool:
        self._outputs.drain()
        return True

    async def pause(self) -> None:
        if self._cgroup is not None:
            self._cgroup.freeze()

    async def resume(self) -> None:
        if self._cgroup is not None:
            self._cgroup.thaw()

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
        if not self._ending.done():
            self._ending.set_result(Ending.DESTROYED)
        await self._tree.kill()
        await asyncio.wait([self._child.gone])
        self._outputs.drain()
        self._outputs.close()
        if self._cgroup is not None:
            self._cgroup.remove()
        if self._work is not None:
            await asyncio.wait([self._work])
        loop = asyncio.get_running_loop()
        with suppress(RuntimeError):  # the driver is closed and its threads with it; it clears the directory itself
            await asyncio.wait([loop.run_in_executor(self._place.files, _remove_tree, self._place.directory)])
        for act in self._on_destroyed:
            act()

    def _tell_ending(self) -> None:
        self._outputs.drain()
        if not self._ending.done():
            out_of_memory = self._exhausted or (self._cgroup is not None and self._cgroup.oom_kills() > 0)
            self._ending.set_result(Ending.OUT_OF_MEMORY if out_of_memory else Ending.EXITED)


def _remove_tree(directory: Path) -> None:
    rmtree(directory, ignore_errors=True)
