"""Triggers over HTTP: documents, merges, lists, rights, and what firing one answers and records."""

import asyncio
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.model.activation import Activation
from ioruntime.model.limits import Limits
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.invoker import FakeInvoker, echo

pytestmark = pytest.mark.anyio

NS = "/api/v1/namespaces/_"
T = f"{NS}/triggers/t"
NODE = {"exec": {"kind": "nodejs:24", "code": "code"}}
CONFORMANCE = "Resource by this name exists but is not in this collection."


@pytest.fixture
def limits() -> Limits:
    return Limits(invocations_per_minute=3, concurrent_invocations=5, fires_per_minute=4, parameters_bytes=500, payload_bytes=500)


async def made(client: AsgiClient, *rules: str) -> None:
    """Make the trigger `t` and rules that tie it to the action `a`."""
    await client.request("PUT", f"{NS}/actions/a", json=NODE)
    await client.request("PUT", T, json={"parameters": [{"key": "p", "value": 1}, {"key": "q", "value": 2}]})
    for rule in rules:
        answer = await client.request("PUT", f"{NS}/rules/{rule}", json={"trigger": "/_/t", "action": "/_/a"})
        assert answer.status == 200, answer.body


async def record_of(client: AsgiClient, fired: AsgiResponse) -> dict[str, Any]:
    assert fired.status == 202, fired.body
    activation_id = fired.json()["activationId"]
    assert fired.headers["x-openwhisk-activation-id"] == activation_id
    return (await client.request("GET", f"{NS}/activations/{activation_id}")).json()


async def test_a_new_trigger(client: AsgiClient) -> None:
    body = {"annotations": [{"key": "a", "value": 1}], "parameters": [{"key": "p", "value": [1]}], "feed": "/whisk.system/x/y"}
    answer = await client.request("PUT", T, json=body)
    document = answer.json()
    assert (answer.status, document.pop("updated") > 0) == (200, True)
    assert document == {
        "namespace": "guest",
        "name": "t",
        "version": "0.0.1",
        "publish": False,
        "annotations": [{"key": "a", "value": 1}],
        "parameters": [{"key": "p", "value": [1]}],
        "limits": {},
    }


async def test_an_update_keeps_what_it_does_not_name(client: AsgiClient) -> None:
    await client.request("PUT", T, json={"annotations": [{"key": "a", "value": 1}], "parameters": [{"key": "p", "value": 1}]})
    updated = await client.request("PUT", f"{T}?overwrite=true", json={"parameters": [{"key": "q", "value": 2}], "publish": True})
    document = updated.json()
    assert document["parameters"] == [{"key": "q", "value": 2}]
    assert document["annotations"] == [{"key": "a", "value": 1}]
    assert (document["version"], document["publish"]) == ("0.0.2", True)


async def test_rules_show_with_their_trigger(client: AsgiClient) -> None:
    await made(client, "r", "s")
    await client.request("POST", f"{NS}/rules/s", json={"status": "inactive"})
    action = {"path": "guest", "name": "a"}
    expected = {"guest/r": {"action": action, "status": "active"}, "guest/s": {"action": action, "status": "inactive"}}
    assert (await client.request("GET", T)).json()["rules"] == expected
    await client.request("DELETE", f"{NS}/rules/r")
    assert set((await client.request("GET", T)).json()["rules"]) == {"guest/s"}


async def test_a_list_has_rows_without_parameters_and_rules(client: AsgiClient) -> None:
    await made(client, "r")
    await client.request("PUT", f"{NS}/triggers/u", json={})
    rows = (await client.request("GET", f"{NS}/triggers?limit=5")).json()
    assert [row["name"] for row in rows] == ["u", "t"]
    assert set(rows[1]) == {"namespace", "name", "version", "publish", "annotations", "updated"}
    assert (await client.request("GET", f"{NS}/triggers?count=true&skip=1")).json() == {"triggers": 1}


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "text"),
    [
        pytest.param("GET", f"{NS}/triggers/no", None, 404, "The requested resource does not exist.", id="unknown"),
        pytest.param("POST", f"{NS}/triggers/no", {}, 404, "The requested resource does not exist.", id="fire unknown"),
        pytest.param("DELETE", f"{NS}/triggers/no", None, 404, "The requested resource does not exist.", id="delete unknown"),
        pytest.param("PUT", T, {}, 409, "resource already exists", id="create what is there"),
        pytest.param("PUT", f"{NS}/triggers/a?overwrite=true", {}, 409, CONFORMANCE, id="an action's name"),
        pytest.param("GET", f"{NS}/triggers/r", None, 409, CONFORMANCE, id="a rule is no trigger"),
        pytest.param("POST", f"{NS}/triggers/a", {}, 409, CONFORMANCE, id="fire an action"),
        pytest.param("DELETE", f"{NS}/triggers/a", None, 409, CONFORMANCE, id="delete an action as a trigger"),
        pytest.param("PUT", f"{NS}/actions/t", NODE, 409, CONFORMANCE, id="an action with a trigger's name"),
        pytest.param("GET", f"{NS}/packages/t", None, 409, CONFORMANCE, id="a trigger is no package"),
        pytest.param("PUT", f"{NS}/triggers/x", {"version": "x"}, 400, None, id="bad version"),
        pytest.param("PUT", f"{NS}/triggers/x", {"parameters": {}}, 400, None, id="parameters that are no list"),
        pytest.param("PUT", f"{NS}/triggers/!", {}, 400, "The name of the entity contains illegal characters.", id="bad name"),
        pytest.param(
            "PUT", f"{NS}/triggers/x", {"parameters": [{"key": "k", "value": "x" * 600}]}, 413, None, id="large parameters"
        ),
        pytest.param("POST", T, {"k": "x" * 600}, 413, None, id="large payload"),
        pytest.param("POST", T, [1], 400, None, id="payload that is no object"),
    ],
)
async def test_refusals(client: AsgiClient, method: str, target: str, body: Any, status: int, text: str | None) -> None:
    await made(client, "r")
    answer = await client.request(method, target, json=msgspec.UNSET if body is None else body)
    assert answer.status == status, answer.body
    assert text is None or answer.json()["error"] == text


