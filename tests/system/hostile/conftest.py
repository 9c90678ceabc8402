"""A server that is attacked, as root's and as an ordinary user's, and a victim in a namespace of its own on it."""

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.system.hostile.ordinary import USER_ID, as_ordinary_user

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerClient, running_server

SETTINGS = {
    "SERVER_SECRET": "hunter2",
    "IORUNTIME_INVOKER__MEMORY_MB": "3072",
    "IORUNTIME_INVOKER__PREWARM": "1",
    "IORUNTIME_LIMITS__INVOCATIONS_PER_MINUTE": "1000000",
}
VICTIM = """
import ctypes, os, socket, threading
held = []
def main(args):
    secret = args["secret"]
    if not held:
        open(f"/tmp/{secret}", "w").close()
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind("\\0" + secret)
        abstract.listen()
        listener = socket.create_server(("0.0.0.0", 7007))
        held.extend([abstract, listener, ctypes.CDLL(None).shmget(7007, 4096, 0o1666)])
    addresses = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
            addresses.append(probe.getsockname()[0])
        except OSError:
            pass
    return {"secret": secret, "addresses": addresses}
"""


class Arena(msgspec.Struct, frozen=True):
    """Where attacks take place."""

    user: str
    attacker: ServerClient
    victim: "Victim"
    targets: dict[str, Any]
    """What attacks are told: ports and addresses of this machine, and what belongs to the victim."""


class Victim:
    """An action that must answer whatever others do."""

    def __init__(self, space: ServerClient) -> None:
        self._space = space
        self.secret = f"s{new_activation_id()[:12]}"
        space.put_action("victim", VICTIM, "python:default", limits={"timeout": 30_000})
        self.addresses: list[str] = self.ask()["addresses"]

    def ask(self) -> dict[str, Any]:
        answer = self._space.invoke("victim", {"secret": self.secret})
        assert answer.status == 200, answer.body
        result = answer.json()["response"]["result"]
        assert result["secret"] == self.secret
        return result

    @contextmanager
    def answering(self) -> Generator[None]:
        """Ask again and again while the context lasts; the first time it does not answer fails."""
        done, failures = threading.Event(), list[BaseException]()

        def ask_until_done() -> None:
            try:
                while not done.wait(0.02):
                    self.ask()
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits
                failures.append(error)

        asking = threading.Thread(target=ask_until_done, name="victim")
        asking.start()
        try:
            yield
        finally:
            done.set()
            asking.join()
        assert failures == []
        self.ask()


@pytest.fixture(scope="session", params=["root", "ordinary user"])
def hostile_server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    """A server of its own: others share theirs with nobody hostile."""
    user = str(request.param)
    if shutil.which("bwrap") is None and not os.environ.get("CI"):
        pytest.skip("bubblewrap is not installed")
    if os.geteuid() != 0:
        if user == "root":
            pytest.skip("only root can be root")
        prefix: list[str] = []
    else:
        prefix = as_ordinary_user() if user != "root" else []
    folder = Path(tempfile.mkdtemp(prefix="ioruntime-hostile-"))
    folder.chmod(0o755)
    if prefix:
        os.chown(folder, USER_ID, USER_ID)
    try:
        with running_server(folder / "data", environment=SETTINGS | {"HOME": str(folder)}, prefix=prefix) as server:
            yield user, server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def arena(hostile_server: tuple[str, Server]) -> Iterator[Arena]:
    user, server = hostile_server
    own = _own_address()
    abstract = f"host-{new_activation_id()[:12]}"
    with socket.create_server(("0.0.0.0", 0)) as service, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind(f"\0{abstract}")
        hidden.listen()
        victim = Victim(server.namespace(f"victim{new_activation_id()[:8]}"))
        targets = {
            "ports": [service.getsockname()[1]],
            "addresses": [own],
            "abstract": [abstract],
            "apiPort": server.port,
            "neighbours": victim.addresses,
            "secret": victim.secret,
            "victim": "guest",
        }
        yield Arena(user, server.namespace(f"hostile{new_activation_id()[:8]}"), victim, targets)


def _own_address() -> str:
    """An address of this machine beside the loopback, if it has one; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
