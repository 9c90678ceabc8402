"""Where users without rights can reach directories that only root may enter, such as those below `/root`.

Sandboxes of a server that runs as root start as other users of the machine, who mount what they show inside. So the
way there must be open to them: in a mount namespace of our own, unreachable directories are mounted once more below
`/sys`, which no sandbox sees. The namespace lives as long as the descriptor that holds it.
"""

import os
import stat
import subprocess
from pathlib import Path

from ioruntime.ports.sandbox import SandboxError

_PLACE = "/sys"
_MAKE = f"mount -t tmpfs -o mode=711,size=64k tmpfs {_PLACE} && echo made && read end"
_ADD = 'if [ -d "$1" ]; then mkdir "$2"; else : >"$2"; fi && mount --rbind "$1" "$2"'


class Vantage:
    """Translates host paths. Costs nothing until the first unreachable one."""

    def __init__(self) -> None:
        self._namespace: int | None = None
        self._paths: dict[Path, str] = {}

    @property
    def entering(self) -> list[str]:
        """What `nsenter` is told, so that a command sees the translated paths; needs root."""
        # Through this process's own table: a child must not inherit the descriptor.
        return [] if self._namespace is None else [f"--mount=/proc/{os.getpid()}/fd/{self._namespace}"]

    def reach(self, path: Path) -> str:
        """Where any user can reach `path`.

        Raises:
            SandboxError: this machine lets root make no mount namespaces.
        """
        resolved = path.resolve()
        if resolved not in self._paths:
            self._paths[resolved] = str(resolved) if _is_open(resolved) else self._mount(resolved)
        return self._paths[resolved]

    def close(self) -> None:
        if self._namespace is not None:
            os.close(self._namespace)
            self._namespace = None

    def _mount(self, path: Path) -> str:
        if self._namespace is None:
            self._namespace = _make_namespace(path)
        place = f"{_PLACE}/{len(self._paths)}"
        command = ["nsenter", *self.entering, "--", "sh", "-c", _ADD, "sh", str(path), place]
        added = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        if added.returncode:
            raise _closed(path, added.stderr)
        return place


def _is_open(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def _make_namespace(path: Path) -> int:
    with subprocess.Popen(  # noqa: S603
        ["unshare", "--mount", "--propagation", "slave", "sh", "-c", _MAKE],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as maker:
        assert maker.stdout is not None
        assert maker.stderr is not None
        if maker.stdout.readline() != b"made\n":
            raise _closed(path, maker.stderr.read())
        return os.open(f"/proc/{maker.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)


def _closed(path: Path, words: bytes) -> SandboxError:
    reason = words.decode(errors="replace").strip()
    return SandboxError(f"Sandboxes cannot reach {path} ({reason}): let every user enter the folders above it, or move it.")
