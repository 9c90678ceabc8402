"""A real server process on a free port, with a data directory of its own, and a client that talks to it over sockets."""

import base64
import http.client
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

GUEST_AUTH = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
READY = "ioruntime ready on "
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 30.0
_T = TypeVar("_T")


class StartFailedError(AssertionError):
    """The server ended, or said nothing for too long, before it was ready; the message is its standard error."""


class ServerAnswer(msgspec.Struct, frozen=True):
    """What came back over the socket."""

    status: int
    headers: dict[str, str]
    """By lower-case names; of a repeated one the last."""
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class ServerClient:
    """Sends each request over a connection of its own; may be used by several threads."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.address = (parts.hostname, parts.port)
        self.headers = dict(headers)

    @classmethod
    def basic(cls, url: str, auth: str) -> Self:
        """Speak with an OpenWhisk key, `uuid:key`."""
        return cls(url, {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"})

    @classmethod
    def bearer(cls, url: str, token: str, api_key: str) -> Self:
        """Speak with a token, as Adobe's clients do."""
        return cls(url, {"Authorization": f"Bearer {token}", "X-Api-Key": api_key})

    def request(
        self,
        method: str,
        target: str,
        json: Any = msgspec.UNSET,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> ServerAnswer:
        """Send one request and return the whole answer.

        Args:
            target: escaped path and query.
            json: body to encode; brings its content type.

        Raises:
            OSError, http.client.HTTPException: the connection broke before the answer was whole.
        """
        sent = dict(self.headers)
        if json is not msgspec.UNSET:
            body, sent["Content-Type"] = msgspec.json.encode(json), "application/json"
        sent |= headers or {}
        connection = http.client.HTTPConnection(*self.address, timeout=timeout_s)
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            return ServerAnswer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def put_action(self, name: str, code: str, kind: str = "nodejs:default", *, overwrite: bool = False, **fields: Any) -> Any:
        """Create an action in the own namespace and return it; anything but 200 is a failed assertion.

        Args:
            fields: further top-level fields, such as `limits`; `main` goes into `exec`.
        """
        exec_ = {"kind": kind, "code": code} | ({"main": fields.pop("main")} if "main" in fields else {})
        answer = self.request("PUT", f"{actions(name)}?overwrite={str(overwrite).lower()}", {"exec": exec_, **fields})
        assert answer.status == 200, answer.body
        return answer.json()

    def invoke(self, name: str, payload: Any = msgspec.UNSET, *, timeout_s: float = ANSWER_TIMEOUT_S) -> ServerAnswer:
        """Invoke an action of the own namespace and wait for its end."""
        return self.request("POST", f"{actions(name)}?blocking=true", payload, timeout_s=timeout_s)

    def start(self, name: str, payload: Any = msgspec.UNSET) -> str:
        """Invoke an action without waiting; return the activation id that was accepted."""
        answer = self.request("POST", actions(name), payload)
        assert answer.status == 202, answer.body
        return answer.json()["activationId"]

    def record(self, activation_id: str) -> Any:
        """Return the record of an activation, None while there is none."""
        answer = self.request("GET", f"/api/v1/namespaces/_/activations/{activation_id}")
        assert answer.status in {200, 404}, answer.body
        return answer.json() if answer.status == 200 else None

    def ended(self, activation_id: str, *, within_s: float = ANSWER_TIMEOUT_S) -> Any:
        """Return the record of an activation as soon as there is one."""
        return eventually(lambda: self.record(activation_id), within_s=within_s)


class Server:
    """A running `ioruntime serve`."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path, errors: Path, prefix: Sequence[str] = ()) -> None:
        self.process = process
        self._prefix = prefix
        self.data_dir = data_dir
        self.lines: list[str] = []
        """Standard output so far; after `stop` and `kill` all of it."""
        self._errors = errors
        self._unread: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="read the server's output")
        self._reader.start()
        self.url = self._await_ready()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def credentials(self) -> dict[str, str]:
        """What `credentials.json` says now."""
        return msgspec.json.decode((self.data_dir / "credentials.json").read_bytes(), type=dict[str, str])

    @property
    def errors(self) -> str:
        """Standard error so far."""
        return self._errors.read_text()

    @property
    def guest(self) -> ServerClient:
        return ServerClient.basic(self.url, self.credentials["auth"])

    @property
    def admin(self) -> ServerClient:
        """Speaks with the token of `credentials.json`, which administers the namespace guest."""
        credentials = self.credentials
        return ServerClient.bearer(self.url, credentials["bearer"], credentials["apiKey"])

    @cached_property
    def operator(self) -> ServerClient:
        """Speaks with a token that administers every namespace."""
        done = self.cli("token", "--org", "*", "--int", "*", "--scope", "admin", "--json")
        assert done.returncode == 0, done.stderr
        token = msgspec.json.decode(done.stdout, type=dict[str, Any])
        return ServerClient.bearer(self.url, token["bearer"], token["apiKey"])

    def namespace(self, org: str, integration: str = "tests") -> ServerClient:
        """Create a namespace, or take the one that is there, and speak for it."""
        answer = self.operator.request("POST", f"/runtime/admin/namespaces/{quote(org)}/{quote(integration)}")
        assert answer.status == 200, answer.body
        return ServerClient.basic(self.url, answer.json()["auth"])

    def cli(self, *arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run an administration command on this server's data directory."""
        return run_cli(*arguments, "--data-dir", str(self.data_dir), environment=environment, prefix=self._prefix)

    def wait(self, *, timeout_s: float = 15.0) -> int:
        """Return the exit code once the process has ended by itself."""
        code = self.process.wait(timeout_s)
        self._reader.join()
        self._take_rest()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM, *, timeout_s: float = 15.0) -> int:
        """Tell it to end, and return its exit code."""
        self.process.send_signal(number)
        return self.wait(timeout_s=timeout_s)

    def kill(self) -> None:
        """`kill -9` of the server process alone: nothing of it gets to say goodbye."""
        self.process.kill()
        self.wait()

    def _await_ready(self) -> str:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                line = self._unread.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                self.process.kill()
                line = None
            if line is None:
                self.process.wait()
                raise StartFailedError(self.errors)
            self.lines.append(line)
            if line.startswith(READY):
                return line.removeprefix(READY)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._unread.put(line.rstrip("\n"))
        self._unread.put(None)

    def _take_rest(self) -> None:
        while not self._unread.empty():
            if (line := self._unread.get()) is not None:
                self.lines.append(line)


