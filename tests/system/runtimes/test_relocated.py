"""Each interpreter runs with nothing of the host but the system's libraries and its own mounts, read-only, without network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from ioruntime.invoker.interpreters import MODULES_PATH
from ioruntime.ports.sandbox import Interpreter

if TYPE_CHECKING:
    from tests.system.runtimes.conftest import Proxy

StartCommand = Callable[[list[str], dict[str, str]], "Proxy"]

ACTIONS = {
    "nodejs": "const crypto = require('crypto'), fs = require('fs');"
    " function main() { fs.writeFileSync('/tmp/x', ''); return {root: fs.readdirSync('/').includes('root'),"
    " uid: process.getuid(), hash: crypto.createHash('md5').update('').digest('hex').length} }",
    "python": "import os, ssl, hashlib, sqlite3, ctypes, asyncio\n"
    "def main(args):\n  open('/tmp/x', 'w').close()\n"
    "  return {'root': os.path.exists('/root'), 'uid': os.getuid(), 'hash': len(hashlib.md5(b'').hexdigest())}",
}


def walls(interpreter: Interpreter) -> list[str]:
    """A bubblewrap command line as narrow as a sandbox's."""
    bubblewrap = shutil.which("bwrap") or "bwrap"
    command = [bubblewrap, "--unshare-all", "--die-with-parent", "--uid", "1234", "--gid", "1234", "--clearenv"]
    for folder in ("/usr/bin", "/usr/lib", "/usr/lib64", "/lib", "/lib64"):
        kind = "--symlink" if Path(folder).is_symlink() else "--ro-bind-try"
        command += [kind, str(Path(folder).readlink()) if kind == "--symlink" else folder, folder]
    for host, inside in interpreter.mounts:
        command += ["--ro-bind", str(host), inside]
    for key, value in (*interpreter.environment, ("HOME", "/tmp")):
        command += ["--setenv", key, value]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--remount-ro", "/"]


def bubblewrap_works() -> bool:
    try:
        test = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
        return subprocess.run(test, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap cannot make namespaces on this machine")
def test_an_interpreter_runs_from_its_mounts_alone(start_command: StartCommand, interpreter: Interpreter) -> None:
    proxy = start_command([*walls(interpreter), *interpreter.command], {})
    answer = proxy.init(ACTIONS[interpreter.kind.partition(":")[0]], working_directory="/tmp")
    assert answer.body == {"ok": True}, proxy.stderr
    assert proxy.run().body == {"root": False, "uid": 1234, "hash": 32}
    assert proxy.stderr == ""


@pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap cannot make namespaces on this machine")
@pytest.mark.parametrize("where", ["source", "package", "ES module"])
def test_installed_modules_are_there_for_every_action(
    start_command: StartCommand, nodejs: Interpreter, tmp_path: Path, where: str
) -> None:
    module = tmp_path / "modules" / "openwhisk" / "index.js"
    module.parent.mkdir(parents=True)
    module.write_text("exports.found = true")
    code = "exports.main = () => ({found: require('openwhisk').found})"
    package = tmp_path / "package"
    package.mkdir()
    (package / "index.js").write_text(code)
    if where == "ES module":
        (package / "index.js").write_text("import {found} from 'openwhisk'; export const main = () => ({found})")
        (package / "package.json").write_text('{"type": "module"}')
    shown = msgspec.structs.replace(
        nodejs,
        mounts=(
            *(each for each in nodejs.mounts if each[1] != MODULES_PATH),
            (module.parents[1], MODULES_PATH),
            (package, "/code"),
        ),
    )
    proxy = start_command([*walls(shown), *shown.command], {})
    place = {"working_directory": "/tmp"} if where == "source" else {"directory": "/code"}
    assert proxy.init(code, **place).body == {"ok": True}
    assert proxy.run().body == {"found": True}
