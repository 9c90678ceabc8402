"""`aio rt trigger` and `rule`: what fires what, and the feeds that the client creates and deletes along with a trigger."""

import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.server import ServerClient, eventually

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
NAMESPACE = "/api/v1/namespaces/_"


def test_a_trigger_and_its_rule_from_creation_to_end(aio: Aio, api: ServerClient) -> None:
    api.put_action("heard", "main = (params) => params")
    aio("trigger create rain --param litres 5 --annotation why test")
    made = aio.json("trigger get rain")
    assert (made["parameters"], made["limits"]) == ([{"key": "litres", "value": "5"}], {})
    rule = aio.json("rule create whenever rain heard --json")
    namespace = made["namespace"]
    assert (rule["trigger"], rule["action"]) == ({"path": namespace, "name": "rain"}, {"path": namespace, "name": "heard"})
    assert aio.json("rule get whenever")["status"] == "active"
    aio("trigger fire rain --param where garden")
    record = eventually(lambda: _last(api, "heard"), within_s=30)
    assert {key: record["response"]["result"][key] for key in ("litres", "where")} == {"litres": "5", "where": "garden"}
    shown = aio.json("trigger get rain")
    assert shown["rules"][f"{namespace}/whenever"]["status"] == "active"
    aio("rule disable whenever")
    assert aio("rule status whenever").strip() == "inactive"
    assert api.request("POST", f"{NAMESPACE}/triggers/rain").status == 204
    aio("rule enable whenever")
    assert [each["name"] for each in aio.json("rule list --json")] == ["whenever"]
    listed = aio("trigger list")
    assert "rain" in listed
    aio("rule delete whenever")
    aio("trigger delete rain")
    assert api.request("GET", f"{NAMESPACE}/triggers").json() == []
    assert api.request("GET", f"{NAMESPACE}/rules").json() == []


def _last(api: ServerClient, name: str) -> dict[str, dict[str, dict[str, object]]] | None:
    records = api.request("GET", f"{NAMESPACE}/activations?name={name}&docs=true&limit=1").json()
    return records[0] if records else None


def test_refused_rules(aio: Aio) -> None:
    aio("trigger create lonely")
    assert "does not exist" in aio.refused("rule create broken lonely nothing")
    assert "404 Not Found" in aio.refused("trigger fire nothing")
    assert "409 Conflict" in aio.refused("trigger create lonely")


def test_an_alarm(aio: Aio, api: ServerClient) -> None:
    api.put_action("ring", "main = (params) => params")
    aio(
        "trigger create minutely --feed /whisk.system/alarms/alarm --param cron '*/1 * * * * *' --param trigger_payload",
        '{"tick": true}',
    )
    aio("rule create ringing minutely ring")
    assert eventually(lambda: _last(api, "ring"), within_s=30)["response"]["result"]["tick"] is True
    feed = {each["key"]: each["value"] for each in aio.json("trigger get minutely")["annotations"]}["feed"]
    assert feed == "/whisk.system/alarms/alarm"
    aio("trigger delete minutely")
    assert api.request("GET", f"{NAMESPACE}/triggers/minutely").status == 404


def test_a_feed_that_refuses_leaves_no_trigger(aio: Aio, api: ServerClient) -> None:
    aio.refused("trigger create never --feed /whisk.system/alarms/alarm --param cron nonsense")
    assert api.request("GET", f"{NAMESPACE}/triggers/never").status == 404
