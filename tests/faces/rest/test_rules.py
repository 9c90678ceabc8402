"""Rules over HTTP: documents, what they may tie together, status, merges, lists and rights."""

from typing import Any

import msgspec
import pytest

from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

NS = "/api/v1/namespaces/_"
R = f"{NS}/rules/r"
NODE = {"exec": {"kind": "nodejs:24", "code": "code"}}
ENDS = {"trigger": "/_/t", "action": "/_/a"}
CONFORMANCE = "Resource by this name exists but is not in this collection."
INCOMPLETE = "rule requires a valid trigger and a valid action"
TOO_SHORT = "The fully qualified name of the entity must contain at least the namespace and the name of the entity."


@pytest.fixture
async def ready(client: AsgiClient) -> AsgiClient:
    """The guest with an action, a packaged one, two triggers and the rule `r`."""
    await client.request("PUT", f"{NS}/packages/p", json={})
    for path, body in (("actions/a", NODE), ("actions/p/b", NODE), ("triggers/t", {}), ("triggers/u", {}), ("rules/r", ENDS)):
        answer = await client.request("PUT", f"{NS}/{path}", json=body)
        assert answer.status == 200, answer.body
    return client


async def status_of(client: AsgiClient) -> str:
    return (await client.request("GET", R)).json()["status"]


async def test_a_new_rule_is_active(ready: AsgiClient) -> None:
    document = (await ready.request("GET", R)).json()
    assert document.pop("updated") > 0
    assert document == {
        "namespace": "guest",
        "name": "r",
        "version": "0.0.1",
        "publish": False,
        "annotations": [],
        "trigger": {"path": "guest", "name": "t"},
        "action": {"path": "guest", "name": "a"},
        "status": "active",
    }


@pytest.mark.parametrize("name", ["/_/p/b", "guest/p/b", "/guest/p/b"])
async def test_a_packaged_action_has_the_package_in_its_path(ready: AsgiClient, name: str) -> None:
    answer = await ready.request("PUT", f"{NS}/rules/s", json={"trigger": "_/t", "action": name, "status": ""})
    assert answer.json()["action"] == {"path": "guest/p", "name": "b"}


async def test_an_update_keeps_what_it_does_not_name_and_the_status(ready: AsgiClient) -> None:
    await ready.request("POST", R, json={"status": "inactive"})
    body = {"trigger": "/_/u", "annotations": [{"key": "k", "value": 1}], "status": "active"}
    document = (await ready.request("PUT", f"{R}?overwrite=true", json=body)).json()
    assert (document["version"], document["status"], document["annotations"]) == ("0.0.2", "inactive", body["annotations"])
    assert (document["trigger"]["name"], document["action"]["name"]) == ("u", "a")
    assert "rules" not in (await ready.request("GET", f"{NS}/triggers/t")).json()
    assert set((await ready.request("GET", f"{NS}/triggers/u")).json()["rules"]) == {"guest/r"}


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        pytest.param({}, 400, INCOMPLETE, id="nothing"),
        pytest.param({"trigger": "/_/t"}, 400, INCOMPLETE, id="no action"),
        pytest.param({"action": "/_/a"}, 400, INCOMPLETE, id="no trigger"),
        pytest.param(ENDS | {"trigger": "t"}, 400, f"The request content was malformed:\n{TOO_SHORT}", id="bare trigger"),
        pytest.param(ENDS | {"action": "a"}, 400, f"The request content was malformed:\n{TOO_SHORT}", id="bare action"),
        pytest.param(ENDS | {"trigger": 1}, 400, None, id="trigger that is no text"),
        pytest.param(ENDS | {"trigger": "/_/x"}, 400, "trigger /guest/x does not exist", id="lost trigger"),
        pytest.param(ENDS | {"action": "/_/x"}, 400, "action /guest/x does not exist", id="lost action"),
        pytest.param(ENDS | {"action": "/_/no/x"}, 400, "action /guest/no/x does not exist", id="lost package"),
        pytest.param(ENDS | {"trigger": "/_/a"}, 409, CONFORMANCE, id="an action as trigger"),
        pytest.param(ENDS | {"action": "/_/t"}, 409, CONFORMANCE, id="a trigger as action"),
        pytest.param(
            ENDS | {"action": "/other/x"},
            403,
            "The supplied authentication is not authorized to access 'other/x'.",
            id="another's action",
        ),
        pytest.param(
            ENDS | {"trigger": "/other/x"},
            403,
            "The supplied authentication is not authorized to access 'other/x'.",
            id="another's trigger",
        ),
        pytest.param(ENDS | {"annotations": [{"key": "k", "value": "x" * 600}]}, 413, None, id="large annotations"),
        pytest.param(ENDS | {"version": "0.0.0"}, 400, None, id="bad version"),
    ],
)
async def test_what_a_rule_cannot_be_made_of(ready: AsgiClient, body: Any, status: int, text: str | None) -> None:
    answer = await ready.request("PUT", f"{NS}/rules/s", json=body)
    assert answer.status == status, answer.body
    assert text is None or answer.json()["error"] == text


