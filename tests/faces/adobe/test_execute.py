"""POST to an action executes it."""

from typing import Any

import pytest

from ioruntime.model.activation import Activation, Status
from ioruntime.ports.bus import InvocationRequest
from ioruntime.testing.invoker import ended

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("acme")]

ACTIONS = "/runtime/namespaces/acme/42/actions"
HELLO = f"{ACTIONS}/hello"
FORM: dict[str, Any] = {
    "name": "hello",
    "code": "main",
    "exec": {"kind": "nodejs:24"},
    "params": [{"key": "a", "value": 1}, {"key": "fixed", "value": 2}],
}


@pytest.fixture(autouse=True)
async def hello(platform: Any, acme: Any) -> None:
    assert (await platform.ask("POST", ACTIONS, json=FORM)).status == 200


async def test_outcome_has_the_shape_of_the_reference(platform: Any) -> None:
    answer = await platform.ask("POST", HELLO, json={"a": "mine"}, headers={"x-request-id": "mine-1"})
    (request,) = platform.invoker.requests
    assert (answer.status, answer.headers["x-openwhisk-activation-id"]) == (200, request.activation_id)
    document = answer.json()
    annotations = {each["key"]: each["value"] for each in document.pop("annotations")}
    assert document == {
        "name": "hello",
        "namespace": "acme_42",
        "activationId": request.activation_id,
        "duration": 1,
        "version": "0.0.1",
        "response": {"status": "success", "statusCode": 0, "success": True, "result": {"a": "mine", "fixed": 2}},
    }
    assert (annotations["path"], annotations["kind"]) == ("acme_42/hello", "nodejs:24")
    assert (request.transaction_id, request.blocking) == ("mine-1", True)


async def test_token_of_the_integration_is_enough(platform: Any) -> None:
    assert (await platform.ask("POST", HELLO, token=platform.token())).status == 200


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/json"}])
async def test_body_may_be_left_out(platform: Any, headers: dict[str, str]) -> None:
    answer = await platform.ask("POST", HELLO, headers=headers)
    assert answer.json()["response"]["result"] == {"a": 1, "fixed": 2}


@pytest.mark.parametrize(
    ("status", "result", "http", "text"),
    [
        (Status.APPLICATION_ERROR, {"error": "no"}, 502, "application error"),
        (Status.DEVELOPER_ERROR, {"error": "no"}, 502, "action developer error"),
        (Status.WHISK_ERROR, {"error": "no"}, 500, "whisk internal error"),
        (Status.SUCCESS, [1, 2], 200, "success"),
    ],
)
async def test_failures_have_the_same_shape(platform: Any, status: Status, result: Any, http: int, text: str) -> None:
    def end(request: InvocationRequest) -> Activation:
        return ended(request, result, status=status)

    platform.invoker.answer = end
    answer = await platform.ask("POST", HELLO)
    expected = {"status": text, "statusCode": int(status), "success": status == Status.SUCCESS, "result": result}
    assert (answer.status, answer.json()["response"]) == (http, expected)


def leave_open(_: InvocationRequest) -> None:
    return None


@pytest.mark.parametrize("query", ["?blocking=false", ""])
async def test_what_goes_on_is_accepted(platform: Any, query: str) -> None:
    platform.invoker.answer = leave_open
    answer = await platform.ask("POST", HELLO + query)
    (request,) = platform.invoker.requests
    assert (answer.status, answer.json()) == (202, {"activationId": request.activation_id})
    assert answer.headers["x-openwhisk-activation-id"] == request.activation_id
    assert [each.activation_id for each in await platform.stores.activations.accepted()] == [request.activation_id]
    platform.invoker.finish(request, ended(request, {}))


