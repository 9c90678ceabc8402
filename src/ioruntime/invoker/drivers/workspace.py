"""The state directory of a driver, and the directory of each sandbox in it: its socket and its code."""

import fcntl
import hashlib
import os
import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path

from ioruntime.invoker.cgroups import sweep
from ioruntime.ports.sandbox import SandboxError

_BACKLOG = 128
_LONGEST_SOCKET_PATH = 107  # bytes that `sockaddr_un` holds
_PLACES = "cgroups"


class StateDirectory:
    """Locked for one driver. Taking it clears what a crashed predecessor left."""

    def __init__(self, path: Path) -> None:
        """Take `path`, made if missing.

        Raises:
            SandboxError: it belongs to a running driver, or is not writable.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o711)  # sandboxes' users pass through to their code, and see nothing else
            self.path = path.resolve()
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SandboxError(f"{path} cannot hold sandboxes: {error.strerror}.") from error
        self._take()
        self.fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._clear()

    @property
    def name(self) -> str:
        """Tells this driver from others on the machine, also after a restart."""
        return "ioruntime-" + hashlib.sha256(os.fsencode(self.path)).hexdigest()[:8]

    def remember_places(self, places: tuple[str, ...]) -> None:
        """Keep the control groups to sweep if this process should crash."""
        (self.path / _PLACES).write_text("\n".join(places))

    def socket_path(self, sandbox_id: str) -> Path:
        """A path that fits into a socket address; through a descriptor of this process where the real one is too long."""
        path = self.path / sandbox_id / "socket"
        return path if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH else self._short(sandbox_id)

    def make(self, sandbox_id: str) -> socket.socket:
        """Make the directory of a sandbox, and in it the socket that its proxy will accept on."""
        directory = self.path / sandbox_id
        directory.mkdir(mode=0o711)
        directory.chmod(0o711)
        (directory / "code").mkdir()
        (directory / "code").chmod(0o755)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Bound through a descriptor: any length fits, and the name that a sandbox can ask for tells nothing.
            listener.bind(str(self._short(sandbox_id)))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener

    def remove(self, sandbox_id: str) -> None:
        shutil.rmtree(self.path / sandbox_id, ignore_errors=True)

    def close(self) -> None:
        self._clear()
        os.close(self.fd)
        os.close(self._lock)

    def _short(self, sandbox_id: str) -> Path:
        return Path(f"/proc/self/fd/{self.fd}/{sandbox_id}/socket")

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise SandboxError(f"{self.path} is in use by another running server.") from error

    def _clear(self) -> None:
        with suppress(FileNotFoundError):
            sweep((self.path / _PLACES).read_text().split("\n"))
            (self.path / _PLACES).unlink()
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)


def link_tree(source: Path, target: Path) -> None:
    """Fill `target` with the files of `source` without copying where the file system can share them.

    Only for a sandbox that cannot write: it sees the very same files. Symbolic links that lead out are left out.
    """
    _fill(source, target, linking=True)


def copy_tree(source: Path, target: Path) -> None:
    """Fill `target` with copies of the files of `source`. Symbolic links that lead out are left out."""
    _fill(source, target, linking=False)


def _fill(source: Path, target: Path, *, linking: bool) -> None:
    for folder, folders, files in os.walk(source):
        here = Path(folder)
        there = target / here.relative_to(source)
        for name in [*folders, *files]:
            path = here / name
            if path.is_symlink():
                _keep_link(path, there / name, source)
            elif name in folders:
                (there / name).mkdir(mode=0o755)
                (there / name).chmod(0o755)
            else:
                _show_file(path, there / name, linking=linking)


def _keep_link(path: Path, copy: Path, root: Path) -> None:
    leads_to = str(path.readlink())
    meant = os.path.normpath(path.parent.relative_to(root) / leads_to)
    if not leads_to.startswith("/") and meant.split("/")[0] != "..":
        copy.symlink_to(leads_to)


def _show_file(path: Path, copy: Path, *, linking: bool) -> None:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        return
    if linking and mode & stat.S_IROTH:
        with suppress(OSError):  # another file system, too many links, or a protected file: copied instead
            os.link(path, copy)
            return
    shutil.copyfile(path, copy)
    copy.chmod(stat.S_IMODE(mode) | 0o444)
