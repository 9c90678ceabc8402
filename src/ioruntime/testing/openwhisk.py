"""The npm package `openwhisk`, driven by a script that makes all of its calls: as a program, and as an action."""

import base64
import io
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from ioruntime.testing import npm
from ioruntime.testing.server import Server, ServerClient

VERSION = "3.21.9"
RUN_TIMEOUT_S = 200.0
ACTION = "calls"
_ZIPPED = b"exports.main = ({ n }) => ({ twice: 2 * n });"
_LIMITS = {"timeout": 200_000, "memory": 512}


class Caller(msgspec.Struct, frozen=True):
    """A namespace for the calls alone, and the key that speaks for it."""

    server: Server
    organization: str
    integration: str
    namespace: str
    key: str

    @property
    def client(self) -> ServerClient:
        return ServerClient.basic(self.server.url, self.key)

    def arguments(self) -> dict[str, str]:
        """What the calls must know beside the options of the client."""
        done = self.server.cli("token", "--org", self.organization, "--int", self.integration, "--json")
        assert done.returncode == 0, done.stderr
        token: str = msgspec.json.decode(done.stdout)["bearer"]
        archive = _zip({"index.js": _ZIPPED})
        return {"token": token, "namespace": self.namespace, "apihost": self.server.url, "zip": archive}


def new_caller(server: Server, organization: str) -> Caller:
    """Make a namespace that nobody else uses."""
    answer = server.operator.request("POST", f"/runtime/admin/namespaces/{organization}/calls")
    assert answer.status == 200, answer.body
    document: dict[str, Any] = answer.json()
    return Caller(server, organization, "calls", document["name"], document["auth"])


def call_from_outside(
    caller: Caller, script: Path, package: Path, environment: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Run the script as a program of this machine and return what it saw.

    Args:
        package: folder of the package, with its dependencies beside it.
    """
    options = {"apihost": caller.server.url, "api_key": caller.key}
    words = [msgspec.json.encode(each).decode() for each in (options, caller.arguments())]
    done = subprocess.run(  # noqa: S603 - a client of ours, with the test's arguments
        [str(npm.node()), str(script), str(package), *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def call_from_inside(caller: Caller, script: Path, package: Path) -> dict[str, Any]:
    """Run the script as an action, which brings the package along, and return what it saw.

    The server's actions must reach the server.
    """
    files = {str(file.relative_to(package.parents[1])): file.read_bytes() for file in package.parent.rglob("*") if file.is_file()}
    code = _zip(files | {"index.js": script.read_bytes()})
    with_key = [{"key": "provide-api-key", "value": True}]
    caller.client.put_action(ACTION, code, limits=_LIMITS, annotations=with_key)
    record = caller.client.ended(caller.client.start(ACTION, caller.arguments()), within_s=RUN_TIMEOUT_S)
    assert record["response"]["success"], record
    return record["response"]["result"]


def _zip(files: Mapping[str, bytes]) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in sorted(files.items()):
            writer.writestr(name, content)
    return base64.b64encode(packed.getvalue()).decode()
