"""Section 11: triggers."""

import json

import pytest
from tests.system.openwhisk.conftest import Api, pairs, refused

pytestmark = pytest.mark.timeout(60)


def test_11_documents(api: Api) -> None:
    created = api.put("triggers/t", {"parameters": pairs(a=1), "annotations": pairs(b=2)})
    assert (created["limits"], created["parameters"], created["annotations"]) == ({}, pairs(a=1), pairs(b=2))
    assert "rules" not in api.get("triggers/t")
    api.action("a")
    api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    rule = {"action": {"path": api.namespace, "name": "a"}, "status": "active"}
    assert api.get("triggers/t")["rules"] == {f"{api.namespace}/r": rule}
    assert api.ask("DELETE", "triggers/t").status == 200
    assert api.get("rules/r")["status"] == "inactive"


def test_11_without_an_active_rule_nothing_happens(api: Api) -> None:
    api.put("triggers/t")
    for _ in range(2):
        answer = api.ask("POST", "triggers/t", {"x": 1})
        assert (answer.status, answer.body) == (204, b"")
        api.action("a") if not api.get("actions") else None
        if not api.get("rules"):
            api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
        api.ask("POST", "rules/r", {"status": "inactive"})
    assert api.get("activations") == []


def test_11_firing(api: Api) -> None:
    api.put("triggers/t", {"parameters": pairs(a="trigger", b="trigger")})
    api.action("echo")
    api.action("gone")
    for name, action in (("r", "echo"), ("off", "echo"), ("dangling", "gone")):
        api.put(f"rules/{name}", {"trigger": "/_/t", "action": f"/_/{action}"})
    api.ask("POST", "rules/off", {"status": "inactive"})
    api.ask("DELETE", "actions/gone")
    answer = api.ask("POST", "triggers/t", {"b": "payload"}, headers={"X-Mine": "yes"})
    assert answer.status == 202
    record = api.client.ended(answer.json()["activationId"])
    assert answer.headers["x-openwhisk-activation-id"] == record["activationId"]
    assert (record["name"], record["response"]["result"], record["response"]["success"]) == ("t", {"b": "payload"}, True)
    assert "end" not in record
    assert "duration" not in record
    lines = {line["rule"].partition("/")[2]: line for line in map(json.loads, record["logs"])}
    ns = api.namespace
    inactive = f"Rule '{ns}/off' is inactive, action '{ns}/echo' was not activated."
    off = {"rule": f"{ns}/off", "action": f"{ns}/echo", "statusCode": 1, "success": False, "error": inactive}
    missing = "The requested resource does not exist."
    gone = {"rule": f"{ns}/dangling", "action": f"{ns}/gone", "statusCode": 1, "success": False, "error": missing}
    assert (lines["off"], lines["dangling"]) == (off, gone)
    assert (lines["r"]["statusCode"], lines["r"]["success"]) == (0, True)
    run = api.client.ended(lines["r"]["activationId"])
    got = run["response"]["result"]
    assert (got["a"], got["b"], got["__ow_headers"]["x-mine"]) == ("trigger", "payload", "yes")
    assert "cause" not in run


def test_11_refusals(api: Api) -> None:
    assert refused(api.ask("POST", "triggers/none")) == (404, "The requested resource does not exist.")
    api.put("triggers/t")
    json_type = {"Content-Type": "application/json"}
    assert refused(api.ask("POST", "triggers/t", body=b'{"x":"' + b"y" * 1_048_576 + b'"}', headers=json_type))[0] == 413
    assert refused(api.ask("POST", "triggers/t", body=b"[]", headers=json_type))[0] == 400