@pytest.mark.parametrize(
    ("feed", "status"),
    [
        pytest.param("/whisk.system/alarms/alarm", 200, id="full name"),
        pytest.param("mine", 200, id="bare name"),
        pytest.param(True, 400, id="no text"),
        pytest.param("", 400, id="empty"),
        pytest.param("/ns/p/a/more", 400, id="too many parts"),
        pytest.param("/ns//a", 400, id="an empty part"),
    ],
)
async def test_the_feed_annotation_is_a_name(client: AsgiClient, feed: Any, status: int) -> None:
    answer = await client.request("PUT", T, json={"annotations": [{"key": "feed", "value": feed}]})
    assert answer.status == status
    assert status == 200 or answer.json()["error"] == "Feed name is not valid"


@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("PUT", {}), ("POST", {}), ("DELETE", None)], ids=["read", "create", "fire", "delete"]
)
async def test_others_have_no_rights(client: AsgiClient, stranger: AsgiClient, method: str, body: Any) -> None:
    await made(client)
    for name in ("t", "never-there"):
        json = msgspec.UNSET if body is None else body
        answer = await stranger.request(method, f"/api/v1/namespaces/guest/triggers/{name}", json=json)
        error = f"The supplied authentication is not authorized to access 'guest/{name}'."
        assert (answer.status, answer.json()["error"]) == (403, error)


async def test_firing_starts_the_actions_with_merged_arguments(client: AsgiClient, invoker: FakeInvoker) -> None:
    await made(client, "r")
    fired = await client.request("POST", T, json={"q": 3, "own": True}, headers={"X-Thing": "yes"})
    await record_of(client, fired)
    (request,) = invoker.requests
    arguments = msgspec.json.decode(request.arguments)
    headers = arguments.pop("__ow_headers")
    assert arguments == {"p": 1, "q": 3, "own": True}
    assert headers["x-thing"] == "yes"
    assert "authorization" not in headers
    assert request.cause is None
    assert not request.blocking


async def test_a_trigger_that_was_fired_fires_as_it_is_now(client: AsgiClient, invoker: FakeInvoker) -> None:
    await made(client, "r")
    await record_of(client, await client.request("POST", T))
    await client.request("PUT", f"{T}?overwrite=true", json={"parameters": [{"key": "p", "value": "new"}]})
    await record_of(client, await client.request("POST", T))
    assert msgspec.json.decode(invoker.requests[-1].arguments)["p"] == "new"
    await client.request("DELETE", T)
    assert (await client.request("POST", T)).status == 404


async def test_the_record_of_a_fire(client: AsgiClient, invoker: FakeInvoker) -> None:
    await made(client, "r", "s")
    await client.request("POST", f"{NS}/rules/s", json={"status": "inactive"})
    record = await record_of(client, await client.request("POST", T, json={"own": 1}))
    assert not {"end", "duration", "cause"} & set(record)
    assert (record["namespace"], record["name"], record["version"], record["annotations"]) == ("guest", "t", "0.0.1", [])
    assert record["response"] == {"status": "success", "success": True, "result": {"own": 1}, "size": 9}
    started = invoker.requests[0].activation_id
    inactive = "Rule 'guest/s' is inactive, action 'guest/a' was not activated."
    assert [msgspec.json.decode(line) for line in record["logs"]] == [
        {"rule": "guest/r", "action": "guest/a", "statusCode": 0, "success": True, "activationId": started},
        {"rule": "guest/s", "action": "guest/a", "statusCode": 1, "success": False, "error": inactive},
    ]


