"""No isolation: actions run as ordinary processes of this user. For development where nothing better is installed."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from ioruntime.invoker.cgroups import Cgroup
from ioruntime.invoker.drivers.child import Child, kill_all
from ioruntime.invoker.drivers.host import Host, Prepared, on_host
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.invoker.drivers.workspace import copy_tree
from ioruntime.ports.sandbox import Feature, OutputSink, Sandbox, SandboxSpec

_MARK = "IORUNTIME_SANDBOX"
_ISOLATION = Feature(
    "isolation",
    ok=False,
    detail="Actions run as ordinary processes and can read and do all that the server's user can.",
    cure="Install bubblewrap and choose the driver `bubblewrap`.",
)


class ProcessDriver:
    """See `ports.sandbox.SandboxDriver` for the promises."""

    name = "process"

    def __init__(self, settings: DriverSettings) -> None:
        """Take the state directory; raises `SandboxError` where it is in use or not writable."""
        self._host = Host(settings)

    def report(self) -> tuple[Feature, ...]:
        return (_ISOLATION, *self._host.features)

    def degradations(self) -> tuple[str, ...]:
        return tuple(f"{feature.detail} {feature.cure}".strip() for feature in self.report() if not feature.ok)

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        prepared = self._host.prepare(spec)
        command = [on_host(argument, spec.interpreter) for argument in prepared.command()]
        child = prepared.launch([*_until_server_ends(), *command], environment=_environment(spec, prepared))
        tree = _MarkedTree(f"{_MARK}={prepared.id}", prepared.cgroup, child)
        sandbox = prepared.sandbox(child, tree, code_path=str(prepared.directory / "code"), fill=copy_tree)
        prepared.outputs.open(output)
        return sandbox

    async def close(self) -> None:
        await self._host.close()


class _MarkedTree:
    """Finds a tree's processes by control group, or else by a mark in their environment: parents and sessions change."""

    def __init__(self, mark: str, cgroup: Cgroup | None, child: Child) -> None:
        self._mark = mark.encode()
        self._cgroup = cgroup
        self._child = child

    async def kill(self) -> None:
        self._child.kill()
        if self._cgroup is not None:
            self._cgroup.kill()
        await kill_all(self._find)

    def _find(self) -> set[int]:
        return self._cgroup.members() if self._cgroup is not None else _marked(self._mark)


def _until_server_ends() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _environment(spec: SandboxSpec, prepared: Prepared) -> dict[str, str]:
    path = os.environ.get("PATH", "/usr/bin:/bin")
    given = {"PATH": path, "HOME": str(prepared.directory), "LANG": "C.UTF-8", **dict(spec.interpreter.environment)}
    return {**given, _MARK: prepared.id}


def _marked(mark: bytes) -> set[int]:
    found: set[int] = set()
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal():
            with suppress(OSError):
                if mark in (directory / "environ").read_bytes().split(b"\0"):
                    found.add(int(directory.name))
    return found
