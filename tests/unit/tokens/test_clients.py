"""Client credentials in a file."""

import stat
from pathlib import Path

import pytest

from ioruntime.model.errors import AlreadyExistsError, CorruptError, InvalidCredentialsError, InvalidError
from ioruntime.tokens.clients import CLIENTS_FILE, ClientRegistry

pytestmark = pytest.mark.anyio


async def test_client_proves_itself_with_its_secret(tmp_path: Path) -> None:
    client, secret = ClientRegistry(tmp_path).create(org="acme", integration="42", scopes=["admin"])
    found = await ClientRegistry(tmp_path).authenticate(client.client_id, secret)
    assert found == client
    assert (found.org_id, found.int_id, found.scopes) == ("acme", "42", frozenset({"admin"}))


async def test_wrong_credentials_are_refused(tmp_path: Path) -> None:
    registry = ClientRegistry(tmp_path)
    client, secret = registry.create(org="acme", integration="42")
    other, _ = registry.create(org="globex", integration="1")
    for client_id, given in [
        (client.client_id, ""),
        (client.client_id, secret[:-1]),
        (other.client_id, secret),
        ("", ""),
        ("x", secret),
    ]:
        with pytest.raises(InvalidCredentialsError):
            await registry.authenticate(client_id, given)


async def test_nobody_is_known_before_the_first_client(tmp_path: Path) -> None:
    with pytest.raises(InvalidCredentialsError):
        await ClientRegistry(tmp_path / "new").authenticate("", "")
    assert ClientRegistry(tmp_path / "new").of_owner("acme", "42") is None


def test_file_is_private_and_tells_no_secret(tmp_path: Path) -> None:
    _, secret = ClientRegistry(tmp_path).create(org="acme", integration="42", client_id="build")
    file = tmp_path / CLIENTS_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in file.read_text()


def test_id_is_taken_once(tmp_path: Path) -> None:
    registry = ClientRegistry(tmp_path)
    registry.create(org="acme", integration="42", client_id="build")
    with pytest.raises(AlreadyExistsError):
        registry.create(org="globex", integration="1", client_id="build")
    found = registry.of_owner("acme", "42")
    assert found is not None
    assert found.client_id == "build"
    assert registry.of_owner("globex", "1") is None


async def test_file_that_is_no_list_is_named(tmp_path: Path) -> None:
    (tmp_path / CLIENTS_FILE).write_text("{")
    with pytest.raises(InvalidError, match=CLIENTS_FILE):
        ClientRegistry(tmp_path).create(org="acme", integration="42")
    with pytest.raises(CorruptError):
        await ClientRegistry(tmp_path).authenticate("a", "b")