@contextmanager
def running_server(
    data_dir: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    guest_auth: str | None = GUEST_AUTH,
    prefix: Sequence[str] = (),
) -> Generator[Server]:
    """Run a server while the context lasts; one that the body did not end must then end cleanly, with exit code 0.

    Args:
        arguments: further ones of `ioruntime serve`.
        environment: further variables, such as IORUNTIME_INVOKER__PREWARM.
        guest_auth: key of the namespace guest; None leaves it to the server.
        prefix: words before the command, such as those that make it another user's.

    Raises:
        StartFailedError: it was not ready in time.
    """
    errors = data_dir.with_name(f"{data_dir.name}.stderr")
    errors.parent.mkdir(parents=True, exist_ok=True)
    command = [*prefix, *_COMMAND, "serve", "--port", "0", "--data-dir", str(data_dir), *arguments]
    with errors.open("a") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command, with the test's arguments
            [*command, *(("--guest-auth", guest_auth) if guest_auth else ())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
            env=_environment(environment),
        )
    clean = False
    try:
        server = Server(process, data_dir, errors, prefix)
        yield server
        if process.poll() is None:
            assert server.stop() == 0, server.errors
        clean = True
    finally:
        if not clean:
            process.kill()
            process.wait()


def run_cli(
    *arguments: str, environment: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> "subprocess.CompletedProcess[str]":
    """Run `ioruntime ARGUMENTS` to its end and return its output and exit code."""
    return subprocess.run(  # noqa: S603 - our own command, with the test's arguments
        [*prefix, *_COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
        env=_environment(environment),
    )


def eventually(look: Callable[[], _T | None], *, within_s: float) -> _T:
    """Return what `look` finds, as soon as it is neither None nor False; it is asked again and again.

    Raises:
        AssertionError: it found nothing in time.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline_s, f"nothing within {within_s} s"


def actions(name: str) -> str:
    """Return the path of an action, `name` or `package/name`, in the caller's own namespace."""
    return f"/api/v1/namespaces/_/actions/{quote(name)}"


def send_raw(address: tuple[str, int], data: bytes, *, timeout_s: float = ANSWER_TIMEOUT_S) -> bytes:
    """Send bytes as they are, say no more, and return what comes back until the server closes."""
    with socket.create_connection(address, timeout_s) as connection:
        connection.sendall(data)
        with suppress(OSError):  # the server may have said no and closed already
            connection.shutdown(socket.SHUT_WR)
        received: list[bytes] = []
        while chunk := connection.recv(65_536):
            received.append(chunk)
        return b"".join(received)


_COMMAND = (sys.executable, "-m", "ioruntime")


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return this process's environment without the settings of whoever runs the tests, and with `extra`."""
    return {key: value for key, value in os.environ.items() if not key.startswith("IORUNTIME_")} | dict(extra or {})