@pytest.mark.parametrize(
    ("target", "headers", "body", "status", "message"),
    [
        pytest.param(
            HELLO,
            {"content-type": "text/plain"},
            b"{}",
            415,
            "The request's Content-Type is not supported. Expected:\napplication/json",
            id="no JSON",
        ),
        pytest.param(
            HELLO,
            {"content-type": "application/json"},
            b"x" * 1_048_577,
            413,
            "Request larger than allowed: 1048577 > 1048576 bytes.",
            id="too large",
        ),
        pytest.param(
            f"{HELLO}?blocking=perhaps",
            {},
            b"",
            400,
            "The query parameter 'blocking' was malformed:\n'perhaps' is not a valid Boolean value",
            id="neither",
        ),
    ],
)
async def test_refused_requests_run_nothing(
    platform: Any, target: str, headers: dict[str, str], body: bytes, status: int, message: str
) -> None:
    answer = await platform.ask("POST", target, headers=headers, body=body)
    assert (answer.status, answer.json()) == (status, {"error_code": f"{status}000", "message": message})
    assert platform.invoker.requests == []


@pytest.mark.parametrize("body", [b"[]", b"3", b"{", b'{"a":"\xff"}', b"null"])
async def test_arguments_are_an_object(platform: Any, body: bytes) -> None:
    answer = await platform.ask("POST", HELLO, headers={"content-type": "application/json"}, body=body)
    assert (answer.status, answer.json()["error_code"]) == (400, "400000")
    assert platform.invoker.requests == []


async def test_final_parameters_stay(platform: Any) -> None:
    await platform.ask("PUT", HELLO, json={"annotations": [{"key": "final", "value": True}]})
    answer = await platform.ask("POST", HELLO, json={"fixed": 3})
    text = "Request defines parameters that are not allowed (e.g., reserved properties)."
    assert (answer.status, answer.json()) == (400, {"error_code": "400000", "message": text})


async def test_too_many_in_a_minute(platform: Any) -> None:
    for _ in range(5):
        assert (await platform.ask("POST", HELLO)).status == 200
    answer = await platform.ask("POST", HELLO)
    text = "Too many requests in the last minute (count: 6, allowed: 5)."
    assert (answer.status, answer.json()) == (429, {"error_code": "429050", "message": text})
    assert int(answer.headers["retry-after"]) > 0


async def test_no_invoker_takes_it(platform: Any) -> None:
    platform.bus.leave("invoker0")
    answer = await platform.ask("POST", HELLO)
    assert (answer.status, answer.json()["error_code"], answer.headers["retry-after"]) == (503, "503000", "1")


async def test_updated_action_runs_at_once(platform: Any) -> None:
    await platform.ask("POST", HELLO)
    await platform.ask("PUT", HELLO, json={"params": [{"key": "a", "value": "new"}]})
    answer = await platform.ask("POST", HELLO)
    assert (answer.json()["version"], answer.json()["response"]["result"]) == ("0.0.2", {"a": "new"})
    await platform.ask("DELETE", HELLO)
    assert (await platform.ask("POST", HELLO)).status == 404


async def test_second_execution_reads_no_store(platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await platform.ask("POST", HELLO)

    async def refuse(*_: Any) -> None:
        raise AssertionError("the hot path must not read")

    monkeypatch.setattr(platform.stores.namespaces, "by_owner", refuse)
    monkeypatch.setattr(platform.stores.entities, "read", refuse)
    assert (await platform.ask("POST", HELLO)).status == 200


async def test_deleted_namespace_is_gone_at_once(platform: Any) -> None:
    token = platform.token()
    assert (await platform.ask("POST", HELLO, token=token)).status == 200
    assert (await platform.ask("DELETE", "/runtime/admin/namespaces/acme/42")).status == 200
    assert (await platform.ask("POST", HELLO, token=token)).status == 404


async def test_limits_of_the_namespace_count(platform: Any) -> None:
    assert (await platform.ask("POST", HELLO)).status == 200
    await platform.namespaces.set_limits("acme_42", {"invocationsPerMinute": 1})
    assert (await platform.ask("POST", HELLO)).json()["error_code"] == "429050"
