"""Real clients, each with a namespace of its own; where they cannot be fetched, a person's machine skips and CI fails."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing import aio as client
from ioruntime.testing import npm
from ioruntime.testing.aio import Aio
from ioruntime.testing.openwhisk import VERSION as OPENWHISK
from ioruntime.testing.server import Server, ServerClient


class Account(msgspec.Struct, frozen=True):
    """A namespace that nobody else uses."""

    name: str
    auth: str


@pytest.fixture(scope="session")
def fetched() -> None:
    """See that aio is here, before a test's own time begins."""
    _fetch("@adobe/aio-cli", client.VERSION)


@pytest.fixture(scope="session")
def openwhisk_package() -> Path:
    """Folder of the npm package `openwhisk`."""
    return _fetch("openwhisk", OPENWHISK) / "openwhisk"


def _fetch(name: str, version: str) -> Path:
    try:
        return npm.installed(name, version)
    except npm.NpmError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def account(server: Server) -> Account:
    owner = f"org{new_activation_id()[:12]}"
    answer = server.operator.request("POST", f"/runtime/admin/namespaces/{owner}/clients")
    assert answer.status == 200, answer.body
    document: dict[str, Any] = answer.json()
    return Account(document["name"], document["auth"])


@pytest.fixture
def api(server: Server, account: Account) -> ServerClient:
    """What the server itself says of the account's namespace."""
    return ServerClient.basic(server.url, account.auth)


@pytest.fixture
def aio(fetched: None, tmp_path: Path, server: Server, account: Account) -> Aio:
    return Aio.basic(tmp_path, server.url, account.name, account.auth)


@pytest.fixture
def deploying_aio(fetched: None, tmp_path: Path, server: Server, account: Account) -> Aio:
    """Changes things with a bearer token of the built-in issuer."""
    org, _, integration = account.name.rpartition("_")
    done = server.cli("token", "--org", org, "--int", integration, "--json")
    assert done.returncode == 0, done.stderr
    token: str = msgspec.json.decode(done.stdout)["bearer"]
    return Aio.deploying(tmp_path, server.url, account.name, account.auth, token=token)
