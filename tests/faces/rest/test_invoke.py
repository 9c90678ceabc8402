"""Invoking over HTTP (sections 6, 7, 14.1 and 15 of the contract)."""

import re
from collections.abc import Callable

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.faces.rest.services import RestServices
from ioruntime.model.activation import Activation, Status
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient
from ioruntime.testing.invoker import FakeInvoker, ended

pytestmark = pytest.mark.anyio

A = "/api/v1/namespaces/_/actions"
P = "/api/v1/namespaces/_/packages"
NODE = {"kind": "nodejs:24", "code": "code"}
HELLO = f"{A}/hello"
BLOCKING = f"{HELLO}?blocking=true"
RESULT = f"{BLOCKING}&result=true"
MALFORMED = "The request content was malformed:\n"


@pytest.fixture(autouse=True)
async def hello(client: AsgiClient) -> None:
    answer = await client.request("PUT", HELLO, json={"exec": NODE, "parameters": [{"key": "greeting", "value": "hi"}]})
    assert answer.status == 200


def answering(result: object, status: Status = Status.SUCCESS) -> Callable[[InvocationRequest], Activation]:
    """An invoker's function for one outcome, with a log."""
    return lambda request: ended(request, result, status=status, logs=("a line",))


async def test_without_blocking_the_answer_is_an_id(client: AsgiClient, invoker: FakeInvoker, stores: MemoryStores) -> None:
    invoker.answer = lambda _: None
    answer = await client.request("POST", HELLO, json={})
    activation_id = answer.headers["x-openwhisk-activation-id"]
    assert (answer.status, answer.json()) == (202, {"activationId": activation_id})
    assert re.fullmatch(r"[0-9a-f]{32}", activation_id)
    assert [each.activation_id for each in await stores.activations.accepted()] == [activation_id]


async def test_a_blocking_success_is_the_whole_record_without_logs(client: AsgiClient, invoker: FakeInvoker) -> None:
    invoker.answer = answering({"a": "ä"})
    answer = await client.request("POST", BLOCKING, json={"name": "you"})
    record = answer.json()
    start = record["start"]
    assert answer.status == 200
    assert record == {
        "namespace": "guest",
        "name": "hello",
        "version": "0.0.1",
        "subject": "guest",
        "activationId": answer.headers["x-openwhisk-activation-id"],
        "start": start,
        "end": start + 1,
        "duration": 1,
        "response": {"status": "success", "success": True, "result": {"a": "ä"}, "size": 10},
        "logs": [],
        "annotations": [
            {"key": "path", "value": "guest/hello"},
            {"key": "waitTime", "value": 0},
            {"key": "kind", "value": "nodejs:24"},
            {"key": "timeout", "value": False},
            {"key": "limits", "value": {"timeout": 60000, "memory": 256, "logs": 10, "concurrency": 1}},
        ],
        "publish": False,
    }
    stored = await client.request("GET", f"/api/v1/namespaces/_/activations/{record['activationId']}")
    assert stored.json() == record | {"logs": ["a line"]}


@pytest.mark.parametrize(
    ("result", "ending", "status", "text"),
    [
        pytest.param({"a": 1}, Status.SUCCESS, 200, "success", id="success"),
        pytest.param({"error": "no"}, Status.APPLICATION_ERROR, 502, "application error", id="application error"),
        pytest.param({"error": "bug"}, Status.DEVELOPER_ERROR, 502, "action developer error", id="developer error"),
        pytest.param({"error": "us"}, Status.WHISK_ERROR, 500, "whisk internal error", id="internal error"),
        pytest.param(None, Status.SUCCESS, 200, "success", id="null"),
    ],
)
async def test_status_of_an_outcome(
    client: AsgiClient, invoker: FakeInvoker, result: object, ending: Status, status: int, text: str
) -> None:
    invoker.answer = answering(result, ending)
    whole = await client.request("POST", BLOCKING, json={})
    size = len(msgspec.json.encode(result))
    assert whole.status == status
    assert whole.json()["response"] == {"status": text, "success": status == 200, "result": result, "size": size}
    bare = await client.request("POST", RESULT, json={})
    assert (bare.status, bare.json(), len(bare.headers["x-openwhisk-activation-id"])) == (status, result, 32)


