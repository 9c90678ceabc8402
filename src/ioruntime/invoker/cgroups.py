"""Limits on one process tree by the kernel's control groups: version 2, or the controllers of version 1 (also hybrid).

All of it is synchronous: each step is a read or a write of a few bytes in a file system that lives in memory.
What differs between the versions is data: which file takes which value.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from ioruntime.ports.sandbox import Feature

CONTROLLERS = ("memory", "pids", "cpu", "freezer")
_SHARE_MB = 256  # memory of an action that gets the kernel's ordinary share of the processor
_PERIOD_US = 20_000  # of a processor's quota: short, so that who has used up theirs does not stand still for long
_PROCESSORS_LEAST = 2


class Limits(msgspec.Struct, frozen=True):
    """What one sandbox may use."""

    memory_mb: int
    processes: int


Write: TypeAlias = tuple[str, str, str, bool]
"""Controller, file, value, and whether the limit fails without it."""


class _Dialect(msgspec.Struct, frozen=True):
    """How one version of the interface says the same things."""

    limits: Callable[[Limits], tuple[Write, ...]]
    oom_file: str
    freeze: tuple[str, str, str]
    """File, the value that freezes, the value that thaws."""
    weight: tuple[str, int]
    """File, and the ordinary share of the processor."""


def _quota_us(memory_mb: int) -> int:
    """Processor time in each period: in proportion to memory, but two processors at least, so that no runtime stands still."""
    return _PERIOD_US * max(_PROCESSORS_LEAST * _SHARE_MB, memory_mb) // _SHARE_MB


def _limits_v1(limits: Limits) -> tuple[Write, ...]:
    memory = str(limits.memory_mb << 20)
    return (
        ("memory", "memory.limit_in_bytes", memory, True),
        ("memory", "memory.memsw.limit_in_bytes", memory, False),
        ("memory", "memory.swappiness", "0", False),
        ("pids", "pids.max", str(limits.processes), True),
        ("cpu", "cpu.shares", str(max(2, 1024 * limits.memory_mb // _SHARE_MB)), False),
        ("cpu", "cpu.cfs_period_us", str(_PERIOD_US), False),
        ("cpu", "cpu.cfs_quota_us", str(_quota_us(limits.memory_mb)), False),
    )


def _limits_v2(limits: Limits) -> tuple[Write, ...]:
    return (
        ("memory", "memory.max", str(limits.memory_mb << 20), True),
        ("memory", "memory.swap.max", "0", False),
        ("memory", "memory.oom.group", "1", False),
        ("pids", "pids.max", str(limits.processes), True),
        ("cpu", "cpu.weight", str(min(10_000, max(1, 100 * limits.memory_mb // _SHARE_MB))), False),
        ("cpu", "cpu.max", f"{_quota_us(limits.memory_mb)} {_PERIOD_US}", False),
    )


_V1 = _Dialect(_limits_v1, "memory.oom_control", ("freezer.state", "FROZEN", "THAWED"), ("cpu.shares", 1024))
_V2 = _Dialect(_limits_v2, "memory.events", ("cgroup.freeze", "1", "0"), ("cpu.weight", 100))


class Cgroup:
    """The control group of one sandbox; in version 1 a directory per controller, in version 2 one for all."""

    def __init__(self, directories: Mapping[str, Path], dialect: _Dialect) -> None:
        self._directories = directories
        self._dialect = dialect

    @property
    def joining_files(self) -> tuple[str, ...]:
        """A process that writes `0` to each becomes a member."""
        return tuple(str(directory / "cgroup.procs") for directory in self._unique())

    def oom_kills(self) -> int:
        """How many members the kernel has killed for going over the memory limit."""
        directory = self._directories.get("memory")
        return _counter(_read(directory / self._dialect.oom_file), "oom_kill") if directory else 0

    def freeze(self) -> None:
        self._set_frozen(self._dialect.freeze[1])

    def thaw(self) -> None:
        self._set_frozen(self._dialect.freeze[2])

    def kill(self) -> None:
        """Send SIGKILL to every member; to those that fork meanwhile too, where members can be frozen."""
        directories = self._unique()
        if _write(directories[0] / "cgroup.kill", "1"):
            return
        self.freeze()
        killed: set[int] = set()
        while fresh := self.members() - killed:
            for pid in fresh:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed |= fresh
        self.thaw()

    def members(self) -> set[int]:
        return {int(pid) for directory in self._unique()[:1] for pid in _read(directory / "cgroup.procs").split()}

    def remove(self) -> bool:
        """Give the directories back; False while the kernel still counts a member."""
        removed = [_remove(directory) for directory in self._unique()]
        return all(removed)

    def _set_frozen(self, value: str) -> None:
        directory = self._directories.get("freezer")
        if directory is not None:
            _write(directory / self._dialect.freeze[0], value)

    def _unique(self) -> list[Path]:
        return list(dict.fromkeys(self._directories.values()))


class Cgroups:
    """The place below which one driver makes the control groups of its sandboxes."""

    def __init__(self, parents: Mapping[str, Path], dialect: _Dialect) -> None:
        """Take `parents`, one existing directory per usable controller."""
        self.controllers = frozenset(parents)
        self._parents = parents
        self._dialect = dialect

    @property
    def places(self) -> tuple[str, ...]:
        """The directories to name to `sweep` after a crash."""
        return tuple(str(parent) for parent in dict.fromkeys(self._parents.values()))

    def create(self, name: str, limits: Limits) -> Cgroup:
        """Make a group with its limits in force.

        Raises:
            OSError: a directory could not be made or a limit not set; nothing of the group is left.
        """
        group = Cgroup({controller: parent / name for controller, parent in self._parents.items()}, self._dialect)
        made: list[Path] = []
        try:
            for parent in dict.fromkeys(self._parents.values()):
                (parent / name).mkdir()
                made.append(parent / name)
            for controller, file, value, needed in self._dialect.limits(limits):
                self._set(controller, name, (file, value), needed=needed)
        except OSError:
            for directory in made:
                _remove(directory)
            raise
        return group

    def close(self) -> None:
        """Give the place back, if it is empty."""
        for parent in dict.fromkeys(self._parents.values()):
            _remove(parent)

    def _set(self, controller: str, name: str, setting: tuple[str, str], *, needed: bool) -> None:
        parent = self._parents.get(controller)
        if parent is None:
            return
        file, value = setting
        if not _write(parent / name / file, value) and needed:
            raise OSError(f"The kernel does not take {value} for {parent / name / file}.")


def sweep(places: Iterable[str], *, patience_s: float = 1.0) -> None:
    """Kill and remove every group that a crashed predecessor left in `places`.

    Waits for the kernel to let go of the killed, `patience_s` at most; for start-up, before an event loop runs.
    """
    deadline_s = time.monotonic() + patience_s
    for place in map(Path, places):
        for leaf in [*(entry for entry in _entries(place) if entry.is_dir()), place]:
            group = Cgroup({"memory": leaf, "freezer": leaf}, _V2 if (leaf / "cgroup.freeze").exists() else _V1)
            while leaf.exists():
                group.kill()
                if group.remove() or time.monotonic() > deadline_s:
                    break
                time.sleep(0.005)  # version 1 tells nobody when a group has become empty


def detect(name: str, *, groups: str | None = None, mounts: str | None = None) -> tuple[Cgroups | None, tuple[Feature, ...]]:
    """Find where this process may make groups, make the place `name` there, and tell what it gives.

    Args:
        name: a directory name that tells this driver from others.
        groups: text of `/proc/self/cgroup`; None reads it.
        mounts: text of `/proc/self/mountinfo`; None reads it.
    """
    own = _own_groups(_read(Path("/proc/self/cgroup")) if groups is None else groups)
    found = _mounted(_read(Path("/proc/self/mountinfo")) if mounts is None else mounts)
    parents, dialect = _places_v1(found, own), _V1
    if not parents and "" in found:
        parents, dialect = _places_v2(_own_directory(found[""], own.get("", "/"))), _V2
    places: dict[str, Path] = {}
    for controller, parent in parents.items():
        with suppress(OSError):
            (parent / name).mkdir(exist_ok=True)
            places[controller] = parent / name
    if "cpu" in places:  # together, sandboxes weigh as much as one busy thread per processor, not as one thread
        file, one = dialect.weight
        _write(places["cpu"] / file, str(one * (os.cpu_count() or 1)))
    if dialect is _V2 and places:
        _enable(places["memory"])
    return Cgroups(places, dialect) if places else None, features(frozenset(places))


class _Mount(msgspec.Struct, frozen=True):
    root: str
    point: Path


def _mounted(mounts: str) -> dict[str, _Mount]:
    """Mounts by controller of version 1; version 2 under the empty name."""
    found: dict[str, _Mount] = {}
    for line in mounts.splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.partition(" ")
        mount = _Mount(fields.split()[3], Path(fields.split()[4]))
        if kind == "cgroup2":
            found[""] = mount
        elif kind == "cgroup":
            found |= dict.fromkeys(set(CONTROLLERS) & set(options.rpartition(" ")[2].split(",")), mount)
    return found


def _own_groups(text: str) -> dict[str, str]:
    own: dict[str, str] = {}
    for line in text.splitlines():
        _number, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    return own


def _own_directory(mount: _Mount, path: str) -> Path:
    """Where the group `path` lies in the file system; the mount point where a container hides it."""
    root = mount.root.rstrip("/")
    inside = path.removeprefix(root) if path.startswith(root + "/") else ""
    directory = mount.point / inside.lstrip("/")
    return directory if directory.is_dir() else mount.point


def _places_v1(found: Mapping[str, _Mount], own: Mapping[str, str]) -> dict[str, Path]:
    places = {name: _own_directory(found[name], own.get(name, "/")) for name in CONTROLLERS if name in found}
    return {name: place for name, place in places.items() if os.access(place, os.W_OK)}


def _places_v2(own: Path) -> dict[str, Path]:
    """The nearest group from our own upward that lets us make limited groups below it."""
    for directory in (own, *own.parents):
        if not (directory / "cgroup.procs").exists() or not os.access(directory / "cgroup.procs", os.W_OK):
            return {}
        if _ready(directory) or (_vacate(directory) and _enable(directory)):
            limited = [name for name in ("memory", "pids", "cpu") if name in _read(directory / "cgroup.subtree_control").split()]
            return dict.fromkeys([*limited, "freezer"], directory)
    return {}


def _ready(directory: Path) -> bool:
    return {"memory", "pids"} <= set(_read(directory / "cgroup.subtree_control").split())


def _vacate(directory: Path) -> bool:
    """Make room for limits below `directory`: a group with members of its own cannot have limited children.

    Moves this process into a leaf when it is alone, and everybody when this is the whole world of a container.
    """
    members = _read(directory / "cgroup.procs").split()
    is_world = not (directory.parent / "cgroup.procs").exists()
    if not members or not (directory / "cgroup.type").exists():
        return True
    if members != [str(os.getpid())] and not is_world:
        return False
    leaf = directory / "server"
    with suppress(OSError):
        leaf.mkdir(exist_ok=True)
    moved = [_write(leaf / "cgroup.procs", pid) for pid in members]
    return all(moved)


def _enable(directory: Path) -> bool:
    for controller in ("memory", "pids", "cpu"):
        _write(directory / "cgroup.subtree_control", f"+{controller}")
    return _ready(directory)


_PROMISES = {
    "memory": ("The kernel limits the memory of each sandbox.", "Memory is only watched from outside, four times a second."),
    "pids": ("The kernel limits the processes of each sandbox.", "Processes are only limited by resource limits."),
    "cpu": (
        "Sandboxes share the processor in proportion to memory.",
        "A busy sandbox can slow down its neighbours.",
    ),
    "freezer": ("Idle sandboxes are paused.", "Idle sandboxes are not paused and may use the processor."),
}
_CURE = (
    "Run as root, or give the server a control group of its own: "
    "`systemd-run --user --scope -p Delegate=yes ioruntime serve`, or `Delegate=yes` in its unit."
)


def features(controllers: frozenset[str]) -> tuple[Feature, ...]:
    """What these controllers give, and what the missing ones do not."""
    return tuple(
        Feature(f"{name} control group", ok=True, detail=held)
        if name in controllers
        else Feature(f"{name} control group", ok=False, detail=missing, cure=_CURE)
        for name, (held, missing) in _PROMISES.items()
    )


def _counter(text: str, name: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _write(file: Path, value: str) -> bool:
    """Whether the kernel took it. Never makes a file: in a control group nobody can."""
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.write(fd, value.encode()) > 0
    except OSError:
        return False
    finally:
        os.close(fd)


def _remove(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []
