"""Section 18: web actions."""

import base64
from typing import Any

import msgspec
import pytest
from tests.system.openwhisk.conftest import WEB, Api, pairs

from ioruntime.testing.server import ServerAnswer, ServerClient

pytestmark = pytest.mark.timeout(60)
SHOW = "def main(args): return {'body': args}"
MISSING = "The requested resource does not exist."
TEXT = {"Content-Type": "text/plain"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def web(api: Api, name: str, source: str = SHOW, *annotations: dict[str, Any], **fields: Any) -> None:
    api.action(name, source, annotations=[WEB, *annotations], **fields)


def path(api: Api, rest: str) -> str:
    return f"/api/v1/web/{api.namespace}/{rest}"


def answering(result: str) -> str:
    return f"def main(args): return {result}"


def told(answer: ServerAnswer) -> tuple[int, str]:
    body: dict[str, str] = answer.json()
    assert answer.body == msgspec.json.format(msgspec.json.encode(body), indent=2)
    return answer.status, body["error"]


def test_18_1_addresses(api: Api, anybody: ServerClient) -> None:
    web(api, "a")
    api.put("packages/p")
    web(api, "p/a")
    for rest, seen in (("default/a", ""), ("default/a.http", ""), ("p/a.json/x%20y/z?q=1", "/x%20y/z"), ("p/a/", "/")):
        answer = anybody.request("GET", path(api, rest)).json()
        assert answer.get("body", answer)["__ow_path"] == seen
    assert anybody.request("TRACE", path(api, "default/a")).status == 405
    assert told(anybody.request("GET", path(api, "default/a.xyz"))) == (404, MISSING)


@pytest.mark.parametrize("export", [False, "true", 1, None])
def test_18_2_only_true_exports(api: Api, anybody: ServerClient, export: Any) -> None:
    api.action("a", annotations=[{"key": "web-export", "value": export}])
    for rest in ("default/a", "default/none", "none/a"):
        assert told(anybody.request("GET", path(api, rest))) == (404, MISSING)
    assert told(anybody.request("GET", "/api/v1/web/no-such-namespace/default/a")) == (404, MISSING)


def test_18_2_the_activation_is_the_owners(api: Api, other: Api) -> None:
    web(api, "a")
    answer = other.ask("GET", path(api, "default/a"))
    assert api.client.ended(answer.headers["x-openwhisk-activation-id"])["namespace"] == api.namespace
    assert other.get("activations") == []


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        pytest.param(b'{"a":1}', {"Content-Type": "application/json"}, {"a": 1}, id="18.3 JSON object"),
        pytest.param(b"[1]", {"Content-Type": "application/json"}, {"__ow_body": [1]}, id="18.3 other JSON"),
        pytest.param(b"a=1&b=2", FORM, {"a": "1", "b": "2"}, id="18.3 form"),
        pytest.param(b"text", TEXT, {"__ow_body": "text"}, id="18.3 text"),
        pytest.param(b"\x00\xff", {"Content-Type": "image/png"}, {"__ow_body": "AP8="}, id="18.3 binary"),
    ],
)
def test_18_3_bodies(api: Api, anybody: ServerClient, body: bytes, headers: dict[str, str], expected: dict[str, Any]) -> None:
    web(api, "a", parameters=pairs(own=1, a=0))
    seen = anybody.request("POST", path(api, "default/a?q=2&a=9"), body=body, headers=headers).json()
    assert seen["__ow_method"] == "post"
    assert seen["__ow_headers"]["content-type"] == headers["Content-Type"]
    assert seen | {"own": 1, "q": "2"} | expected == seen
    assert "__ow_user" not in seen


def test_18_3_the_caller(api: Api, other: Api, anybody: ServerClient) -> None:
    web(api, "a")
    assert other.ask("GET", path(api, "default/a")).json()["__ow_user"] == other.namespace
    wrong = {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()}
    assert "__ow_user" not in anybody.request("GET", path(api, "default/a"), headers=wrong).json()


def test_18_3_raw(api: Api, anybody: ServerClient) -> None:
    web(api, "raw", SHOW, {"key": "raw-http", "value": True})
    at = path(api, "default/raw?a=%201&__ow_method=x")
    seen = anybody.request("POST", at, body=b'{"a":1}', headers={"Content-Type": "application/json"}).json()
    assert (seen["__ow_query"], base64.b64decode(seen["__ow_body"])) == ("a=%201&__ow_method=x", b'{"a":1}')
    assert "a" not in seen
    assert anybody.request("POST", at, body=b"a=1", headers=FORM).json()["__ow_body"] == "a=1"
    assert anybody.request("GET", at).json()["__ow_body"] == ""


