"""What a driver of local process trees holds on its machine, and the steps of a start that do not depend on isolation."""

import itertools
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ioruntime.invoker.cgroups import Cgroup, Cgroups, Limits, detect, features
from ioruntime.invoker.drivers.child import Child
from ioruntime.invoker.drivers.local import LocalSandbox, Place, Tree
from ioruntime.invoker.drivers.outputs import Outputs
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.invoker.drivers.watcher import MemoryWatcher
from ioruntime.invoker.drivers.workspace import StateDirectory
from ioruntime.ports.sandbox import Interpreter, SandboxError, SandboxSpec

_LAUNCH_SCRIPT = Path(__file__).parent / "launch.sh"
_BLOCKS_PER_MB = 2048  # `ulimit -f` counts 512 bytes


class Host:
    """State directory, control groups, threads and live sandboxes of one driver."""

    def __init__(self, settings: DriverSettings) -> None:
        """Take the state directory and clear what a crashed predecessor left.

        Raises:
            SandboxError: the state directory belongs to a running driver, or is not writable.
        """
        self.settings = settings
        self.state = StateDirectory(settings.state_dir)
        self.cgroups, self.features = detect(self.state.name) if settings.use_cgroups else (None, features(frozenset()))
        if self.cgroups is not None:
            self.state.remember_places(self.cgroups.places)
        self.files = ThreadPoolExecutor(2, thread_name_prefix="sandbox-files")
        self.watcher = None if self.limits("memory") else MemoryWatcher()
        self.live: dict[str, LocalSandbox] = {}
        self._closed = False
        self._numbers = itertools.count(1)
        self._prefix = secrets.token_hex(3)

    def limits(self, controller: str) -> bool:
        """Whether the kernel limits this for us."""
        return self.cgroups is not None and controller in self.cgroups.controllers

    def prepare(self, spec: SandboxSpec) -> "Prepared":
        """Make everything that a sandbox needs before its first process.

        Raises:
            SandboxError: something is missing or could not be made; nothing of it is left.
        """
        _require(spec.interpreter)
        return Prepared(self, spec, f"{self._prefix}-{next(self._numbers)}")

    def add(self, sandbox: LocalSandbox, memory_mb: int) -> None:
        """Own `sandbox` until it is destroyed."""
        self.live[sandbox.id] = sandbox
        sandbox.on_destroyed(lambda: self.live.pop(sandbox.id) and None)
        if self.watcher is not None:
            self.watcher.watch(sandbox.pid, memory_mb << 20, sandbox.exhaust)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for sandbox in tuple(self.live.values()):
            await sandbox.destroy()
        if self.watcher is not None:
            self.watcher.close()
        self.files.shutdown()
        if self.cgroups is not None:
            self.cgroups.close()
        self.state.close()


class Prepared:
    """A sandbox before its first process. Ends in `sandbox` or in `discard`."""

    def __init__(self, host: Host, spec: SandboxSpec, sandbox_id: str) -> None:
        self.id = sandbox_id
        self.outputs = Outputs()
        self.directory = host.state.path / sandbox_id
        self.listener: socket.socket | None = None
        self.cgroup: Cgroup | None = None
        self._host = host
        self._spec = spec
        try:
            self.listener = host.state.make(sandbox_id)
            self.cgroup = _group(host.cgroups, sandbox_id, Limits(spec.memory_mb, host.settings.processes))
        except OSError as error:
            self.discard()
            raise SandboxError(f"Sandbox {sandbox_id} could not be prepared: {error}.") from error

    @property
    def listen_fd(self) -> int:
        return self.listener.fileno() if self.listener is not None else -1

    def command(self) -> list[str]:
        """The interpreter's command with this sandbox's values in it."""
        values = {"{memory_mb}": str(self._spec.memory_mb), "{listen_fd}": str(self.listen_fd)}
        return [_replace(argument, values) for argument in self._spec.interpreter.command]

    def launch(self, command: Sequence[str], *, environment: dict[str, str], keep: Sequence[int] = ()) -> Child:
        """Start the first process, inside its control groups and resource limits.

        Raises:
            SandboxError: the system could not start it; nothing of the sandbox is left.
        """
        settings = self._host.settings
        limits = [str(settings.open_files), str(settings.file_mb * _BLOCKS_PER_MB)]
        joining = self.cgroup.joining_files if self.cgroup is not None else ()
        whole = ["/bin/sh", str(_LAUNCH_SCRIPT), *limits, *joining, "--", *command]
        try:
            return Child(whole, outputs=self.outputs.writing_ends, keep=(self.listen_fd, *keep), environment=environment)
        except OSError as error:
            self.discard()
            raise SandboxError(f"Sandbox {self.id} could not be started: {error}.") from error
        finally:
            self.outputs.give_away()
            self._close_listener()

    def sandbox(self, child: Child, tree: Tree, *, code_path: str, fill: Callable[[Path, Path], None]) -> LocalSandbox:
        """The sandbox that `child` runs; the host owns it from now on."""
        place = Place(self.id, self.directory, self._host.state.socket_path(self.id), code_path, fill, self._host.files)
        sandbox = LocalSandbox(place, child, tree=tree, outputs=self.outputs, cgroup=self.cgroup)
        self._host.add(sandbox, self._spec.memory_mb)
        return sandbox

    def discard(self) -> None:
        self.outputs.close()
        self._close_listener()
        if self.cgroup is not None:
            self.cgroup.remove()
        self._host.state.remove(self.id)

    def _close_listener(self) -> None:
        if self.listener is not None:
            self.listener.close()


def on_host(path: str, interpreter: Interpreter) -> str:
    """The path on this machine of what an interpreter sees as `path`."""
    for source, inside in interpreter.mounts:
        if path == inside or path.startswith(inside.rstrip("/") + "/"):
            return f"{source}{path.removeprefix(inside.rstrip('/'))}"
    return path


def _require(interpreter: Interpreter) -> None:
    for source, _inside in interpreter.mounts:
        if not source.exists():
            raise SandboxError(f"{interpreter.kind} needs {source}, which does not exist.")
    program = on_host(interpreter.command[0], interpreter)
    if not os.access(program, os.X_OK):
        raise SandboxError(f"{interpreter.kind} needs the program {program}, which cannot be executed.")


def _group(cgroups: Cgroups | None, name: str, limits: Limits) -> Cgroup | None:
    return cgroups.create(name, limits) if cgroups is not None else None


def _replace(argument: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        argument = argument.replace(placeholder, value)
    return argument
