"""`aio rt activation`: records, results and logs, by id, by action and the last."""

import re

import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.server import ServerClient

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
LOUD = "function main({ n }) { for (let i = 0; i < n; i++) console.log(`line ${i}`); console.error('done'); return { n } }"


@pytest.fixture
def activation_id(aio: Aio, api: ServerClient) -> str:
    """Of an action that said three lines and `done`, the last one that ran."""
    api.put_action("quiet", "main = () => ({})")
    api.put_action("loud", LOUD)
    api.invoke("quiet")
    return api.invoke("loud", {"n": 3}).json()["activationId"]


def test_records_and_results(aio: Aio, activation_id: str) -> None:
    record = aio.json(f"activation get {activation_id}")
    assert (record["activationId"], record["response"]["result"]) == (activation_id, {"n": 3})
    assert aio.json("activation get --last")["activationId"] == activation_id
    assert aio.json(f"activation result {activation_id}")["result"] == {"n": 3}
    assert aio.json("activation result --last")["success"] is True
    assert "404 Not Found" in aio.refused(f"activation get {'0' * 32}")


def test_lists(aio: Aio, activation_id: str) -> None:
    assert [each["name"] for each in aio.json("activation list --json")] == ["loud", "quiet"]
    assert [each["activationId"] for each in aio.json("activation list loud --json")] == [activation_id]
    assert [each["name"] for each in aio.json("activation list --limit 1 --skip 1 --json")] == ["quiet"]
    table = aio("activation list")
    assert activation_id in table
    assert "success" in table
    assert aio.json("activation list --count --json")["activations"] == 2


@pytest.mark.parametrize("which", ["{}", "--last", "--action loud"])
def test_logs(aio: Aio, activation_id: str, which: str) -> None:
    lines = [line for line in aio(f"activation logs {which.format(activation_id)}").splitlines() if "std" in line]
    told = [re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +(stdout|stderr): (.*)", line) for line in lines]
    assert [match and match.groups() for match in told] == [*(("stdout", f"line {i}") for i in range(3)), ("stderr", "done")]


def test_logs_without_their_times(aio: Aio, activation_id: str) -> None:
    printed = aio(f"activation logs {activation_id} --strip").splitlines()
    assert printed[-4:] == ["line 0", "line 1", "line 2", "done"]
