"""Section 12: rules."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api, pairs, refused

pytestmark = pytest.mark.timeout(60)
RULE = {"trigger": "/_/t", "action": "/_/a"}


@pytest.fixture
def ready(api: Api) -> Api:
    """A namespace with the trigger `t` and the action `a`."""
    api.put("triggers/t")
    api.action("a")
    return api


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        pytest.param({"trigger": "/_/t"}, 400, "rule requires a valid trigger and a valid action", id="12 no action"),
        pytest.param({"action": "/_/a"}, 400, "rule requires a valid trigger and a valid action", id="12 no trigger"),
        pytest.param(RULE | {"trigger": "/_/none"}, 400, "trigger /{ns}/none does not exist", id="12 trigger missing"),
        pytest.param(RULE | {"action": "/_/none"}, 400, "action /{ns}/none does not exist", id="12 action missing"),
        pytest.param(RULE | {"action": "/whisk.system/none"}, 403, None, id="12 foreign"),
        pytest.param(RULE | {"action": "a"}, 400, None, id="12 bare name"),
    ],
)
def test_12_refusals(ready: Api, body: Any, status: int, text: str | None) -> None:
    answer = refused(ready.ask("PUT", "rules/r", body))
    assert answer[0] == status
    assert text is None or answer[1] in {text.format(ns=ready.namespace), text.format(ns="_")}


def test_12_documents(ready: Api) -> None:
    created = ready.put("rules/r", RULE | {"annotations": pairs(x=1)})
    fields = {"namespace", "name", "version", "publish", "annotations", "trigger", "action", "status", "updated"}
    assert created.keys() == fields
    assert created["trigger"] == {"path": ready.namespace, "name": "t"}
    assert created["action"] == {"path": ready.namespace, "name": "a"}
    assert (created["status"], ready.get("rules/r")) == ("active", created)


def test_12_status(ready: Api) -> None:
    ready.put("rules/r", RULE)
    for status in ("inactive", "inactive", "active", "active"):
        answer = ready.ask("POST", "rules/r", {"status": status})
        assert (answer.status, answer.body) == (200, b"")
        assert ready.get("rules/r")["status"] == status
    for wrong in ({"status": "on"}, {}, None):
        assert refused(ready.ask("POST", "rules/r", wrong))[0] == 400
    ready.ask("POST", "rules/r", {"status": "inactive"})
    assert ready.put("rules/r", {"annotations": pairs(x=1)}, overwrite=True)["status"] == "inactive"


def test_12_a_rule_moves_to_another_trigger(ready: Api) -> None:
    ready.put("triggers/u")
    ready.put("rules/r", RULE)
    assert ready.put("rules/r", {"trigger": "/_/u"}, overwrite=True)["action"]["name"] == "a"
    assert "rules" not in ready.get("triggers/t")
    assert list(ready.get("triggers/u")["rules"]) == [f"{ready.namespace}/r"]


def test_12_without_its_trigger(ready: Api) -> None:
    ready.put("rules/r", RULE)
    ready.ask("DELETE", "triggers/t")
    assert ready.get("rules/r")["status"] == "inactive"
    text = "Only rules with existing triggers can be activated"
    assert refused(ready.ask("POST", "rules/r", {"status": "active"})) == (404, text)
    assert ready.ask("POST", "rules/r", {"status": "inactive"}).status == 200


def test_12_deleting(ready: Api) -> None:
    ready.put("rules/r", RULE)
    answer = ready.ask("DELETE", "rules/r")
    assert (answer.status, answer.json()["status"]) == (200, "inactive")
    assert "rules" not in ready.get("triggers/t")
