"""The view that an action has of the system, as arguments of bubblewrap. Pure, but for looking at what the host has."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ioruntime.ports.sandbox import CODE_PATH, Interpreter, Network

USER, USER_ID = "action", 1000
HOSTNAME = "sandbox"
NOTHING = "nothing"
"""An empty directory in `/etc` inside."""

_SYSTEM = ("/usr/bin", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo")
_LINKED = ("/bin", "/lib", "/lib64", "/sbin")
_TRUST = ("/etc/ssl/certs", "/usr/share/ca-certificates", "/etc/pki/ca-trust/extracted", "/etc/pki/tls/certs")
_TELLTALES = tuple(
    f"/proc/{name}"
    for name in "acpi asound cmdline kcore keys latency_stats sched_debug scsi timer_list".split()  # noqa: SIM905
)
"""What `/proc` tells about the machine, its devices and its keys."""
_FIRST_MEMORY = ("/proc/1/mem", "/proc/1/task/1/mem")
"""Of bubblewrap's own process inside, which has read the paths of the host."""
_SHM_MB = 64


class Bubblewrap(msgspec.Struct, frozen=True):
    """The installed program and what it can do."""

    program: str
    options: str
    """Its help text."""

    def knows(self, option: str) -> bool:
        return f"{option} " in self.options or f"{option}\n" in self.options


class View(msgspec.Struct, frozen=True):
    """Host paths, as bubblewrap can reach them."""

    etc: str
    code: str
    mounts: tuple[tuple[str, str], ...]
    network: Network


def arguments(bwrap: Bubblewrap, tmp_mb: int, view: View, interpreter: Interpreter) -> list[str]:
    """All but what depends on file descriptors. The order matters: later mounts lie on earlier ones."""
    return [
        *_namespaces(bwrap, view),
        *_environment(interpreter),
        *_system(view),
        *_limited_tmpfs(bwrap, "/tmp", tmp_mb),  # noqa: S108
        "--proc", "/proc", *_masks(view),
        "--dev", "/dev", *_limited_tmpfs(bwrap, "/dev/shm", _SHM_MB), "--remount-ro", "/dev",  # noqa: S108
        "--ro-bind", view.code, CODE_PATH,
        "--chdir", "/tmp",  # noqa: S108
    ]  # fmt: skip


def etc_files(network: Network, *, nameservers: Sequence[str], names: str) -> dict[str, bytes]:
    """The content of `/etc` inside.

    Args:
        nameservers: which a sandbox with a network of its own may ask.
        names: which stand for its own loopback, beside `localhost`.
    """
    resolv_conf = {
        "none": b"",
        "internet": "".join(f"nameserver {server}\n" for server in nameservers).encode(),
        "host": _content("/etc/resolv.conf"),
    }
    files = {
        "passwd": f"root:x:0:0:root:/:/bin/false\n{USER}:x:{USER_ID}:{USER_ID}:{USER}:/tmp:/bin/sh\n".encode(),
        "group": f"root:x:0:\n{USER}:x:{USER_ID}:\n".encode(),
        "hosts": f"127.0.0.1 localhost {HOSTNAME} {names}\n::1 localhost\n".encode(),
        "nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": resolv_conf[network],
        "ld.so.cache": _content("/etc/ld.so.cache"),
        "hostname": b"",  # a place to mount on
    }
    return {name: content for name, content in files.items() if content or name != "ld.so.cache"}


def etc_directories() -> list[str]:
    """Directories of the host that `/etc` inside needs a place for."""
    return [NOTHING, *(path.removeprefix("/etc/") for path in _trust() if path.startswith("/etc/"))]


def _namespaces(bwrap: Bubblewrap, view: View) -> list[str]:
    return [
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        *(["--unshare-net"] if view.network == "none" else []),
        *(["--disable-userns"] if bwrap.knows("--disable-userns") else []),
        "--uid", str(USER_ID), "--gid", str(USER_ID), "--hostname", HOSTNAME,
        "--die-with-parent", "--new-session",
    ]  # fmt: skip


def _environment(interpreter: Interpreter) -> list[str]:
    path = "/usr/local/bin:/usr/bin:/bin"
    given = {"PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8", **dict(interpreter.environment)}  # noqa: S108
    return ["--clearenv", *(word for name, value in given.items() for word in ("--setenv", name, value))]


def _system(view: View) -> list[str]:
    system = [(path, path) for path in _SYSTEM if Path(path).is_dir()]
    links = [("--symlink", str(Path(path).readlink()), path) for path in _LINKED if Path(path).is_symlink()]
    system += [(path, path) for path in _LINKED if Path(path).is_dir() and not Path(path).is_symlink()]
    trust = [(path, path) for path in _trust()] if view.network != "none" else []
    bound = [*system, (view.etc, "/etc"), *trust, *view.mounts]
    return [*(word for link in links for word in link), *(word for pair in bound for word in ("--ro-bind", *pair))]


def _limited_tmpfs(bwrap: Bubblewrap, path: str, size_mb: int) -> list[str]:
    size = ["--size", str(size_mb << 20)] if bwrap.knows("--size") else []
    return [*size, "--tmpfs", path]


def _masks(view: View) -> list[str]:
    """Cover what other users may read; the rest the kernel refuses by itself."""
    masks: list[str] = []
    for path in map(Path, _TELLTALES):
        if path.exists() and path.stat().st_mode & 0o004:
            masks += ["--ro-bind", f"{view.etc}/{NOTHING}" if path.is_dir() else "/dev/null", str(path)]
    return masks + [word for path in _FIRST_MEMORY for word in ("--ro-bind", "/dev/null", path)]


def _trust() -> list[str]:
    return [path for path in _TRUST if Path(path).is_dir()]


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