@pytest.mark.parametrize("target", [BLOCKING, RESULT])
@pytest.mark.parametrize("raw", [b"[1,2]", b" \n[1,2]"])
async def test_an_array_is_always_bare(client: AsgiClient, invoker: FakeInvoker, target: str, raw: bytes) -> None:
    invoker.answer = answering(msgspec.Raw(raw))
    answer = await client.request("POST", target, json={})
    assert (answer.status, answer.json(), answer.headers["content-type"]) == (200, [1, 2], "application/json")


async def test_result_is_ignored_without_blocking(client: AsgiClient) -> None:
    answer = await client.request("POST", f"{HELLO}?result=true", json={})
    assert (answer.status, list(answer.json())) == (202, ["activationId"])


async def test_who_waits_too_long_gets_the_id_and_the_record_later(client: AsgiClient, invoker: FakeInvoker) -> None:
    invoker.answer = lambda _: None
    answer = await client.request("POST", f"{BLOCKING}&result=true&timeout=1", json={})
    request = invoker.requests[0]
    assert (answer.status, answer.json()) == (202, {"activationId": request.activation_id})
    assert answer.headers["x-openwhisk-activation-id"] == request.activation_id
    invoker.finish(request, ended(request, {"late": True}))
    record = await client.request("GET", f"/api/v1/namespaces/_/activations/{request.activation_id}/result")
    assert record.json()["result"] == {"late": True}


@pytest.mark.parametrize("wait", ["0", "60001", "x", "", "-1", "1e3"])
@pytest.mark.parametrize("target", [HELLO, BLOCKING])
async def test_a_timeout_out_of_range(client: AsgiClient, target: str, wait: str) -> None:
    answer = await client.request("POST", f"{target}{'&' if '?' in target else '?'}timeout={wait}", json={})
    expected = "The query parameter 'timeout' was malformed:\nTimeout must be number of milliseconds up to 60000."
    assert (answer.status, answer.json()["error"]) == (400, expected)


@pytest.mark.parametrize("name", ["blocking", "result"])
async def test_a_flag_that_is_neither_true_nor_false(client: AsgiClient, invoker: FakeInvoker, name: str) -> None:
    answer = await client.request("POST", f"{HELLO}?{name}=perhaps", json={})
    expected = f"The query parameter '{name}' was malformed:\n'perhaps' is not a valid Boolean value"
    assert (answer.status, answer.json()["error"]) == (400, expected)
    assert invoker.requests == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", None, id="nothing at all"),
        pytest.param(b"", "text/plain", id="nothing of another type"),
        pytest.param(b"{}", "application/json", id="an empty object"),
        pytest.param(b" {} ", "application/json; charset=utf-8", id="a type with parameters"),
        pytest.param([b"{", b"}"], "Application/JSON", id="in pieces"),
    ],
)
async def test_empty_payloads(client: AsgiClient, body: bytes | list[bytes], content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await client.request("POST", RESULT, body=body, headers=headers)
    assert (answer.status, answer.json()) == (200, {"greeting": "hi"})


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"[1]", "The body must be a JSON object: Expected `object`, got `array`", id="array"),
        pytest.param(b"1", "The body must be a JSON object: Expected `object`, got `int`", id="number"),
        pytest.param(b"{", "The body must be a JSON object: Input data was truncated", id="half an object"),
        pytest.param(b'{"a":"\xff"}', "'utf-8' codec can't decode byte 0xff in position 6: invalid start byte", id="not UTF-8"),
    ],
)
async def test_payloads_that_are_no_object(client: AsgiClient, invoker: FakeInvoker, body: bytes, detail: str) -> None:
    answer = await client.request("POST", BLOCKING, body=body, headers={"content-type": "application/json"})
    assert (answer.status, answer.json()["error"]) == (400, MALFORMED + detail)
    assert invoker.requests == []


async def test_a_payload_nested_too_deep(client: AsgiClient) -> None:
    body = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = await client.request("POST", BLOCKING, body=body, headers={"content-type": "application/json"})
    assert answer.status == 400
    assert answer.json()["error"].startswith(MALFORMED)


