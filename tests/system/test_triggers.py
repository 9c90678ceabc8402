"""Triggers fired by clients and by the clock, with real actions, a real store, and `kill -9` in between."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing.server import ServerClient, eventually, running_server

pytestmark = pytest.mark.timeout(60)  # each start is a process

NS = "/api/v1/namespaces/_"
ALARMS = "/api/v1/namespaces/whisk.system/actions/alarms"
ECHO = "const main = (args) => args"


def tie(client: ServerClient) -> None:
    """Make the trigger `t` with a rule to the action `echo`."""
    client.put_action("echo", ECHO)
    for path, body in (
        ("triggers/t", {"parameters": [{"key": "p", "value": 1}]}),
        ("rules/r", {"trigger": "/_/t", "action": "/_/echo"}),
    ):
        answer = client.request("PUT", f"{NS}/{path}", body)
        assert answer.status == 200, answer.body


def feed(client: ServerClient, name: str, event: str, **parameters: Any) -> Any:
    """Invoke a feed action for the trigger `t` as clients do."""
    body = {"lifecycleEvent": event, "triggerName": "/_/t", "authKey": "a:b"} | parameters
    return client.request("POST", f"{ALARMS}/{name}?blocking=true&result=true", body)


def runs(client: ServerClient) -> list[Any]:
    return client.request("GET", f"{NS}/activations?name=echo&docs=true").json()


def test_firing_runs_the_action(space: ServerClient) -> None:
    tie(space)
    fired = space.request("POST", f"{NS}/triggers/t", {"q": 2})
    assert fired.status == 202
    record = space.record(fired.json()["activationId"])
    line = msgspec.json.decode(record["logs"][0])
    result = space.ended(line["activationId"])["response"]["result"]
    assert (result["p"], result["q"]) == (1, 2)


def test_a_date_comes(space: ServerClient) -> None:
    tie(space)
    created = feed(space, "once", "CREATE", date=(time.time() + 1) * 1000, trigger_payload="hello", deleteAfterFire="true")
    assert (created.status, created.json()) == (200, {"status": "success"})
    (record,) = eventually(lambda: runs(space) or None, within_s=10)
    assert record["response"]["result"]["payload"] == "hello"
    eventually(lambda: space.request("GET", f"{NS}/triggers/t").status == 404, within_s=5)


def test_a_wrong_schedule_is_an_application_error(space: ServerClient) -> None:
    tie(space)
    refused = feed(space, "alarm", "CREATE", cron="61 * * * *")
    assert (refused.status, refused.json()) == (502, {"error": "cron pattern '61 * * * *' is not valid"})


def test_schedules_survive_a_kill_and_fire_once(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        tie(server.guest)
        assert feed(server.guest, "once", "CREATE", date=(time.time() + 2) * 1000).status == 200
        server.kill()
    with running_server(tmp_path / "data") as server:
        eventually(lambda: runs(server.guest) or None, within_s=15)
        server.kill()
    with running_server(tmp_path / "data") as server:
        assert feed(server.guest, "once", "READ").json()["status"]["active"] is False
        assert len(runs(server.guest)) == 1
