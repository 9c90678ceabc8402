"""Isolation by Linux namespaces: each sandbox is a tree of its own that bubblewrap starts."""

import asyncio
import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

from ioruntime.invoker.cgroups import Cgroup
from ioruntime.invoker.drivers.bwrap import HOSTNAME, Bubblewrap, View, arguments, etc_directories, etc_files
from ioruntime.invoker.drivers.child import Child, kill_all, kill_and_wait, until_readable
from ioruntime.invoker.drivers.host import Host, Prepared
from ioruntime.invoker.drivers.network.networks import Attached, Networks
from ioruntime.invoker.drivers.seccomp.filter import program
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.invoker.drivers.uids import UidPool
from ioruntime.invoker.drivers.vantage import Vantage
from ioruntime.invoker.drivers.workspace import link_tree
from ioruntime.ports.sandbox import CODE_PATH, Feature, Interpreter, Network, OutputSink, Sandbox, SandboxError, SandboxSpec

_PATIENCE_S = 5.0
_CHILD_PID = re.compile(rb'"child-pid": (\d+)')


class BubblewrapDriver:
    """See `ports.sandbox.SandboxDriver` for the promises."""

    name = "bubblewrap"

    def __init__(self, settings: DriverSettings) -> None:
        """Take the state directory, and find out what this machine can do.

        Raises:
            SandboxError: bubblewrap is not installed, or the state directory is in use or not writable.
        """
        self._bwrap = _installed()
        self._settings = settings
        self._host = Host(settings)
        self._uids = UidPool(settings.first_uid, settings.last_uid) if os.geteuid() == 0 else None
        self._vantage = Vantage()
        self._filter = program(platform.machine())
        self._networks = Networks(settings.network, self._host.state.name, settings.api)
        for network in get_args(Network):
            _make_etc(self._host.state.path / "etc" / network, self._etc_files(network))

    def report(self) -> tuple[Feature, ...]:
        """Every protection, and whether this machine gives it."""
        features = _features(self._bwrap, self._networks.feature, has_filter=self._filter is not None)
        return (*features, *self._host.features)

    def degradations(self) -> tuple[str, ...]:
        return tuple(f"{feature.detail} {feature.cure}".strip() for feature in self.report() if not feature.ok)

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:
        network = self._networks.given(spec.network)
        held = _Held(self._uids)
        try:
            prepared = self._host.prepare(spec)
        except BaseException:
            held.give_back()
            raise
        try:
            held.attached = await self._networks.attach(network)
            child = self._launch(prepared, spec.interpreter, network, held)
            tree = _NamespaceTree(child, held.setup, prepared.cgroup)
            sandbox = prepared.sandbox(child, tree, code_path=CODE_PATH, fill=link_tree)
            sandbox.on_destroyed(held.give_back)
        except BaseException:
            prepared.discard()
            held.give_back()
            raise
        try:
            await tree.stand()
        except BaseException as error:
            await sandbox.destroy()
            if isinstance(error, ConnectionResetError):
                raise SandboxError(f"bubblewrap could not make a sandbox: {prepared.outputs.words()}") from error
            raise
        prepared.outputs.open(output)
        return sandbox

    async def close(self) -> None:
        await self._host.close()
        self._networks.close()
        self._vantage.close()

    def _launch(self, prepared: Prepared, interpreter: Interpreter, network: Network, held: "_Held") -> Child:
        setup = held.setup
        view = self._view(prepared, interpreter, network)
        words = [*arguments(self._bwrap, self._settings.tmp_mb, view, interpreter), *setup.arguments(self._filter)]
        words_fd = setup.hold(_memory_file("arguments", "\0".join([*words, ""]).encode()))
        command = [*self._entered(held), self._bwrap.program, "--args", str(words_fd), "--"]
        if not self._host.limits("pids"):
            command += ["/usr/bin/prlimit", f"--nproc={self._settings.processes}", "--"]
        try:
            return prepared.launch([*command, *prepared.command()], environment={}, keep=setup.kept)
        finally:
            setup.give_away()

    def _view(self, prepared: Prepared, interpreter: Interpreter, network: Network) -> View:
        reach: Callable[[Path], str] = self._vantage.reach if self._uids is not None else lambda path: str(path.resolve())
        state = reach(self._host.state.path)
        mounts = tuple((reach(source), inside) for source, inside in interpreter.mounts)
        return View(etc=f"{state}/etc/{network}", code=f"{state}/{prepared.id}/code", mounts=mounts, network=network)

    def _entered(self, held: "_Held") -> list[str]:
        """Words before bubblewrap that bring it where it can see and reach what it should, as the user it should be."""
        if held.uid is None:
            return []
        entering = [*self._vantage.entering, *(held.attached.entering if held.attached is not None else [])]
        entered = ["nsenter", *entering, "--"] if entering else []
        return [*entered, "/usr/bin/setpriv", f"--reuid={held.uid}", f"--regid={held.uid}", "--clear-groups", "--"]

    def _etc_files(self, network: Network) -> dict[str, bytes]:
        api = self._settings.api
        names = api.host if network == "internet" and api is not None and api.has_name else ""
        return etc_files(network, nameservers=self._networks.nameservers, names=names)


