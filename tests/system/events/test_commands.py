"""`ioruntime event`, word by word, and the tutorial as it is written."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing.server import Server, eventually, run_cli

pytestmark = pytest.mark.timeout(240)
ROOT = Path(__file__).parents[3]
TUTORIAL = ROOT / "docs" / "tutorial" / "events.md"


class Typist:
    """Types commands."""

    def __init__(self, server: Server) -> None:
        self.environment = {"IORUNTIME_DATA_DIR": str(server.data_dir)}

    def __call__(self, *words: str, code: int = 0) -> str:
        done = run_cli("event", *words, environment=self.environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *words: str) -> Any:
        return msgspec.json.decode(self(*words, "--json"))


@pytest.fixture
def event(server: Server) -> Typist:
    server.guest.put_action("typed", "const main = ({data}) => data.fails ? {statusCode: 400} : {}", overwrite=True)
    return Typist(server)


def test_a_registration_from_creation_to_end(event: Typist) -> None:
    id_ = event.json("registration", "create", "typed", "typist", "hit", "miss", "--action", "typed")["registration_id"]
    assert id_ in event("registration", "list")
    assert "on its way" in event("publish", "typist", "hit", '{"n": 1}')
    assert "Nobody" in event("publish", "typist", "nothing")
    eventually(lambda: " 200 " in event("trace", id_) or None, within_s=60)
    assert '"n":1' in event("journal", id_)
    event("publish", "typist", "miss", '{"fails": true}', "--id", "mine")
    eventually(lambda: len(event("dead", id_).splitlines()) == 2 or None, within_s=60)
    assert "0 events" in event("replay", id_, "--to", "2020-01-01T00:00:00Z")
    assert "1 events" in event("replay", id_, "--from", "2020-01-01T00:00:00Z")
    assert event.json("registration", "disable", id_)["integration_status"] == "DISABLED"
    assert event.json("registration", "enable", id_)["integration_status"] == "ENABLED"
    assert "typed" in event("registration", "get", id_)
    event("registration", "delete", id_)
    assert "does not exist" in event("registration", "get", id_, code=1)


def test_a_provider(event: Typist) -> None:
    id_ = event.json("provider", "create", "Typists", "--event", "a", "--event", "b")["id"]
    assert "a, b" in event("provider", "list")
    event("provider", "delete", id_)
    assert id_ not in event("provider", "list")


def test_what_cannot_be_meant(event: Typist, tmp_path: Path) -> None:
    assert "no JSON" in event("publish", "a", "b", "{", code=2)
    assert "not both" in event("registration", "create", "xyz", "a", "b", "--action", "c", "--webhook", "d", code=2)
    assert "cannot be read" in event("trace", "x", "--credentials", str(tmp_path / "none"), code=1)


def test_the_tutorial_does_what_it_says(server: Server, tmp_path: Path) -> None:
    script = "set -eu\n" + "".join(re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / ".ioruntime").symlink_to(server.data_dir)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"article":"coffee"' in done.stdout
    assert "sold, returned" in done.stdout