async def test_an_action_of_a_published_package_may_be_anothers(ready: AsgiClient, stranger: AsgiClient) -> None:
    await stranger.request("PUT", f"{NS}/packages/open", json={"publish": True})
    await stranger.request("PUT", f"{NS}/actions/open/x", json=NODE)
    answer = await ready.request("PUT", f"{NS}/rules/s", json=ENDS | {"action": "/other/open/x"})
    assert (answer.status, answer.json()["action"]) == (200, {"path": "other/open", "name": "x"})


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "text"),
    [
        pytest.param("PUT", R, ENDS, 409, "resource already exists", id="create what is there"),
        pytest.param("PUT", f"{NS}/rules/t?overwrite=true", ENDS, 409, CONFORMANCE, id="a trigger's name"),
        pytest.param("GET", f"{NS}/rules/a", None, 409, CONFORMANCE, id="an action is no rule"),
        pytest.param("DELETE", f"{NS}/rules/t", None, 409, CONFORMANCE, id="a trigger is no rule"),
        pytest.param("PUT", f"{NS}/triggers/r", {}, 409, CONFORMANCE, id="a trigger with a rule's name"),
        pytest.param("GET", f"{NS}/rules/x", None, 404, "The requested resource does not exist.", id="unknown"),
        pytest.param("POST", f"{NS}/rules/x", {"status": "active"}, 404, "The requested resource does not exist.", id="no rule"),
        pytest.param("POST", R, {"status": "on"}, 400, None, id="unknown status"),
        pytest.param("POST", R, {}, 400, None, id="no status"),
        pytest.param(
            "POST", R, None, 400, "The request content was malformed:\nThe status of the rule is missing.", id="no body"
        ),
        pytest.param("POST", f"{NS}/rules", {}, 405, "HTTP method not allowed, supported methods: GET", id="POST of the list"),
    ],
)
async def test_refusals(ready: AsgiClient, method: str, target: str, body: Any, status: int, text: str | None) -> None:
    answer = await ready.request(method, target, json=msgspec.UNSET if body is None else body)
    assert answer.status == status, answer.body
    assert text is None or answer.json()["error"] == text


async def test_switching_is_no_new_version(ready: AsgiClient) -> None:
    before = (await ready.request("GET", R)).json()
    for status in ("inactive", "inactive", "active", "active"):
        answer = await ready.request("POST", R, json={"status": status})
        assert (answer.status, answer.body) == (200, b"")
        assert await status_of(ready) == status
    assert (await ready.request("GET", R)).json() == before


async def test_a_rule_without_trigger_is_inactive(ready: AsgiClient) -> None:
    await ready.request("DELETE", f"{NS}/triggers/t")
    assert await status_of(ready) == "inactive"
    refused = await ready.request("POST", R, json={"status": "active"})
    assert (refused.status, refused.json()["error"]) == (404, "Only rules with existing triggers can be activated")
    assert (await ready.request("POST", R, json={"status": "inactive"})).status == 200
    refused = await ready.request("PUT", f"{R}?overwrite=true", json={})
    assert (refused.status, refused.json()["error"]) == (400, "trigger /guest/t does not exist")
    moved = await ready.request("PUT", f"{R}?overwrite=true", json={"trigger": "/_/u"})
    assert moved.json()["status"] == "inactive"


async def test_a_deleted_rule_is_shown_inactive(ready: AsgiClient) -> None:
    answer = await ready.request("DELETE", R)
    assert (answer.status, answer.json()["status"]) == (200, "inactive")
    assert (await ready.request("GET", R)).status == 404


async def test_rows_of_a_list_have_no_status(ready: AsgiClient) -> None:
    await ready.request("PUT", f"{NS}/rules/s", json=ENDS)
    rows = (await ready.request("GET", f"{NS}/rules")).json()
    assert [row["name"] for row in rows] == ["s", "r"]
    assert set(rows[0]) == {"namespace", "name", "version", "publish", "annotations", "trigger", "action", "updated"}
    assert (await ready.request("GET", f"{NS}/rules?count=true")).json() == {"rules": 2}


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_others_have_no_rights(ready: AsgiClient, stranger: AsgiClient, method: str) -> None:
    answer = await stranger.request(method, "/api/v1/namespaces/guest/rules/r", json=ENDS)
    error = "The supplied authentication is not authorized to access 'guest/r'."
    assert (answer.status, answer.json()["error"]) == (403, error)