class _Held:
    """What a sandbox holds of its machine beside what `Prepared` made."""

    def __init__(self, uids: UidPool | None) -> None:
        """Take a user id; raises `SandboxError` when all are in use."""
        self._uids = uids
        self.uid = uids.take() if uids is not None else None
        self.setup = _Setup()
        self.attached: Attached | None = None

    def give_back(self) -> None:
        self.setup.close()
        if self.attached is not None:
            self.attached.close()
        if self._uids is not None and self.uid is not None:
            self._uids.give_back(self.uid)


class _Setup:
    """The descriptors by which bubblewrap tells of its progress and takes what should not be on a command line.

    The content of `/etc/hostname`, the last file that bubblewrap makes inside, comes through a socket. When bubblewrap
    has read it and closed, all is set up; when it closes unread, the set-up broke off and the socket is reset.
    """

    def __init__(self) -> None:
        self.progress, theirs = socket.socketpair()
        self.progress.setblocking(False)
        self.progress.send(HOSTNAME.encode() + b"\n")
        self.progress.shutdown(socket.SHUT_WR)
        self._hostname_fd = theirs.detach()
        self.info, self._info_fd = os.pipe2(os.O_CLOEXEC)
        self.kept = [self._hostname_fd, self._info_fd]

    def hold(self, fd: int) -> int:
        """Keep `fd` open until `give_away`, for bubblewrap to inherit."""
        self.kept.append(fd)
        return fd

    def arguments(self, syscall_filter: bytes | None) -> list[str]:
        words = ["--info-fd", str(self._info_fd)]
        if syscall_filter is not None:
            words += ["--seccomp", str(self.hold(_memory_file("filter", syscall_filter)))]
        return [*words, "--ro-bind-data", str(self._hostname_fd), "/etc/hostname", "--remount-ro", "/"]

    def give_away(self) -> None:
        while self.kept:
            os.close(self.kept.pop())

    def first_pid(self) -> int | None:
        """The process id on the host of the first process inside, once bubblewrap has told it."""
        # Written piece by piece: what is there may not be whole JSON yet.
        told = _CHILD_PID.search(os.read(self.info, 4096))
        return int(told[1]) if told else None

    def close(self) -> None:
        self.give_away()
        if self.progress.fileno() >= 0:
            self.progress.close()
            os.close(self.info)


class _NamespaceTree:
    """Ends with its first process: the kernel kills everything in a process namespace whose first process is gone."""

    def __init__(self, child: Child, setup: _Setup, cgroup: Cgroup | None) -> None:
        self._child = child
        self._setup = setup
        self._cgroup = cgroup
        self._first: int | None = None
        """A pidfd."""

    async def stand(self) -> None:
        """Wait until everything inside is set up.

        Raises:
            ConnectionResetError: bubblewrap gave up.
        """
        await until_readable(self._setup.progress.fileno())
        self._setup.progress.recv(1)
        self._find_first()

    async def kill(self) -> None:
        if self._first is None:
            await self._look_for_first()
        if self._cgroup is not None:
            self._cgroup.kill()
        if self._first is not None:
            await kill_and_wait(self._first)
            os.close(self._first)
            self._first = None
        self._child.kill()
        if self._cgroup is not None:
            await kill_all(self._cgroup.members)

    async def _look_for_first(self) -> None:
        """A start that was given up may not have come to its first process yet; without it, nothing could be killed surely."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await until_readable(self._setup.info)
                self._find_first()

    def _find_first(self) -> None:
        pid = self._setup.first_pid()
        with suppress(OSError):
            if pid is not None:
                pidfd = os.pidfd_open(pid)
                if _parent(pid) == self._child.pid:
                    self._first = pidfd
                else:  # it is gone, and its number belongs to a stranger
                    os.close(pidfd)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _installed() -> Bubblewrap:
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError("bubblewrap is not installed: install the package `bubblewrap`.")
    answer = subprocess.run([found, "--help"], capture_output=True, check=False, text=True)  # noqa: S603
    return Bubblewrap(program=found, options=answer.stdout + answer.stderr)


def _make_etc(directory: Path, files: dict[str, bytes]) -> None:
    directory.mkdir(parents=True)
    for folder in (directory.parent, directory):
        folder.chmod(0o755)
    for name in etc_directories():
        (directory / name).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    for path in directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _memory_file(name: str, content: bytes) -> int:
    fd = os.memfd_create(name)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _features(bwrap: Bubblewrap, network: Feature, *, has_filter: bool) -> tuple[Feature, ...]:
    newer = "Install a newer bubblewrap."
    return (
        Feature("isolation", ok=True, detail=f"Namespaces by {bwrap.program}."),
        network,
        _feature(
            "system call filter",
            ok=has_filter,
            missing=f"The filter does not know {platform.machine()}.",
            cure="Use x86_64 or aarch64.",
        ),
        _feature("nested namespaces", ok=bwrap.knows("--disable-userns"), missing="Only the filter refuses them.", cure=newer),
        _feature("size of /tmp", ok=bwrap.knows("--size"), missing="Only the memory limit bounds it.", cure=newer),
    )


def _feature(name: str, *, ok: bool, missing: str, cure: str) -> Feature:
    return Feature(name, ok=ok, detail="In force." if ok else missing, cure="" if ok else cure)