def test_18_3_what_a_request_must_not_bring(api: Api, anybody: ServerClient) -> None:
    web(api, "a", SHOW, *pairs(final=True), parameters=pairs(fixed=1))
    text = "Request defines parameters that are not allowed (e.g., reserved properties)."
    for query in ("fixed=2", "__ow_path=x", "__ow_body=x", "__ow_query=x"):
        assert told(anybody.request("GET", path(api, f"default/a?{query}"))) == (400, text)
    json = {"Content-Type": "application/json"}
    assert told(anybody.request("POST", path(api, "default/a"), body=b'{"__ow_user":1}', headers=json)) == (400, text)
    assert anybody.request("POST", path(api, "default/a"), body=b"{", headers=json).status == 400


INVALID = "Response is not valid 'message/http'."
MISMATCH = "Response type in header did not match generated content type."
UNKNOWN = "Response did not specify a known content-type."


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        pytest.param("{}", 204, None, b"", id="18.4 no body"),
        pytest.param("{'statusCode': 200, 'body': ''}", 200, None, b"", id="18.4 empty body"),
        pytest.param("{'statusCode': '444', 'body': 'x'}", 444, "text/html; charset=UTF-8", b"x", id="18.4 status as text"),
        pytest.param("{'body': '<p>'}", 200, "text/html; charset=UTF-8", b"<p>", id="18.4 text"),
        pytest.param("{'body': {'a': 1}}", 200, "application/json", b'{\n  "a": 1\n}', id="18.4 object"),
        pytest.param("{'body': 7}", 200, "application/json", b"7", id="18.4 number"),
        pytest.param(
            "{'headers': {'content-type': 'image/png'}, 'body': 'AP8='}", 200, "image/png", b"\x00\xff", id="18.4 binary"
        ),
        pytest.param(
            "{'headers': {'content-type': 'application/hal+json'}, 'body': [1]}",
            200,
            "application/hal+json",
            b"[\n  1\n]",
            id="18.4 other JSON",
        ),
    ],
)
def test_18_4_answers(api: Api, anybody: ServerClient, result: str, status: int, content_type: str | None, body: bytes) -> None:
    web(api, "a", answering(result))
    answer = anybody.request("GET", path(api, "default/a"))
    assert (answer.status, answer.headers.get("content-type"), answer.body) == (status, content_type, body)
    assert "x-openwhisk-activation-id" in answer.headers


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param("{'statusCode': 'many'}", INVALID, id="18.4 no status"),
        pytest.param("{'statusCode': 999}", INVALID, id="18.4 a status out of range"),
        pytest.param("{'headers': {'a': None}, 'body': 'x'}", INVALID, id="18.4 a header of null"),
        pytest.param("{'headers': {'a': {}}, 'body': 'x'}", INVALID, id="18.4 a header of objects"),
        pytest.param("{'headers': {'content-type': 'xyzbar'}, 'body': 'x'}", UNKNOWN, id="18.4 no content type"),
        pytest.param("{'headers': {'content-type': 'text/html'}, 'body': {}}", MISMATCH, id="18.4 an object as text"),
        pytest.param("{'headers': {'content-type': 'image/png'}, 'body': '%'}", MISMATCH, id="18.4 no base64"),
        pytest.param("{'error': 'no'}", INVALID, id="18.4 an error that is a text"),
        pytest.param("{'error': [1]}", INVALID, id="18.4 an error that is an array"),
    ],
)
def test_18_4_results_that_are_none(api: Api, anybody: ServerClient, result: str, text: str) -> None:
    web(api, "a", answering(result))
    assert told(anybody.request("GET", path(api, "default/a"))) == (400, text)


def test_18_4_repeated_headers(api: Api, anybody: ServerClient) -> None:
    web(api, "a", answering("{'headers': {'Set-Cookie': ['a=1', 'b=2'], 'x-n': 7, 'x-b': True}, 'body': 'x'}"))
    headers = anybody.request("GET", path(api, "default/a")).headers
    assert (headers["set-cookie"], headers["x-n"], headers["x-b"]) == ("b=2", "7", "true")


