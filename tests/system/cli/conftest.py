"""The command line as people use it: in a folder of their own, with the key of a namespace nobody else uses."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server

NOTHING: Mapping[str, str] = MappingProxyType({})


class Shell:
    """Runs `ioruntime` in a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IORUNTIME_", "AIO_", "WSK_"))}
        self.environment = kept | {"HOME": str(folder), "COLUMNS": "200", "NO_COLOR": "1"} | dict(environment)

    def write(self, name: str, content: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def run(self, *arguments: str, environment: Mapping[str, str] = NOTHING) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ioruntime", *arguments],
            cwd=self.folder,
            env=self.environment | dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run a command that must end with an exit code; return what it said."""
        done = self.run(*arguments)
        assert done.returncode == code, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stderr


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Shell:
    """A folder of a person whose environment names a namespace of its own."""
    answer = server.operator.request("POST", f"/runtime/admin/namespaces/org{new_activation_id()[:12]}/tests")
    assert answer.status == 200, answer.body
    return Shell(tmp_path, {"IORUNTIME_APIHOST": server.url, "IORUNTIME_AUTH": answer.json()["auth"]})
