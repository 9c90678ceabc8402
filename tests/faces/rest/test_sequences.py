"""Sequences over HTTP (OpenWhisk API contract, section 8)."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.composing import INTERRUPTED
from ioruntime.core.recovery import Recovery
from ioruntime.faces.rest.services import RestServices
from ioruntime.model.activation import Activation, Status
from ioruntime.model.limits import Limits
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.invoker import FakeInvoker, ended

pytestmark = pytest.mark.anyio

A = "/api/v1/namespaces/_/actions"
P = "/api/v1/namespaces/_/packages"
OTHER = "/api/v1/namespaces/other"
RECORDS = "/api/v1/namespaces/_/activations"
NODE = {"kind": "nodejs:24", "code": "code"}
HERS = "22222222-2222-2222-2222-222222222222:" + "o" * 64
FORBIDDEN = "The supplied authentication is not authorized to access 'other/"
NONE = "No component specified for the sequence."
TOO_MANY = "Too many actions in the sequence."
MISSING = "Sequence component does not exist."
CYCLE = "Sequence may not refer to itself."


@pytest.fixture
def limits() -> Limits:
    return Limits(invocations_per_minute=1, concurrent_invocations=1, sequence_length=5, parameters_bytes=1000)


def sequence(*components: str) -> dict[str, Any]:
    return {"kind": "sequence", "components": list(components)}


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


async def put(client: AsgiClient, path: str, body: dict[str, Any], *, basic: str | None = None) -> dict[str, Any]:
    answer = await client.request("PUT", f"{path}?overwrite=true", json=body, basic=basic)
    assert answer.status == 200, answer.body
    return answer.json()


async def put_actions(client: AsgiClient, *names: str, **fields: Any) -> None:
    for name in names:
        await put(client, f"{A}/{name}", {"exec": NODE, **fields})


async def put_sequence(client: AsgiClient, name: str, *components: str, **fields: Any) -> dict[str, Any]:
    return await put(client, f"{A}/{name}", {"exec": sequence(*components), **fields})


async def invoke(client: AsgiClient, name: str, payload: Any = None) -> AsgiResponse:
    return await client.request("POST", f"{A}/{name}?blocking=true", json=payload or {})


async def invoke_id(client: AsgiClient, name: str) -> str:
    return (await invoke(client, name)).headers["x-openwhisk-activation-id"]


async def read_record(client: AsgiClient, activation_id: str) -> dict[str, Any]:
    answer = await client.request("GET", f"{RECORDS}/{activation_id}")
    assert answer.status == 200, answer.body
    return answer.json()


def noted(record: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in record["annotations"]}


def by_name(**results: Any) -> Callable[[InvocationRequest], Activation]:
    """Let each action answer its own result; others echo. A pair is a status with its result."""

    def answer(request: InvocationRequest) -> Activation:
        match results.get(request.action.path.name, request.arguments):
            case Status() as status, result:
                return ended(request, result, status=status)
            case result:
                return ended(request, result)

    return answer


def handed(invoker: FakeInvoker) -> list[tuple[str, Any]]:
    """Which actions ran, with what."""
    return [(each.action.path.name, msgspec.json.decode(each.arguments)) for each in invoker.requests]


async def published(client: AsgiClient, package: str, action: str = "act", **fields: Any) -> None:
    await put(client, f"{OTHER}/packages/{package}", {"publish": True, **fields}, basic=HERS)
    await put(client, f"{OTHER}/actions/{package}/{action}", {"exec": NODE}, basic=HERS)


# Creation


@pytest.mark.parametrize(
    ("components", "status", "error"),
    [
        pytest.param([], 400, NONE, id="none"),
        pytest.param(["/_/a"] * 6, 400, TOO_MANY, id="too many"),
        pytest.param(["/_/two", "/_/two", "/_/a", "/_/a"], 400, TOO_MANY, id="too many with nested ones written out"),
        pytest.param(["/_/nothing"], 400, MISSING, id="a missing one"),
        pytest.param(["/_/a", "/_/nothing/a"], 400, MISSING, id="one in a missing package"),
        pytest.param(["/_/pack"], 400, MISSING, id="a package"),
        pytest.param(["/_/s"], 400, CYCLE, id="itself"),
        pytest.param(["/guest/a", "guest/s"], 400, CYCLE, id="itself among others"),
        pytest.param(["/other/private/act"], 403, f"{FORBIDDEN}private/act'.", id="a private one of somebody else"),
        pytest.param(["/other/act"], 403, f"{FORBIDDEN}act'.", id="one of somebody else in no package"),
        pytest.param(["/other/nothing/act"], 403, f"{FORBIDDEN}nothing/act'.", id="one of somebody else that does not exist"),
        pytest.param(["/nobody/a/b"], 403, None, id="one of nobody"),
        pytest.param(["a"], 400, None, id="a name without its namespace"),
        pytest.param(["/_/a/b/c"], 400, None, id="a name of too many parts"),
        pytest.param(["/_/ a"], 400, None, id="an illegal name"),
        pytest.param(None, 400, "'components' must be defined for sequence kind", id="no field"),
        pytest.param("/_/a", 400, None, id="a string"),
        pytest.param([1], 400, None, id="a number in it"),
    ],
)
async def test_refused(client: AsgiClient, components: Any, status: int, error: str | None) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "two", "/_/a", "/_/a")
    await put(client, f"{P}/pack", {})
    await put(client, f"{OTHER}/packages/private", {}, basic=HERS)
    await put(client, f"{OTHER}/actions/private/act", {"exec": NODE}, basic=HERS)
    answer = await client.request("PUT", f"{A}/s", json={"exec": {"kind": "sequence", "components": components}})
    assert answer.status == status
    assert error is None or answer.json()["error"] == error
    assert (await client.request("GET", f"{A}/s")).status == 404


@pytest.mark.parametrize(
    "components",
    [
        pytest.param(["/_/middle"], id="through another"),
        pytest.param(["/_/a", "/_/outer"], id="through two others"),
        pytest.param(["/_/a", "/guest/s"], id="directly"),
        pytest.param(["/_/bound/s"], id="through a binding to its package"),
    ],
)
async def test_no_update_makes_a_cycle(client: AsgiClient, components: list[str]) -> None:
    await put_actions(client, "a")
    await put(client, f"{P}/pack", {})
    name = "pack/s" if "/_/bound/s" in components else "s"
    await put(client, f"{P}/bound", {"binding": {"namespace": "_", "name": "pack"}})
    before = await put_sequence(client, name, "/_/a")
    await put_sequence(client, "middle", f"/_/{name}")
    await put_sequence(client, "outer", "/_/middle")
    answer = await client.request("PUT", f"{A}/{name}?overwrite=true", json={"exec": sequence(*components)})
    assert (answer.status, answer.json()["error"]) == (400, CYCLE)
    assert (await client.request("GET", f"{A}/{name}")).json() == before


async def test_stored_names_are_whole(client: AsgiClient) -> None:
    await put_actions(client, "a")
    await put(client, f"{P}/pack", {})
    await put_actions(client, "pack/b")
    await put(client, f"{P}/mine", {"binding": {"namespace": "_", "name": "pack"}})
    action = await put_sequence(client, "s", "/_/a", "_/a", "guest/a", "/guest/pack/b", "/_/mine/b")
    whole = ["/guest/a", "/guest/a", "/guest/a", "/guest/pack/b", "/guest/mine/b"]
    assert action["exec"] == {"kind": "sequence", "components": whole}
    assert action["parameters"] == [{"key": "_actions", "value": whole}]
    assert noted(action) == {"exec": "sequence", "provide-api-key": False}
    for flag in ("true", "false"):
        assert (await client.request("GET", f"{A}/s?code={flag}")).json() == action


async def test_as_many_as_may_be_with_nested_ones_written_out(client: AsgiClient) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "two", "/_/a", "/_/a")
    await put_sequence(client, "four", "/_/two", "/_/two")
    await put_sequence(client, "five", "/_/four", "/_/a")


async def test_no_more_inside_each_other_than_one_may_be_long(client: AsgiClient) -> None:
    await put_actions(client, "s0")
    for level in range(1, 7):
        await put_sequence(client, f"s{level}", f"/_/s{level - 1}")
    answer = await client.request("PUT", f"{A}/s7", json={"exec": sequence("/_/s6")})
    assert (answer.status, answer.json()["error"]) == (400, TOO_MANY)
    assert (await invoke(client, "s6", {"x": 1})).json()["response"]["result"] == {"x": 1}


async def test_a_published_one_of_somebody_else_may_be_a_component(client: AsgiClient, invoker: FakeInvoker) -> None:
    await published(client, "tools", parameters=pairs(a="theirs", b="theirs"))
    await put(client, f"{P}/bound", {"binding": {"namespace": "other", "name": "tools"}, "parameters": pairs(b="mine", c="mine")})
    await put_sequence(client, "s", "/other/tools/act", "/_/bound/act")
    record = (await invoke(client, "s", {"d": 1})).json()
    assert handed(invoker) == [
        ("act", {"a": "theirs", "b": "theirs", "d": 1}),
        ("act", {"a": "theirs", "b": "theirs", "c": "mine", "d": 1}),
    ]
    first, second = [await read_record(client, each) for each in (await read_record(client, record["activationId"]))["logs"]]
    assert (first["namespace"], noted(first)["path"], noted(second)["path"]) == ("guest", "other/tools/act", "other/tools/act")
    assert ("binding" in noted(first), noted(second)["binding"]) == (False, "guest/bound")


@pytest.mark.parametrize("on_update", [False, True])
async def test_parameters_are_only_the_components(client: AsgiClient, *, on_update: bool) -> None:
    await put_actions(client, "a")
    expected = [{"key": "_actions", "value": ["/guest/a"]}]
    action = await put_sequence(client, "s", "/_/a", parameters=pairs(x=1))
    if on_update:
        action = await put(client, f"{A}/s", {"parameters": pairs(x=1, _actions=["/other/b"])})
    assert action["parameters"] == expected


async def test_code_becomes_a_sequence_and_back(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a")
    await put_actions(client, "turns", parameters=pairs(x=1))
    became = await put_sequence(client, "turns", "/_/a")
    assert became["parameters"] == [{"key": "_actions", "value": ["/guest/a"]}]
    assert (became["exec"]["kind"], noted(became)["exec"], became["version"]) == ("sequence", "sequence", "0.0.2")
    back = await put(client, f"{A}/turns", {"exec": NODE})
    assert (back["parameters"], back["exec"]["code"], noted(back)["exec"]) == ([], "code", "nodejs:24")
    await put_sequence(client, "turns", "/_/a")
    again = await put(client, f"{A}/turns", {"exec": NODE, "parameters": pairs(y=2)})
    assert again["parameters"] == pairs(y=2)
    await invoke(client, "turns")
    assert handed(invoker) == [("turns", {"y": 2})]


async def test_it_is_listed_and_deleted_as_any_action(client: AsgiClient) -> None:
    await put_actions(client, "a")
    action = await put_sequence(client, "s", "/_/a")
    row = (await client.request("GET", f"{A}?limit=1")).json()[0]
    assert (row["name"], row["exec"], noted(row)["exec"]) == ("s", {"binary": False}, "sequence")
    deleted = await client.request("DELETE", f"{A}/s")
    assert (deleted.status, deleted.json()) == (200, action)


# Running


@pytest.mark.parametrize(
    ("payload", "first", "second"),
    [
        pytest.param({"x": 1}, {"y": 2}, {"y": 2}, id="an object is handed on as it is"),
        pytest.param({}, [1, {"a": 2}], [1, {"a": 2}], id="and an array"),
        pytest.param({}, {}, {}, id="and nothing"),
        pytest.param({}, "text", {}, id="a text is nothing"),
        pytest.param({}, None, {}, id="null is nothing"),
        pytest.param({}, msgspec.Raw(b" \n {} "), {}, id="whatever blanks it begins with"),
        pytest.param({"error": "at first"}, {"y": 2}, {"y": 2}, id="an error in the payload stops nothing"),
    ],
)
async def test_each_gets_what_the_one_before_answered(
    client: AsgiClient, invoker: FakeInvoker, payload: Any, first: Any, second: Any
) -> None:
    await put_actions(client, "a", "b")
    await put_sequence(client, "s", "/_/a", "/_/b")
    invoker.answer = by_name(a=first, b={"end": True})
    answer = await invoke(client, "s", payload)
    assert handed(invoker) == [("a", payload), ("b", second)]
    assert (answer.status, answer.json()["response"]["result"]) == (200, {"end": True})


async def test_a_result_that_is_an_array_goes_bare(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a")
    invoker.answer = by_name(a=[1, 2])
    answer = await invoke(client, "s")
    assert (answer.status, answer.json()) == (200, [1, 2])


@pytest.mark.parametrize(
    ("result", "code", "word"),
    [
        pytest.param((Status.APPLICATION_ERROR, {"error": "no"}), 502, "application error", id="error"),
        pytest.param((Status.DEVELOPER_ERROR, {"error": "no"}), 502, "action developer error", id="developer error"),
        pytest.param((Status.WHISK_ERROR, {"error": "no"}), 500, "whisk internal error", id="platform's error"),
    ],
)
async def test_the_first_failure_ends_it(client: AsgiClient, invoker: FakeInvoker, result: Any, code: int, word: str) -> None:
    await put_actions(client, "a", "b", "c")
    await put_sequence(client, "s", "/_/a", "/_/b", "/_/c")
    invoker.answer = by_name(b=result)
    answer = await invoke(client, "s")
    record = answer.json()
    assert [name for name, _ in handed(invoker)] == ["a", "b"]
    assert answer.status == code
    assert record["response"] == {"status": word, "success": False, "result": {"error": "no"}, "size": 14}
    assert len((await read_record(client, record["activationId"]))["logs"]) == 2


@pytest.mark.parametrize(
    ("result", "status"),
    [
        pytest.param((Status.APPLICATION_ERROR, {"error": {"statusCode": 404}}), 502, id="an error is an object"),
        pytest.param({"ok": [1]}, 200, id="success"),
    ],
)
async def test_only_the_result(client: AsgiClient, invoker: FakeInvoker, result: Any, status: int) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a")
    invoker.answer = by_name(a=result)
    answer = await client.request("POST", f"{A}/s?blocking=true&result=true", json={})
    assert (answer.status, answer.json()) == (status, result[1] if isinstance(result, tuple) else result)


async def test_the_record(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a", limits={"memory": 128})
    await put_actions(client, "b", limits={"memory": 512})
    await put(client, f"{P}/pack", {"parameters": pairs(package=True)})
    await put_sequence(client, "pack/s", "/_/a", "/_/b", "/_/a", limits={"timeout": 1000}, annotations=pairs(conductor=True))
    record = (await invoke(client, "pack/s", {"x": 1})).json()
    stored = await read_record(client, record["activationId"])
    assert record == stored | {"logs": []}
    assert stored["logs"] == [each.activation_id for each in invoker.requests]
    assert handed(invoker) == [("a", {"x": 1}), ("b", {"x": 1}), ("a", {"x": 1})]
    assert "cause" not in stored
    assert (stored["namespace"], stored["name"], stored["version"], stored["subject"]) == ("guest", "s", "0.0.1", "guest")
    assert (stored["duration"], stored["end"]) == (3, stored["start"] + 3)
    notes = noted(stored)
    assert notes.pop("waitTime") >= 0
    assert notes == {
        "path": "guest/pack/s",
        "kind": "sequence",
        "topmost": True,
        "limits": {"timeout": 1000, "memory": 512, "logs": 10, "concurrency": 1},
    }
    assert (await client.request("GET", f"{RECORDS}/{record['activationId']}/logs")).json() == {"logs": stored["logs"]}
    listed = (await client.request("GET", f"{RECORDS}?name=pack/s")).json()
    assert [(each["activationId"], each["statusCode"]) for each in listed] == [(record["activationId"], 0)]


async def test_the_records_of_components(client: AsgiClient) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a")
    record = (await invoke(client, "s")).json()
    (id_,) = (await read_record(client, record["activationId"]))["logs"]
    component = await read_record(client, id_)
    assert (component["cause"], noted(component)["causedBy"]) == (record["activationId"], "sequence")
    assert (noted(component)["kind"], "topmost" in noted(component)) == ("nodejs:24", False)


async def test_a_sequence_in_a_sequence_runs_as_one(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a", "b", limits={"memory": 128})
    await put_sequence(client, "inner", "/_/a", "/_/b")
    await put_sequence(client, "outer", "/_/inner", "/_/a")
    invoker.answer = by_name(b=[1])
    outer = await read_record(client, (await invoke_id(client, "outer")))
    inner, last = [await read_record(client, each) for each in outer["logs"]]
    assert (inner["name"], inner["cause"], noted(inner)["causedBy"]) == ("inner", outer["activationId"], "sequence")
    assert (noted(inner)["topmost"], noted(outer)["topmost"], noted(inner)["kind"]) == (False, True, "sequence")
    assert (inner["duration"], outer["duration"], noted(outer)["limits"]["memory"]) == (2, 3, 128)
    assert [(await read_record(client, each))["cause"] for each in inner["logs"]] == [inner["activationId"]] * 2
    assert (last["name"], last["cause"]) == ("a", outer["activationId"])
    assert handed(invoker) == [("a", {}), ("b", {}), ("a", [1])]


async def test_an_error_inside_of_a_nested_one_ends_both(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a", "b")
    await put_sequence(client, "inner", "/_/a", "/_/b")
    await put_sequence(client, "outer", "/_/inner", "/_/b")
    invoker.answer = by_name(a=(Status.APPLICATION_ERROR, {"error": "no"}))
    answer = await invoke(client, "outer")
    assert (answer.status, answer.json()["response"]["result"]) == (502, {"error": "no"})
    assert [name for name, _ in handed(invoker)] == ["a"]


async def test_one_that_grew_too_long_meanwhile_is_stopped(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "inner", "/_/a")
    await put_sequence(client, "outer", "/_/a", "/_/a", "/_/inner", "/_/a")
    await put_sequence(client, "inner", "/_/a", "/_/a", "/_/a")
    answer = await invoke(client, "outer")
    assert (answer.status, answer.json()["response"]["result"]) == (502, {"error": TOO_MANY})
    assert answer.json()["response"]["status"] == "application error"
    assert len(invoker.requests) == 5


async def test_one_that_came_to_hold_itself_through_a_binding_ends(client: AsgiClient, invoker: FakeInvoker) -> None:
    for package in ("empty", "full"):
        await put(client, f"{P}/{package}", {})
        await put_actions(client, f"{package}/s")
    await put(client, f"{P}/bound", {"binding": {"namespace": "_", "name": "empty"}})
    await put_sequence(client, "full/s", "/_/bound/s")
    await put(client, f"{P}/bound", {"binding": {"namespace": "_", "name": "full"}})
    answer = await invoke(client, "full/s")
    assert (answer.status, answer.json()["response"]["result"]) == (502, {"error": TOO_MANY})
    assert invoker.requests == []
    assert (await client.request("PUT", f"{A}/t", json={"exec": sequence("/_/full/s")})).json()["error"] == TOO_MANY


@pytest.mark.parametrize("change", ["deleted", "private", "unbound"])
async def test_a_component_that_went_meanwhile(client: AsgiClient, invoker: FakeInvoker, change: str) -> None:
    await put_actions(client, "a")
    await published(client, "tools")
    await put(client, f"{P}/bound", {"binding": {"namespace": "other", "name": "tools"}})
    await put_sequence(client, "s", "/_/a", "/_/bound/act" if change == "unbound" else "/other/tools/act", "/_/a")
    if change == "private":
        await put(client, f"{OTHER}/packages/tools", {"publish": False}, basic=HERS)
    elif change == "deleted":
        await client.request("DELETE", f"{OTHER}/actions/tools/act", basic=HERS)
    else:
        await client.request("DELETE", f"{P}/bound")
    answer = await invoke(client, "s")
    response = answer.json()["response"]
    assert (answer.status, response["status"], response["result"]) == (502, "application error", {"error": MISSING})
    assert [name for name, _ in handed(invoker)] == ["a"]


async def test_a_component_that_was_updated_meanwhile_runs_as_it_is_now(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a", parameters=pairs(x=1))
    await put_sequence(client, "s", "/_/a")
    await put_actions(client, "a", parameters=pairs(x=2))
    await invoke(client, "s")
    assert handed(invoker) == [("a", {"x": 2})]


async def test_no_invoker_takes_a_component(
    client: AsgiClient, bus: LocalBus, invoker: FakeInvoker, services: RestServices
) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a")
    bus.leave("invoker0")
    answer = await invoke(client, "s")
    assert (answer.status, answer.json()["response"]["status"]) == (500, "whisk internal error")
    assert "currently unavailable" in answer.json()["response"]["result"]["error"]
    assert services.invocations.in_flight == 0


async def test_parameters_of_components_are_merged_even_final_ones(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a", parameters=pairs(x="default", y="default"), annotations=pairs(final=True))
    await put_sequence(client, "s", "/_/a", "/_/a")
    invoker.answer = by_name(a={"y": "answered"})
    assert (await invoke(client, "s", {"x": "given"})).status == 200
    assert handed(invoker) == [("a", {"x": "given", "y": "default"}), ("a", {"x": "default", "y": "answered"})]


async def test_final_parameters_of_the_sequence_itself(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a", annotations=pairs(final=True))
    answer = await invoke(client, "s", {"_actions": []})
    assert (answer.status, invoker.requests) == (400, [])
    assert "parameters that are not allowed" in answer.json()["error"]


async def test_init_parameters_of_components_go_into_the_environment(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a", parameters=[{"key": "mode", "value": "fast", "init": True}])
    await put_sequence(client, "s", "/_/a", "/_/a")
    invoker.answer = by_name(a={"mode": "slow", "x": 1})
    await invoke(client, "s")
    assert handed(invoker) == [("a", {}), ("a", {"x": 1})]
    assert [each.environment for each in invoker.requests] == [{"mode": "fast"}, {"mode": "slow"}]


async def test_each_component_gets_the_key_only_if_it_may(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "trusted", annotations=[{"key": "provide-api-key", "value": True}])
    await put_actions(client, "other")
    await put_sequence(client, "s", "/_/trusted", "/_/other")
    await invoke(client, "s")
    assert [each.api_key is None for each in invoker.requests] == [False, True]
    assert re.fullmatch(r"1{8}(-1{4}){3}-1{12}:g{64}", invoker.requests[0].api_key or "")


async def test_all_components_are_of_one_transaction(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "inner", "/_/a")
    await put_sequence(client, "s", "/_/a", "/_/inner")
    await client.request("POST", f"{A}/s?blocking=true", json={}, headers={"X-Request-ID": "mine"})
    assert [each.transaction_id for each in invoker.requests] == ["mine", "mine"]


async def test_it_counts_once(client: AsgiClient) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "inner", "/_/a", "/_/a")
    await put_sequence(client, "s", "/_/inner", "/_/inner")
    assert (await invoke(client, "s")).status == 200
    answer = await invoke(client, "s")
    assert (answer.status, answer.json()["error"]) == (429, "Too many requests in the last minute (count: 2, allowed: 1).")


# Waiting


async def test_who_does_not_wait_finds_the_record_later(client: AsgiClient, invoker: FakeInvoker, services: RestServices) -> None:
    await put_actions(client, "a", "b")
    await put_sequence(client, "s", "/_/a", "/_/b")
    answer = await client.request("POST", f"{A}/s", json={"x": 1})
    assert answer.status == 202
    await services.invocations.drained()
    record = await read_record(client, answer.json()["activationId"])
    assert (record["response"]["result"], len(record["logs"])) == ({"x": 1}, 2)


async def test_when_the_wait_is_over_the_answer_is_an_id_and_the_record_comes(
    client: AsgiClient, invoker: FakeInvoker, services: RestServices
) -> None:
    await put_actions(client, "a", "b")
    await put_sequence(client, "s", "/_/a", "/_/b")
    invoker.answer = lambda _: None
    answer = await client.request("POST", f"{A}/s?blocking=true&timeout=1", json={"x": 1})
    id_ = answer.json()["activationId"]
    assert (answer.status, answer.headers["x-openwhisk-activation-id"]) == (202, id_)
    assert (await client.request("GET", f"{RECORDS}/{id_}")).status == 404
    assert (await client.request("POST", f"{A}/s", json={})).status == 429
    invoker.answer = by_name()
    invoker.finish(invoker.requests[0], ended(invoker.requests[0], {"late": True}))
    await services.invocations.drained()
    record = await read_record(client, id_)
    assert (record["response"]["result"], noted(record)["topmost"]) == ({"late": True}, True)


async def test_a_caller_that_goes_away_stops_nothing(client: AsgiClient, invoker: FakeInvoker, services: RestServices) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a", "/_/a")
    arrived = asyncio.Event()
    invoker.answer = lambda _: arrived.set()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(invoke(client, "s"))
        await arrived.wait()
        invoking.cancel()
    invoker.answer = by_name()
    invoker.finish(invoker.requests[0], ended(invoker.requests[0], {"x": 1}))
    await services.invocations.drained()
    (row,) = (await client.request("GET", f"{RECORDS}?name=s")).json()
    assert (row["statusCode"], len(invoker.requests), services.invocations.in_flight) == (0, 2, 0)


async def test_when_the_platform_stops_the_caller_is_told(
    client: AsgiClient, invoker: FakeInvoker, services: RestServices
) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a")
    arrived = asyncio.Event()
    invoker.answer = lambda _: arrived.set()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(invoke(client, "s"))
        await arrived.wait()
        await services.invocations.interrupt()
    answer = invoking.result()
    assert (answer.status, answer.json()["response"]["status"]) == (500, "whisk internal error")
    assert answer.json()["response"]["result"] == {"error": INTERRUPTED}
    assert (await read_record(client, answer.json()["activationId"]))["response"] == answer.json()["response"]


async def test_one_that_was_accepted_and_lost_is_recorded_as_interrupted(
    client: AsgiClient, invoker: FakeInvoker, services: RestServices, stores: MemoryStores
) -> None:
    await put_actions(client, "a")
    await put_sequence(client, "s", "/_/a")
    invoker.answer = lambda _: None
    id_ = (await client.request("POST", f"{A}/s", json={})).json()["activationId"]
    recovery = Recovery(store=stores.activations, namespaces=stores.namespaces, invocations=services.invocations)
    assert await recovery.load() == 1
    record = await read_record(client, id_)
    assert record["response"]["result"] == {"error": INTERRUPTED}
    assert [noted(record)[key] for key in ("kind", "topmost")] == ["sequence", True]
    await services.invocations.interrupt()