@pytest.mark.parametrize(
    ("extension", "result", "status", "content_type", "body"),
    [
        pytest.param("json", "{'a': 1}", 200, "application/json", b'{\n  "a": 1\n}', id="18.5 json"),
        pytest.param("html", "{'html': '<p>'}", 200, "text/html; charset=UTF-8", b"<p>", id="18.5 html"),
        pytest.param("svg", "{'body': '<svg/>', 'svg': 'no'}", 200, "image/svg+xml", b"<svg/>", id="18.5 svg"),
        pytest.param("text", "{'text': 7}", 200, "text/plain; charset=UTF-8", b"7", id="18.5 text"),
        pytest.param("text", "{'body': None}", 200, "text/plain; charset=UTF-8", b"null", id="18.5 null"),
    ],
)
def test_18_5_extensions(
    api: Api, anybody: ServerClient, extension: str, result: str, status: int, content_type: str, body: bytes
) -> None:
    web(api, "a", answering(result))
    answer = anybody.request("GET", path(api, f"default/a.{extension}"))
    assert (answer.status, answer.headers["content-type"], answer.body) == (status, content_type, body)


@pytest.mark.parametrize(
    ("extension", "status", "text"),
    [
        ("html", 400, "Response is not valid 'text/html'."),
        ("svg", 400, "Response is not valid 'image/svg+xml'."),
        ("text", 404, "Response does not include requested property."),
    ],
)
def test_18_5_what_the_result_lacks(api: Api, anybody: ServerClient, extension: str, status: int, text: str) -> None:
    web(api, "a", answering("{'other': 1}"))
    assert told(anybody.request("GET", path(api, f"default/a.{extension}"))) == (status, text)


def test_18_5_accept(api: Api, anybody: ServerClient) -> None:
    web(api, "a", answering("{'body': 'x'}"))
    refused = anybody.request("GET", path(api, "default/a"), headers={"Accept": "application/json"})
    assert told(refused)[0] == 406
    assert api.client.ended(refused.headers["x-openwhisk-activation-id"])["response"]["success"]
    assert anybody.request("GET", path(api, "default/a"), headers={"Accept": "text/*"}).status == 200


def test_18_6_errors(api: Api, anybody: ServerClient) -> None:
    web(api, "a", answering("{'error': {'statusCode': 403, 'body': 'no'}}"))
    answer = anybody.request("GET", path(api, "default/a"))
    assert (answer.status, answer.body) == (403, b"no")
    web(api, "b", answering("'text'"))
    assert told(anybody.request("GET", path(api, "default/b"))) == (400, "There was an error processing your request.")


def test_18_7_other_origins(api: Api, anybody: ServerClient) -> None:
    web(api, "a")
    wanted = {"Access-Control-Request-Headers": "x-mine"}
    answer = anybody.request("OPTIONS", path(api, "default/a"), headers=wanted)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH"
    assert answer.headers["access-control-allow-headers"] == "x-mine"
    assert api.get("activations") == []
    web(api, "own", answering("{'headers': {'x-own': '1'}}"), *pairs(web_custom_options=True, require_whisk_auth="s"))
    answer = anybody.request("OPTIONS", path(api, "default/own"))
    assert (answer.status, answer.headers["x-own"]) == (204, "1")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("value", "header", "status"),
    [
        ("secret", "secret", 200),
        ("secret", "guess", 401),
        ("secret", None, 401),
        (7, "7", 200),
        (True, "true", 401),
        (False, None, 200),
        (None, None, 401),
    ],
)
def test_18_8_require_whisk_auth(api: Api, anybody: ServerClient, value: Any, header: str | None, status: int) -> None:
    web(api, "a", SHOW, {"key": "require-whisk-auth", "value": value})
    sent = {} if header is None else {"X-Require-Whisk-Auth": header}
    answer = anybody.request("GET", path(api, "default/a"), headers=sent)
    assert answer.status == status
    if value is True:
        assert api.ask("GET", path(api, "default/a")).status == 200


def test_18_9_bindings(api: Api, other: Api, anybody: ServerClient) -> None:
    other.put("packages/p", {"publish": True, "parameters": pairs(a=1, b=1)})
    web(other, "p/a", parameters=pairs(c=3))
    api.put("packages/bound", {"binding": {"namespace": other.namespace, "name": "p"}, "parameters": pairs(b=2)})
    seen = anybody.request("GET", path(api, "bound/a")).json()
    assert (seen["a"], seen["b"], seen["c"]) == (1, 2, 3)
