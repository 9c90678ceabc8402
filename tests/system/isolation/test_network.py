"""What a sandbox reaches under each policy: in a world of the test's own, so that no packet goes anywhere real."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.system.isolation.worlds import (
    INTERNET,
    MACHINE,
    METADATA,
    NAMESERVER,
    PORT,
    PRIVATE,
    World,
    forwards,
    python_on,
    ruleset,
    world,
)

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, eventually

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks"),
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("bwrap", "ip", "nft")) and not os.environ.get("CI"),
        reason="bubblewrap, iproute2 or nftables is not installed",
    ),
]

_DRIVE = """
import asyncio, json, os, signal, sys
from pathlib import Path
from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.network.doorway import Api
from ioruntime.invoker.drivers.network import networks
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.ports.sandbox import SandboxSpec
from ioruntime.testing.sandbox_contract import Heard, ask, python

async def drive(state, network, override, ending, api, sources):
    networks._RESOLV_CONF = state.with_name("resolv.conf")
    driver = BubblewrapDriver(DriverSettings(state_dir=state, network=network, api=Api(api, %(port)d)))
    spec = SandboxSpec(python(), 128, override)
    first, second = await driver.start(spec, Heard()), await driver.start(spec, Heard())
    address = await ask(second, %(own)r)
    said = [await ask(first, source.replace("OTHER", address)) for source in sources]
    await ask(second, "answer('still there')")
    print(json.dumps({"said": said, "report": [feature.detail for feature in driver.report() if feature.name == "network"]}))
    sys.stdout.flush()
    if ending == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    await driver.close()

state, network, override, ending, api, *sources = sys.argv[1:]
asyncio.run(drive(Path(state), network, override or None, ending, api, sources))
"""
_OWN = """
import socket, threading
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    try:
        probe.connect(("203.0.113.1", 9)); mine = probe.getsockname()[0]
    except OSError:
        mine = "127.0.0.2"
listener = socket.create_server(("0.0.0.0", 7000))
threading.Thread(target=lambda: [c[0].sendall(b"neighbour") for c in iter(listener.accept, 0)], daemon=True).start()
answer(mine)
"""
_PROGRAM = _DRIVE % {"port": PORT, "own": _OWN}


class Told(msgspec.Struct):
    said: list[str]
    report: list[str]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n")
    with world() as made:
        yield made


def drive(
    here: World,
    state: Path,
    *sources: str,
    network: str = "internet",
    override: str = "",
    ending: str = "",
    api: str = "localhost",
) -> Told:
    done = python_on(here, _PROGRAM, str(state), network, override, ending, api, *sources)
    assert done.returncode == (-9 if ending == "kill" else 0), done.stderr
    return msgspec.json.decode(done.stdout, type=Told)


def connect(host: str, port: int = PORT) -> str:
    return f"""
import socket
try:
    with socket.create_connection(({host!r}, {port}), 10) as c: answer(c.recv(100).decode() or 'closed')
except OSError as error: answer(type(error).__name__ + ' ' + str(error.errno))
"""


def ask_dns(host: str) -> str:
    return f"""
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
    c.settimeout(10)
    try:
        c.connect(({host!r}, 53)); c.send(b'question'); answer(c.recv(100).decode())
    except OSError as error: answer(type(error).__name__)
