"""`wskdebug`: activations of an action run in a container of the developer's own, from the source beside it."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing import npm
from ioruntime.testing.docker import DockerDaemon, running_docker_with_ports, why_not
from ioruntime.testing.server import GUEST_AUTH, Server, ServerClient, eventually, running_server

pytestmark = [pytest.mark.clients, pytest.mark.docker, pytest.mark.timeout(300)]
KIND = "nodejs:20"
WAIT_S = 60.0
ATTEMPTS = 3
READY = "Ready for activations"
PORT_TAKEN = "already in use|already allocated"
ORIGINAL = "function main({ name }) { return { from: 'the platform', name } }"
PLAIN = "function main({ name }) { return { from: 'here', name } }"
MODULE = "const { sep } = require('path')\nexports.main = ({ name }) => ({ from: 'a module here', name, sep })"


@pytest.fixture(scope="session")
def wskdebug_package() -> Path:
    """Folder of the npm package."""
    try:
        return npm.installed("@openwhisk/wskdebug", "1.4.0") / "@openwhisk" / "wskdebug"
    except npm.NpmError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerDaemon]:
    """The developer's own Docker."""
    reason = why_not()
    if reason is not None and not os.environ.get("CI"):
        pytest.skip(reason)
    assert reason is None, reason
    with running_docker_with_ports() as daemon:
        yield daemon


class Debugger:
    """A `wskdebug` on the action `greet`."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, port: int) -> None:
        self._process = process
        self._log = log
        self._port = port

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def is_ready(self) -> bool:
        """Wait until activations come to it; False when somebody took one of its ports just before it did."""
        self.wait_for(f"{READY}|{PORT_TAKEN}")
        if READY in self.said:
            return True
        self._process.wait(WAIT_S)
        return False

    def wait_for(self, pattern: str) -> None:
        deadline_s = time.monotonic() + WAIT_S
        while True:
            ended = self._process.poll() is not None
            if re.search(pattern, self.said):
                return
            assert not ended, self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.05)

    def targets(self) -> Any:
        """What a debugger may connect to, as the port for debuggers tells it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/json/list", timeout=WAIT_S) as answer:
            return msgspec.json.decode(answer.read())

    def end(self) -> None:
        """Do what CTRL+C does."""
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(WAIT_S) == 0, self.said

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def debugging(package: Path, folder: Path, server: Server, engine: DockerDaemon, *options: str) -> Generator[Debugger]:
    """Debug the action `greet` with the source `greet.js` of the folder."""
    for _ in range(ATTEMPTS):
        debugger = _start(package, folder, _environment(folder, server, engine), options)
        try:
            if debugger.is_ready():
                yield debugger
                return
        finally:
            debugger.kill()
    raise AssertionError(f"ports were taken {ATTEMPTS} times")


def _environment(folder: Path, server: Server, engine: DockerDaemon) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "OW_APIHOST": server.url,
        "OW_AUTH": GUEST_AUTH,
        "OW_NAMESPACE": "guest",
        "DOCKER_HOST": f"unix://{engine.socket}",
        "DOCKER_HOST_IP": "127.0.0.1",
    }


def _start(package: Path, folder: Path, environment: dict[str, str], options: Sequence[str]) -> Debugger:
    port = _free_port()
    command = [str(npm.node()), str(package / "wskdebug.js"), "greet", "greet.js", "--verbose", "--port", str(port), *options]
    log = folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    return Debugger(process, log, port)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serving(folder: Path, engine: DockerDaemon, most_concurrency: int) -> Generator[Server]:
    """Run a server with the action `greet`, whose image the engine has, and end soon what the debugger left waiting."""
    # What the debugger left waiting keeps its sandbox for most of a minute.
    environment = {
        "IORUNTIME_INVOKER__NETWORK": "host",
        "IORUNTIME_INVOKER__MEMORY_MB": "4096",
        "IORUNTIME_LIMITS__MAX_CONCURRENCY": str(most_concurrency),
        "IORUNTIME_GRACE_S": "1",
    }
    with running_server(folder / "data", environment=environment) as server:
        server.guest.put_action("greet", ORIGINAL, KIND)
        engine.load_node_image(_image_of(server.guest, KIND))
        yield server


def _image_of(client: ServerClient, kind: str) -> str:
    runtimes: dict[str, list[dict[str, Any]]] = client.request("GET", "/").json()["runtimes"]
    return next(each["image"] for family in runtimes.values() for each in family if each["kind"] == kind)


def greeting(client: ServerClient, name: str) -> Any:
    answer = client.invoke("greet", {"name": name}, timeout_s=WAIT_S + 30)
    return client.ended(answer.json()["activationId"], within_s=WAIT_S)["response"]["result"]


def names(client: ServerClient) -> list[str]:
    return sorted(action["name"] for action in client.request("GET", "/api/v1/namespaces/_/actions").json())


def deployed(client: ServerClient) -> tuple[str, str, int]:
    """Code, kind and concurrency of `greet`: annotations of the debugger stay, as the API merges them."""
    action: dict[str, Any] = client.request("GET", "/api/v1/namespaces/_/actions/greet").json()
    return action["exec"]["code"], action["exec"]["kind"], action["limits"]["concurrency"]


def see_the_original(client: ServerClient, engine: DockerDaemon) -> None:
    assert deployed(client) == (ORIGINAL, KIND, 1)
    assert greeting(client, "Joan") == {"from": "the platform", "name": "Joan"}
    assert eventually(lambda: engine.containers() == [], within_s=WAIT_S)


def test_activations_run_from_the_source_beside_the_debugger(
    wskdebug_package: Path, tmp_path: Path, engine: DockerDaemon
) -> None:
    source = tmp_path / "greet.js"
    source.write_text(PLAIN)
    with serving(tmp_path, engine, 500) as server:
        client = server.guest
        with debugging(wskdebug_package, tmp_path, server, engine) as debugger:
            assert deployed(client)[2] == 200  # the agent: it waits for activations and hands them on
            assert greeting(client, "Ada") == {"from": "here", "name": "Ada"}
            source.write_text(PLAIN.replace("here", "here, changed"))
            record = client.ended(client.start("greet", {"name": "Grace"}), within_s=WAIT_S)
            assert record["response"]["result"] == {"from": "here, changed", "name": "Grace"}
            assert [target["type"] for target in debugger.targets()] == ["node"]
            debugger.end()
        see_the_original(client, engine)
        with debugging(wskdebug_package, tmp_path, server, engine) as debugger:
            assert "backup is still present. All good." in debugger.said
            assert greeting(client, "Ada") == {"from": "here, changed", "name": "Ada"}
            debugger.end()
        see_the_original(client, engine)
        assert names(client) == ["greet", "greet_wskdebug_original"]


def test_without_concurrency_the_debugger_watches_activations(
    wskdebug_package: Path, tmp_path: Path, engine: DockerDaemon
) -> None:
    (tmp_path / "greet.js").write_text(MODULE)
    with serving(tmp_path, engine, 1) as server:
        client = server.guest
        with debugging(wskdebug_package, tmp_path, server, engine, "--cleanup") as debugger:
            assert "does not support concurrent actions" in debugger.said
            debugger.wait_for(r"\n\.+$")  # a dot for each look: what came before the first look is never seen
            assert greeting(client, "Ada") == {"from": "a module here", "name": "Ada", "sep": "/"}
            debugger.end()
        see_the_original(client, engine)
        assert names(client) == ["greet"]
