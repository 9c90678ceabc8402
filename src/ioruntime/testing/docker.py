"""A Docker engine for tests: `dockerd` with everything of its own, and images made of this machine's files.

No registry is asked for anything.
"""

import http.client
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from ioruntime.testing import npm

IMAGE = "ioruntime-test/python:1"
"""Holds Python, a shell and the example of an action proxy, which it runs."""
INTERNAL_NETWORK = "ioruntime-test"
_START_S = 120.0
_END_S = 20.0
_EXAMPLES = Path(__file__).parents[3] / "examples"
_PROXY = _EXAMPLES / "blackbox" / "proxy.py"
_NODE_RUNTIME = Path(__file__).parents[1] / "invoker" / "runtimes" / "nodejs"
_BRIDGES = 16
"""At a time on this machine; each has 14 addresses, of a range that is for examples."""
_UNNEEDED = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "ensurepip",
    "site-packages",
    "dist-packages",
    "tkinter",
    "turtledemo",
    "__pycache__",
}
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


class DockerDaemon:
    """The running engine."""

    def __init__(self, directory: Path, process: "subprocess.Popen[bytes]") -> None:
        self.socket = directory / "docker.sock"
        self.log = directory / "log"
        self._process = process

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, bytes]:
        """Send one request of the engine's API and return status and body."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def containers(self) -> list[str]:
        """Ids of all there are, running or not."""
        status, body = self.ask("GET", "/containers/json?all=1")
        assert status == 200, body
        return [container["Id"] for container in msgspec.json.decode(body)]

    def wait_until_up(self) -> None:
        """Return once the engine answers.

        Raises:
            AssertionError: it ended, or took too long; with its log.
        """
        deadline = time.monotonic() + _START_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                if self.ask("GET", "/_ping")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"dockerd did not start:\n{self.log.read_text(errors='replace')}")

    def load_image(self) -> None:
        """Make `IMAGE`."""
        program = str(_python())
        changes = [f'CMD ["{program}", "-I", "-S", "/proxy.py"]', "WORKDIR /tmp", "ENV PYTHONDONTWRITEBYTECODE=1"]
        self._import(IMAGE, _archive(_files()), changes)

    def load_node_image(self, image: str) -> None:
        """Make an image of `examples/debug` with this machine's Node.

        Args:
            image: its name and tag.
        """
        changes = ['CMD ["node", "app.js"]', "WORKDIR /nodejsAction", "ENV PATH=/usr/bin:/bin"]
        self._import(image, _archive(_node_files()), changes)

    def _import(self, image: str, archive: bytes, changes: list[str]) -> None:
        name, _, tag = image.partition(":")
        query = urlencode([("fromSrc", "-"), ("repo", name), ("tag", tag), *(("changes", change) for change in changes)])
        status, body = self.ask("POST", f"/images/create?{query}", archive, "application/x-tar")
        assert status == 200, body
        assert b'"error"' not in body, body

    def make_network(self) -> None:
        """Make `INTERNAL_NETWORK`, which leads nowhere but to this machine."""
        document = {"Name": INTERNAL_NETWORK, "Internal": True, "Driver": "bridge", "CheckDuplicate": True}
        status, body = self.ask("POST", "/networks/create", msgspec.json.encode(document))
        assert status == 201, body

    def close(self) -> None:
        """End the engine and what it started, by their ids."""
        for container in self.containers():
            self.ask("DELETE", f"/containers/{container}?force=1")
        self.ask("DELETE", f"/networks/{INTERNAL_NETWORK}")
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running_docker() -> Generator[DockerDaemon]:
    """Run an engine with an image and a network while the context lasts. Needs root and the package `docker.io`."""
    with _running("none") as daemon:
        daemon.load_image()
        daemon.make_network()
        yield daemon


@contextmanager
def running_docker_with_ports() -> Generator[DockerDaemon]:
    """Run an engine whose containers can have ports on 127.0.0.1, without an image. Needs iproute2 too."""
    with _bridge() as bridge, _running(bridge) as daemon:
        yield daemon


@contextmanager
def _running(bridge: str) -> Generator[DockerDaemon]:
    with tempfile.TemporaryDirectory(prefix="ioruntime-docker-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        with (directory / "log").open("wb") as log:
            # Its paths go into socket addresses, which hold 107 bytes: hence a folder right below the temporary one.
            command = _command(directory, bridge)
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")  # noqa: S603
        daemon = DockerDaemon(directory, process)
        try:
            daemon.wait_until_up()
            yield daemon
        finally:
            if process.poll() is None:
                daemon.close()


@contextmanager
def _bridge() -> Generator[str]:
    """Make a bridge that no other engine uses, and its addresses."""
    name = next((name for name in (f"iotest{n}" for n in range(_BRIDGES)) if _ip("link", "add", name, "type", "bridge")), None)
    assert name is not None, f"{_BRIDGES} bridges are in use, or none can be made"
    try:
        assert _ip("address", "add", f"198.51.100.{16 * int(name.removeprefix('iotest')) + 1}/28", "dev", name)
        assert _ip("link", "set", name, "up")
        yield name
    finally:
        _ip("link", "delete", name)


def _ip(*words: str) -> bool:
    program = shutil.which("ip") or "/usr/sbin/ip"
    return subprocess.run([program, *words], capture_output=True, check=False).returncode == 0  # noqa: S603


def why_not() -> str | None:
    """Why no engine can run here; None when one can."""
    if os.geteuid() != 0:
        return "dockerd needs root"
    if shutil.which("dockerd") is None:
        return "dockerd is not installed: apt-get install docker.io"
    return None


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_START_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _command(directory: Path, bridge: str) -> list[str]:
    dockerd = shutil.which("dockerd")
    assert dockerd is not None
    return [
        dockerd,
        f"--host=unix://{directory}/docker.sock",
        f"--data-root={directory}/data",
        f"--exec-root={directory}/exec",
        f"--pidfile={directory}/pid",
        "--iptables=false",
        "--ip6tables=false",
        f"--bridge={bridge}",
        "--group=0",
    ]


def _python() -> Path:
    program = Path(sysconfig.get_config_var("BINDIR") or sys.base_exec_prefix, f"python{sysconfig.get_python_version()}")
    return program.resolve()


def _archive(files: Iterable[tuple[str, Path]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for directory, mode in (("tmp", 0o1777), ("code", 0o755), ("etc", 0o755)):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for inside, source in sorted(dict(files).items()):
            archive.add(source, inside.lstrip("/"), recursive=False)
    return buffer.getvalue()


def _files() -> Iterator[tuple[str, Path]]:
    """Paths inside, and where their content is here."""
    shell, python = Path("/bin/sh").resolve(), _python()
    library = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix, "installed_base": sys.base_prefix})).resolve()
    yield "/bin/sh", shell
    yield str(python), python
    yield "/proxy.py", _PROXY
    extensions = sorted((library / "lib-dynload").glob("*.so"))
    for program in (shell, python, *extensions):
        yield from ((found, Path(found).resolve()) for found in _libraries(program))
    for folder, folders, files in os.walk(library):
        folders[:] = [name for name in folders if name not in _UNNEEDED and not name.startswith("config-")]
        for name in files:
            path = Path(folder, name)
            if path.suffix in {".py", ".so"}:
                yield str(path), path.resolve()


def _node_files() -> Iterator[tuple[str, Path]]:
    shell, node = Path("/bin/sh").resolve(), npm.node().resolve()
    yield "/bin/sh", shell
    yield "/usr/bin/node", node
    yield "/nodejsAction/app.js", _EXAMPLES / "debug" / "app.js"
    yield from ((f"/runtime/{file.name}", file) for file in _NODE_RUNTIME.glob("*.js"))
    for program in (shell, node):
        yield from ((found, Path(found).resolve()) for found in _libraries(program))


def _libraries(program: Path) -> list[str]:
    told: Any = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return _LIBRARY.findall(told.stdout)
