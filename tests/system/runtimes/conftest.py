"""Drives a runtime as a real process, the way the invoker does: over a Unix socket that the process inherits."""

import os
import selectors
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from ioruntime.invoker.interpreters import discover
from ioruntime.ports.sandbox import Interpreter

CACHE = Path(tempfile.gettempdir()) / f"ioruntime-tests-{os.getuid()}"
INTERPRETERS = discover(CACHE)
ANSWER_TIMEOUT_S = 15.0

Start = Callable[[Interpreter], "Proxy"]
StartCommand = Callable[[list[str], dict[str, str]], "Proxy"]


class ConnectionLost(Exception):  # noqa: N818  # what happened, not a mistake
    """The process ended without an answer."""


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: Any


class Proxy:
    """A started runtime; reads its output while it waits for answers, so that a full pipe never blocks it."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self.folder = folder
        self._path = str(folder / "socket")
        self._resources = ExitStack()
        self._connection: socket.socket | None = None
        self._logs = {"stdout": bytearray(), "stderr": bytearray()}
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen(128)
            arguments = [part.replace("{listen_fd}", str(listener.fileno())) for part in command]
            self.process = subprocess.Popen(
                [part.replace("{memory_mb}", "256") for part in arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", **environment},
                cwd=folder,
            )
        self._pipes = {"stdout": self.process.stdout, "stderr": self.process.stderr}
        for pipe in self._pipes.values():
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self._resources.close()

    def init(self, code: str = "", **value: Any) -> Answer:
        return self.post("/init", {"value": {"name": "hello", "main": "main", "code": code, "binary": False, **value}})

    def run(self, value: Any = None, **request: str) -> Answer:
        return self.post("/run", {"value": {} if value is None else value, **request})

    def post(self, path: str, body: Any) -> Answer:
        if self._connection is None:
            self._connection = self.connect()
        self.send(self._connection, path, msgspec.json.encode(body))
        return self.receive(self._connection)

    def connect(self) -> socket.socket:
        connection = self._resources.enter_context(socket.socket(socket.AF_UNIX))
        connection.settimeout(ANSWER_TIMEOUT_S)
        connection.connect(self._path)
        return connection

    @staticmethod
    def send(connection: socket.socket, path: str, body: bytes) -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    def receive(self, connection: socket.socket) -> Answer:
        """One whole answer.

        Raises:
            ConnectionLost: the connection ended before it.
        """
        received, watched = b"", set(self._pipes)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            for pipe in self._pipes.values():
                selector.register(pipe, selectors.EVENT_READ)  # pyright: ignore[reportArgumentType]  # both are pipes
            while (answer := _parsed(received)) is None:
                ready = [key.fileobj for key, _ in selector.select(ANSWER_TIMEOUT_S)]
                assert ready, "no answer in time"
                over = set(self._drain()) & watched
                watched -= over
                for name in over:
                    selector.unregister(self._pipes[name])  # pyright: ignore[reportArgumentType]
                if connection in ready:
                    received += self._receive_some(connection)
        return answer

    @property
    def stdout(self) -> str:
        """What was written until now: everything that was in the pipe."""
        self._drain()
        return self._logs["stdout"].decode(errors="replace")

    @property
    def stderr(self) -> str:
        self._drain()
        return self._logs["stderr"].decode(errors="replace")

    def wait_for_stdout(self, text: str) -> None:
        """Wait until the process has written `text`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipes["stdout"], selectors.EVENT_READ)  # pyright: ignore[reportArgumentType]
            while text not in self.stdout:
                assert selector.select(ANSWER_TIMEOUT_S), "no output in time"

    @staticmethod
    def _receive_some(connection: socket.socket) -> bytes:
        try:
            part = connection.recv(1 << 20)
        except ConnectionError:
            part = b""
        if not part:
            raise ConnectionLost
        return part

    def _drain(self) -> list[str]:
        """Read what is there; return the names of the pipes that have ended."""
        ended: list[str] = []
        for name, pipe in self._pipes.items():
            assert pipe is not None
            while True:
                try:
                    part = os.read(pipe.fileno(), 1 << 20)
                except BlockingIOError:
                    break
                if not part:
                    ended.append(name)
                    break
                self._logs[name] += part
        return ended


def _parsed(received: bytes) -> Answer | None:
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    status, *headers = head.split(b"\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in headers)}
    length = int(fields[b"content-length"])
    if len(body) < length:
        return None
    assert len(body) == length, "bytes after the answer"
    assert fields[b"content-type"] == b"application/json"
    return Answer(int(status.split()[1]), msgspec.json.decode(body))


def on_host(interpreter: Interpreter) -> tuple[list[str], dict[str, str]]:
    """Command and environment with the paths of the host, for a process outside of any sandbox."""

    def outside(text: str) -> str:
        for host, inside in interpreter.mounts:
            if text == inside or text.startswith(f"{inside}/"):
                return str(host) + text[len(inside) :]
        return text

    command = [outside(part) for part in interpreter.command]
    return command, {key: outside(value) for key, value in interpreter.environment}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: the address of a Unix socket has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="iort-") as name:
        yield Path(name)


@pytest.fixture
def start_command(folder: Path) -> Iterator[StartCommand]:
    """Starts a runtime by its command line, and ends it after the test."""
    with ExitStack() as stack:
        yield lambda command, environment: stack.enter_context(Proxy(command, environment, folder))


@pytest.fixture
def start(start_command: StartCommand) -> Start:
    """Starts a runtime without walls around it."""
    return lambda interpreter: start_command(*on_host(interpreter))


@pytest.fixture
def package(folder: Path) -> Callable[[Mapping[str, str]], str]:
    """Writes files as an unpacked archive that nobody may write; returns the directory."""

    def write(files: Mapping[str, str]) -> str:
        root = folder / "code"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        root.mkdir(exist_ok=True)
        root.chmod(0o555)
        return str(root)

    return write


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`nodejs`, `python` and `interpreter` stand for each one found of the family, and for each one at all."""
    for name in {"nodejs", "python", "interpreter"} & set(metafunc.fixturenames):
        chosen = [each for kind, each in INTERPRETERS.items() if name == "interpreter" or kind.startswith(name)]
        metafunc.parametrize(name, chosen, ids=[each.kind for each in chosen])
