"""Which of several sources a command believes."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ioruntime.client.credentials import DEFAULT_HOST, Found, find
from ioruntime.model.errors import InvalidError, UnauthenticatedError

NO_FLAGS = Found("--auth")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a server's data in it, in a home with properties of wsk."""
    (tmp_path / ".wskprops").write_text("# of wsk\nAPIHOST=wsk.example.com\nAUTH=wsk:key\nNAMESPACE=_\n")
    data = tmp_path / "project" / ".ioruntime"
    data.mkdir(parents=True)
    (data / "credentials.json").write_text(json.dumps({"apihost": "http://127.0.0.1:4000", "auth": "server:key"}))
    return data.parent


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        pytest.param(NO_FLAGS, {}, ("http://127.0.0.1:4000", "server:key"), id="the server of the folder before the home"),
        pytest.param(
            NO_FLAGS, {"AIO_runtime_auth": "aio:key"}, ("http://127.0.0.1:4000", "aio:key"), id="host and key apart, in any case"
        ),
        pytest.param(
            NO_FLAGS,
            {"AIO_RUNTIME_AUTH": "aio:key", "IORUNTIME_AUTH": "own:key", "IORUNTIME_APIHOST": "example.com"},
            ("https://example.com", "own:key"),
            id="our variables before those of aio",
        ),
        pytest.param(
            Found("--auth", "localhost:5000", "flag:key"),
            {"IORUNTIME_AUTH": "own:key"},
            ("http://localhost:5000", "flag:key"),
            id="the command line before all",
        ),
        pytest.param(NO_FLAGS, {"IORUNTIME_AUTH": ""}, ("http://127.0.0.1:4000", "server:key"), id="empty is not set"),
    ],
)
def test_the_nearest_source_wins(folder: Path, flags: Found, environ: Mapping[str, str], expected: tuple[str, str]) -> None:
    found = find(flags, {"HOME": str(folder.parent), **environ}, folder)
    assert (found.url, found.auth) == expected


def test_the_folders_env_file_comes_before_its_server(folder: Path) -> None:
    (folder / ".env").write_text("export AIO_RUNTIME_AUTH='env:key'\nAIO_RUNTIME_APIHOST=\"env.example.com\"\nrest\n")
    found = find(NO_FLAGS, {}, folder)
    assert (found.url, found.auth, found.source) == ("https://env.example.com", "env:key", str(folder / ".env"))


def test_a_named_data_directory_comes_before_the_environment(folder: Path) -> None:
    found = find(NO_FLAGS, {"IORUNTIME_AUTH": "own:key"}, folder.parent, folder / ".ioruntime")
    assert found.auth == "server:key"


def test_the_home_is_asked_last(folder: Path) -> None:
    found = find(NO_FLAGS, {"HOME": str(folder.parent)}, folder.parent)
    assert (found.url, found.auth) == ("https://wsk.example.com", "wsk:key")


def test_a_key_alone_speaks_to_this_machine(tmp_path: Path) -> None:
    assert find(NO_FLAGS, {"IORUNTIME_AUTH": "own:key"}, tmp_path).url == DEFAULT_HOST


def test_no_key_says_where_one_comes_from(tmp_path: Path) -> None:
    with pytest.raises(UnauthenticatedError, match="ioruntime serve"):
        find(NO_FLAGS, {}, tmp_path)


@pytest.mark.parametrize("auth", ["nokey", ":key", "name:", "nämé:key"])
def test_what_is_no_key_is_not_sent(tmp_path: Path, auth: str) -> None:
    with pytest.raises(InvalidError, match="IORUNTIME_AUTH of the environment"):
        find(NO_FLAGS, {"IORUNTIME_AUTH": auth}, tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(InvalidError, match=r"credentials\.json cannot be read"):
        find(NO_FLAGS, {}, tmp_path, tmp_path)
