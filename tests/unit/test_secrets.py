"""The file of keys: made, read, added to, and refused."""

import base64
import json
import os
from pathlib import Path

import pytest

from ioruntime.app.secrets import add_key, build_sealer, keys_file, read_keys
from ioruntime.app.settings import SecretsSettings, SettingsError
from ioruntime.cli.main import main

KEY = base64.b64encode(b"k" * 32).decode()


def test_the_first_start_makes_a_key_for_its_owners_eyes_only(tmp_path: Path) -> None:
    build_sealer(SecretsSettings(), tmp_path)
    file = keys_file(SecretsSettings(), tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(read_keys(file)) == 1


def test_the_next_start_uses_the_same_key(tmp_path: Path) -> None:
    sealed = build_sealer(SecretsSettings(), tmp_path).seal(b"{}", place="a")
    assert build_sealer(SecretsSettings(), tmp_path).open(sealed, place="a") == b"{}"


def test_switched_off_nothing_is_made_and_what_is_sealed_can_be_read(tmp_path: Path) -> None:
    off = SecretsSettings(encrypt=False)
    assert build_sealer(off, tmp_path).seal(b"{}", place="a") == b"{}"
    assert list(tmp_path.iterdir()) == []
    sealed = build_sealer(SecretsSettings(), tmp_path).seal(b"{}", place="a")
    assert build_sealer(off, tmp_path).open(sealed, place="a") == b"{}"


def test_a_new_key_is_the_last_and_the_old_ones_stay(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    first, second = add_key(file), add_key(file)
    assert list(read_keys(file)) == [first, second]


def test_a_file_that_the_settings_name_is_not_made_by_itself(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="secrets rotate"):
        build_sealer(SecretsSettings(key_file=tmp_path / "elsewhere"), tmp_path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("", "at least one", id="empty"),
        pytest.param("a AAAA\n", "line 1", id="too short"),
        pytest.param(f"a {KEY}\nb !!!\n", "line 2", id="no base64"),
        pytest.param(f"a {KEY}\na {KEY}\n", "none twice", id="an id twice"),
        pytest.param(f"ä {KEY}\n", "line 1", id="an id beyond ASCII"),
        pytest.param("a\n", "line 1", id="no key"),
    ],
)
def test_what_is_no_file_of_keys_is_refused(tmp_path: Path, content: str, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(SettingsError, match=text):
        read_keys(file)


def test_the_command_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in os.environ if name.startswith("IORUNTIME_")]:
        monkeypatch.delenv(name)
    assert main(("secrets", "rotate", "--json", "--data-dir", str(tmp_path))) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"key": read_keys(tmp_path / "secrets.keys")[-1].id, "documents": 0}
    monkeypatch.setenv("IORUNTIME_SECRETS__ENCRYPT", "false")
    assert main(("secrets", "rotate", "--data-dir", str(tmp_path))) == 1
    assert "secrets.encrypt is false" in capsys.readouterr().err
