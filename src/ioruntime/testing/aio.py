"""Adobe's command line, `aio`, as a person types it: a process of its own, with a private home and no questions asked."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import msgspec

from ioruntime.testing import npm

VERSION = "11.0.2"
COMMAND_TIMEOUT_S = 120.0
_QUIET = {"AIO_TELEMETRY_DISABLED": "1", "AIO_SKIP_NEW_VERSION_CHECK": "true", "CI": "true", "NO_COLOR": "1", "COLUMNS": "300"}
_NEVER_MS = "4070908800000"


class Aio:
    """Runs commands in its home directory, where files that they name are looked for too."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home)} | _QUIET | dict(environment)

    @classmethod
    def basic(cls, home: Path, url: str, namespace: str, auth: str, more: Mapping[str, str] = MappingProxyType({})) -> Self:
        """Speak with an OpenWhisk key.

        Args:
            more: further variables of the environment.

        Raises:
            NpmError: aio cannot be installed here.
        """
        return cls(home, _reaching(url, namespace, auth) | {"USE_RUNTIME_AUTH": "1"} | dict(more))

    @classmethod
    def deploying(cls, home: Path, url: str, namespace: str, auth: str, *, token: str) -> Self:
        """Change things with a bearer token through a deploy service, which the server at `url` is too; read with the key.

        Raises:
            NpmError: aio cannot be installed here.
        """
        access = "AIO_IMS_CONTEXTS_CLI_ACCESS__TOKEN"
        service = {"AIO_DEPLOY_SERVICE_URL": _named(url), f"{access}_TOKEN": token, f"{access}_EXPIRY": _NEVER_MS}
        return cls(home, _reaching(url, namespace, auth) | service)

    def write(self, name: str, content: str | bytes) -> Path:
        """Put a file into the home directory."""
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def run(self, command: str, *more: str) -> "subprocess.CompletedProcess[str]":
        """Run `aio rt COMMAND` to its end.

        Args:
            command: split as a shell does.
            more: further arguments, as they are.
        """
        modules = npm.installed("@adobe/aio-cli", VERSION)
        program = modules / "@adobe" / "aio-cli" / "bin" / "run"
        return subprocess.run(  # noqa: S603 - a client of ours, with the test's arguments
            [str(npm.node()), str(program), "rt", *shlex.split(command), *more],
            cwd=self.home,
            env=self._environment | {"NODE_COMPILE_CACHE": str(modules.parent / "compiled")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )

    def __call__(self, command: str, *more: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(command, *more)
        assert done.returncode == 0, f"aio rt {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, command: str, *more: str) -> Any:
        """Run a command that must succeed and print JSON, perhaps behind a line of text."""
        printed = self(command, *more)
        return msgspec.json.decode(printed[min(at for at in map(printed.find, "{[") if at >= 0) :])

    def refused(self, command: str, *more: str) -> str:
        """Run a command that must fail; return what it said, on one line."""
        done = self.run(command, *more)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stderr.replace("›", " ").split())


def _reaching(url: str, namespace: str, auth: str) -> dict[str, str]:
    return {"AIO_RUNTIME_APIHOST": _named(url), "AIO_RUNTIME_NAMESPACE": namespace, "AIO_RUNTIME_AUTH": auth}


def _named(url: str) -> str:
    """Name this machine: aio writes http:// only for `localhost`."""
    return url.replace("127.0.0.1", "localhost")
