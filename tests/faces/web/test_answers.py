"""What the client of a web action gets (contract, sections 18.4 to 18.6)."""

from typing import Any

import pytest

from ioruntime.model.activation import Status

pytestmark = pytest.mark.anyio

NOT_JSON = "Response is not valid 'application/json'."


@pytest.mark.parametrize(
    ("extension", "error", "status", "body"),
    [
        pytest.param("", {"statusCode": 403, "body": "no"}, 403, b"no", id="http"),
        pytest.param(".json", {"a": 1}, 200, b'{\n  "a": 1\n}', id="json"),
        pytest.param(".json", [1], 200, b"[\n  1\n]", id="json of an array"),
        pytest.param(".html", {"html": "<p>"}, 200, b"<p>", id="html"),
        pytest.param(".svg", {"svg": "<svg/>"}, 200, b"<svg/>", id="svg"),
        pytest.param(".text", {"text": 1}, 200, b"1", id="text"),
    ],
)
async def test_an_application_error_is_shown_as_a_result(
    platform: Any, extension: str, error: Any, status: int, body: bytes
) -> None:
    await platform.action(result={"error": error, "body": "unused"}, status=Status.APPLICATION_ERROR)
    answer = await platform.ask("GET", f"/guest/p/a{extension}")
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    ("extension", "result", "status", "text"),
    [
        (".json", {"error": "x"}, 400, NOT_JSON),
        ("", {"error": "x"}, 400, "Response is not valid 'message/http'."),
        (".text", {"error": {}}, 404, "Response does not include requested property."),
    ],
)
async def test_refused_results_carry_the_activation_id(
    platform: Any, extension: str, result: Any, status: int, text: str
) -> None:
    await platform.action(result=result, status=Status.APPLICATION_ERROR)
    answer = await platform.ask("GET", f"/guest/p/a{extension}", headers={"x-request-id": "abc"})
    assert (answer.status, answer.json()) == (status, {"error": text, "code": "abc"})
    assert answer.body.startswith(b'{\n  "error"')
    assert answer.headers["x-openwhisk-activation-id"] == platform.invoker.requests[0].activation_id


@pytest.mark.parametrize("status", [Status.DEVELOPER_ERROR, Status.WHISK_ERROR])
async def test_failures_say_nothing_of_themselves(platform: Any, status: Status) -> None:
    await platform.action(result={"error": {"body": "secret"}}, status=status)
    answer = await platform.ask("GET")
    assert (answer.status, answer.json()["error"]) == (400, "There was an error processing your request.")


async def test_an_array_as_result_is_served_as_json_only(platform: Any) -> None:
    await platform.action(result=[1, 2])
    assert (await platform.ask("GET", "/guest/p/a.json")).json() == [1, 2]
    assert (await platform.ask("GET")).json()["error"] == "Response is not valid 'message/http'."


async def test_what_the_client_does_not_accept_is_406_after_one_run(platform: Any) -> None:
    await platform.action(result={"body": "x"})
    answer = await platform.ask("GET", headers={"accept": "application/json, text/*;q=0"})
    assert (answer.status, platform.runs) == (406, 1)
    assert answer.json()["error"] == "Resource representation is only available with these types:\ntext/html; charset=UTF-8"
    assert answer.headers["x-openwhisk-activation-id"]


async def test_empty_answers_suit_everybody(platform: Any) -> None:
    await platform.action(result={"statusCode": 201})
    answer = await platform.ask("GET", headers={"accept": "image/png"})
    assert (answer.status, answer.body, answer.headers["content-length"]) == (201, b"", "0")


async def test_no_content_has_no_length(platform: Any) -> None:
    await platform.action(result={})
    answer = await platform.ask("GET")
    assert (answer.status, "content-length" in answer.headers, "content-type" in answer.headers) == (204, False, False)


async def test_headers_reach_the_client_once_and_cannot_be_forged(platform: Any) -> None:
    headers = {"X-Mine": "grün –", "Content-Length": 1, "X-Request-Id": "forged", "X-OpenWhisk-Activation-Id": "forged"}
    await platform.action(result={"headers": headers, "body": "body"})
    answer = await platform.ask("GET", headers={"x-request-id": "abc"})
    assert (answer.body, answer.headers["content-length"], answer.headers["x-request-id"]) == (b"body", "4", "abc")
    assert answer.headers["x-mine"].encode("latin-1").decode() == "grün –"
    assert answer.headers["x-openwhisk-activation-id"] != "forged"


async def test_injected_headers_are_refused(platform: Any) -> None:
    await platform.action(result={"headers": {"location": "/x\r\nset-cookie: a=1"}, "statusCode": 302})
    answer = await platform.ask("GET")
    assert (answer.status, "set-cookie" in answer.headers) == (400, False)