async def test_a_payload_of_another_type(client: AsgiClient) -> None:
    answer = await client.request("POST", BLOCKING, body=b"a=b", headers={"content-type": "application/x-www-form-urlencoded"})
    expected = "The request's Content-Type is not supported. Expected:\napplication/json"
    assert (answer.status, answer.json()["error"]) == (415, expected)


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_payload_that_is_too_large(client: AsgiClient, pieces: int) -> None:
    size = 1_048_577
    body = [b"x" * (size // pieces), *[b"x"] * (pieces - 1)] if pieces == 1 else [b"x" * 1_048_575, b"xx", b""]
    answer = await client.request("POST", HELLO, body=body, headers={"content-type": "application/json"})
    expected = f"Request larger than allowed: {size} > 1048576 bytes."
    assert (answer.status, answer.json()["error"]) == (413, expected)


async def test_what_is_missing_goes_before_the_body(client: AsgiClient) -> None:
    answer = await client.request("POST", f"{A}/missing", body=b"[", headers={"content-type": "text/plain"})
    assert (answer.status, answer.json()["error"]) == (404, "The requested resource does not exist.")


async def test_final_parameters_cannot_be_given(client: AsgiClient) -> None:
    annotations = [{"key": "final", "value": True}]
    parameters = [{"key": "fixed", "value": 1}, {"key": "open", "value": None}]
    await client.request("PUT", f"{A}/final", json={"exec": NODE, "annotations": annotations, "parameters": parameters})
    refused = await client.request("POST", f"{A}/final?blocking=true", json={"fixed": 2})
    expected = "Request defines parameters that are not allowed (e.g., reserved properties)."
    assert (refused.status, refused.json()["error"]) == (400, expected)
    allowed = await client.request("POST", f"{A}/final?blocking=true&result=true", json={"open": 2})
    assert allowed.json() == {"fixed": 1, "open": 2}


async def test_parameters_merge_package_action_payload(client: AsgiClient, invoker: FakeInvoker) -> None:
    package = [{"key": "a", "value": "p"}, {"key": "b", "value": "p"}, {"key": "E", "value": 1, "init": True}]
    await client.request("PUT", f"{P}/p", json={"parameters": package})
    await client.request("PUT", f"{A}/p/x", json={"exec": NODE, "parameters": [{"key": "b", "value": "a"}]})
    answer = await client.request("POST", f"{A}/p/x?blocking=true&result=true", json={"c": "call", "E": "given"})
    assert answer.json() == {"a": "p", "b": "a", "c": "call"}
    assert invoker.requests[0].environment == {"E": "given"}


async def test_a_change_is_seen_by_the_next_invocation(client: AsgiClient) -> None:
    assert (await client.request("POST", RESULT)).json() == {"greeting": "hi"}
    await client.request("PUT", f"{HELLO}?overwrite=true", json={"parameters": []})
    assert (await client.request("POST", RESULT)).json() == {}
    await client.request("DELETE", HELLO)
    assert (await client.request("POST", RESULT)).status == 404


@pytest.mark.parametrize(("publish", "status"), [(True, 200), (False, 403)])
async def test_a_foreign_action_runs_only_from_a_published_package(
    client: AsgiClient, stranger: AsgiClient, invoker: FakeInvoker, publish: bool, status: int
) -> None:
    await client.request("PUT", f"{P}/p", json={"publish": publish})
    await client.request("PUT", f"{A}/p/x", json={"exec": NODE})
    answer = await stranger.request("POST", "/api/v1/namespaces/guest/actions/p/x?blocking=true")
    assert answer.status == status
    if status == 200:
        assert answer.json()["namespace"] == "other"
        assert answer.json()["annotations"][0] == {"key": "path", "value": "guest/p/x"}
        assert invoker.requests[0].namespace == "other"


async def test_too_many_in_flight(client: AsgiClient, invoker: FakeInvoker) -> None:
    invoker.answer = lambda _: None
    for _ in range(5):
        assert (await client.request("POST", HELLO)).status == 202
    answer = await client.request("POST", HELLO)
    expected = "Too many concurrent requests in flight (count: 6, allowed: 5)."
    assert (answer.status, answer.json()["error"]) == (429, expected)


async def test_too_many_in_a_minute(client: AsgiClient) -> None:
    for _ in range(20):
        assert (await client.request("POST", HELLO)).status == 202
    answer = await client.request("POST", HELLO)
    expected = "Too many requests in the last minute (count: 21, allowed: 20)."
    assert (answer.status, answer.json()["error"]) == (429, expected)


async def test_no_invoker_is_503(client: AsgiClient, bus: LocalBus) -> None:
    bus.leave("invoker0")
    answer = await client.request("POST", BLOCKING)
    expected = "The server is currently unavailable (because it is overloaded or down for maintenance)."
    assert (answer.status, answer.json()["error"]) == (503, expected)


async def test_the_transaction_id_goes_along(client: AsgiClient, invoker: FakeInvoker, services: RestServices) -> None:
    await client.request("POST", HELLO, headers={"X-Request-ID": "mine"})
    assert invoker.requests[0].transaction_id == "mine"