async def test_records_and_requests_are_stored_before_the_answer(
    client: AsgiClient, invoker: FakeInvoker, stores: MemoryStores
) -> None:
    invoker.answer = lambda request: None
    await made(client, "r", "s")
    fired = await client.request("POST", T)
    assert await stores.activations.read("guest", fired.json()["activationId"]) is not None
    assert [each.activation_id for each in await stores.activations.accepted()] == [
        each.activation_id for each in invoker.requests
    ]


@pytest.mark.parametrize("rules", [(), ("r",)], ids=["no rule", "an inactive rule"])
async def test_without_an_active_rule_nothing_happens(client: AsgiClient, rules: tuple[str, ...]) -> None:
    await made(client, *rules)
    for rule in rules:
        await client.request("POST", f"{NS}/rules/{rule}", json={"status": "inactive"})
    answer = await client.request("POST", T, json={})
    assert (answer.status, answer.body, "x-openwhisk-activation-id" in answer.headers) == (204, b"", False)
    assert (await client.request("GET", f"{NS}/activations")).json() == []


async def test_a_lost_action_is_a_line_in_the_record(client: AsgiClient, invoker: FakeInvoker) -> None:
    await made(client, "r")
    await client.request("DELETE", f"{NS}/actions/a")
    record = await record_of(client, await client.request("POST", T))
    (line,) = (msgspec.json.decode(line) for line in record["logs"])
    assert (line["statusCode"], line["error"]) == (1, "The requested resource does not exist.")
    assert invoker.requests == []


async def test_no_invoker_is_a_line_in_the_record(client: AsgiClient, invoker: FakeInvoker, bus: LocalBus) -> None:
    await made(client, "r")
    bus.leave("invoker0")
    record = await record_of(client, await client.request("POST", T))
    assert msgspec.json.decode(record["logs"][0])["statusCode"] == 3


async def test_fires_have_a_limit_of_their_own(client: AsgiClient) -> None:
    await made(client, "r")
    statuses = [(await client.request("POST", T)).status for _ in range(5)]
    assert statuses == [202, 202, 202, 202, 429]


async def test_throttled_actions_do_not_fail_the_fire(client: AsgiClient) -> None:
    await made(client, "r", "s")
    await client.request("POST", T)
    record = await record_of(client, await client.request("POST", T))
    lines = [msgspec.json.decode(line) for line in record["logs"]]
    assert [line["statusCode"] for line in lines] == [0, 1]
    assert lines[1]["error"] == "Too many requests in the last minute (count: 4, allowed: 3)."


async def test_rules_reach_sequences_and_packages_through_bindings(client: AsgiClient, invoker: FakeInvoker) -> None:
    await made(client)
    await client.request("PUT", f"{NS}/packages/p", json={"parameters": [{"key": "from", "value": "package"}]})
    await client.request("PUT", f"{NS}/actions/p/b", json=NODE)
    await client.request("PUT", f"{NS}/packages/bound", json={"binding": {"namespace": "_", "name": "p"}})
    await client.request("PUT", f"{NS}/actions/s", json={"exec": {"kind": "sequence", "components": ["/_/a"]}})
    for rule, action in (("r1", "/_/bound/b"), ("r2", "/_/s")):
        made_rule = await client.request("PUT", f"{NS}/rules/{rule}", json={"trigger": "/_/t", "action": action})
        assert made_rule.status == 200, made_rule.body
    both = asyncio.Event()

    def answer(request: InvocationRequest) -> Activation:
        if len(invoker.requests) == 2:
            both.set()
        return echo(request)

    invoker.answer = answer
    record = await record_of(client, await client.request("POST", T))
    lines = [msgspec.json.decode(line) for line in record["logs"]]
    assert [(line["action"], line["success"]) for line in lines] == [("guest/bound/b", True), ("guest/s", True)]
    await both.wait()
    assert {str(request.action.path) for request in invoker.requests} == {"guest/p/b", "guest/a"}
    assert msgspec.json.decode(invoker.requests[0].arguments)["from"] == "package"


async def test_deleting_a_trigger_leaves_its_rules_inactive_for_good(client: AsgiClient) -> None:
    await made(client, "r")
    deleted = await client.request("DELETE", T)
    assert (deleted.status, deleted.json()["name"]) == (200, "t")
    assert (await client.request("GET", f"{NS}/rules/r")).json()["status"] == "inactive"
    await client.request("PUT", T, json={})
    assert (await client.request("GET", f"{NS}/rules/r")).json()["status"] == "inactive"
    assert (await client.request("POST", T)).status == 204
    await client.request("POST", f"{NS}/rules/r", json={"status": "active"})
    assert (await client.request("POST", T)).status == 202