"""


def test_an_operator_changes_what_a_namespace_reaches_while_the_server_runs(server: Server) -> None:
    name = f"net{new_activation_id()[:12]}"
    space = server.namespace(name)
    space.put_action("interfaces", "const main = () => ({ found: Object.keys(require('os').networkInterfaces()).sort() })")

    def found() -> list[str]:
        return space.invoke("interfaces").json()["response"]["result"]["found"]

    assert found() == ["eth0", "lo"]
    assert server.cli("limits", "set", f"{name}_tests", "network=none").returncode == 0
    eventually(lambda: found() == ["lo"], within_s=30)
    assert server.cli("limits", "set", f"{name}_tests", "network=internet").returncode == 0
    eventually(lambda: found() == ["eth0", "lo"], within_s=30)


FOREIGN = (PRIVATE, METADATA, NAMESERVER, MACHINE, "198.18.0.1", "198.19.0.1")
UNREACHED = {"OSError 113", "OSError 101", "ConnectionRefusedError 111"}


def test_the_internet_and_nothing_else(here: World, tmp_path: Path) -> None:
    sources = [connect(INTERNET), connect("localhost"), ask_dns(NAMESERVER), ask_dns(PRIVATE), connect("OTHER", 7000)]
    told = drive(
        here, tmp_path / "state", *sources, *(connect(host) for host in FOREIGN), "answer(open('/etc/resolv.conf').read())"
    )
    internet, api, dns, other_dns, neighbour, *foreign, resolv_conf = told.said
    assert internet == MACHINE  # by the machine's own address, not the sandbox's
    assert dns == "question"
    assert resolv_conf.strip() == f"nameserver {NAMESERVER}"
    assert other_dns == "OSError"
    assert {neighbour, *foreign} <= UNREACHED
    assert api == "127.0.0.1"
    assert told.report == ["Sandboxes reach the internet, and nothing of this machine or its private networks."]
    assert "ioruntime" not in ruleset(here)
    assert not forwards(here)


def test_the_api_is_where_actions_are_told_it_is(here: World, tmp_path: Path) -> None:
    sources = [connect(MACHINE), connect(MACHINE, PORT + 1)]
    assert drive(here, tmp_path / "state", *sources, api=MACHINE).said == [MACHINE, "ConnectionRefusedError 111"]
    named = drive(here, tmp_path / "named", "answer(open('/etc/hosts').read())", api="api.example.test")
    assert "127.0.0.1 localhost sandbox api.example.test" in named.said[0]


def test_services_of_the_machine_on_its_loopback_are_not_those_inside(here: World, tmp_path: Path) -> None:
    told = drive(here, tmp_path / "state", connect("127.0.0.1", PORT + 1), connect("localhost", PORT + 1), connect("::1", PORT))
    assert set(told.said) <= UNREACHED


def test_none(here: World, tmp_path: Path) -> None:
    sources = [connect(host) for host in (INTERNET, *FOREIGN, "127.0.0.1")]
    assert set(drive(here, tmp_path / "state", *sources, network="none").said) <= UNREACHED


def test_the_host_only_for_who_asks(here: World, tmp_path: Path) -> None:
    told = drive(here, tmp_path / "state", connect("127.0.0.1"), connect(PRIVATE), network="none", override="host")
    assert told.said == ["127.0.0.1", MACHINE]


def test_a_namespace_may_have_more_or_less_than_the_rest(here: World, tmp_path: Path) -> None:
    more = drive(here, tmp_path / "state", connect(INTERNET), connect(PRIVATE), network="none", override="internet")
    assert more.said[0] == MACHINE
    assert more.said[1] in UNREACHED
    less = drive(here, tmp_path / "state", connect(INTERNET), network="internet", override="none")
    assert set(less.said) <= UNREACHED


def test_after_a_kill_nothing_is_left_but_a_table_that_the_next_start_of_any_server_removes(here: World, tmp_path: Path) -> None:
    drive(here, tmp_path / "state", connect(INTERNET), ending="kill")
    assert ruleset(here).count("table inet ioruntime_") == 2
    assert drive(here, tmp_path / "another", connect(INTERNET)).said == [MACHINE]
    assert "ioruntime" not in ruleset(here)
    assert not forwards(here)
    assert "iort" not in here.run("ip", "link").stdout


def test_the_machine_forwards_for_nobody_else(here: World, tmp_path: Path) -> None:
    drive(here, tmp_path / "state", connect(INTERNET), ending="kill")
    assert forwards(here)
    assert "chain forward" in here.run("nft", "list", "table", "inet", "ioruntime_forwarding").stdout
