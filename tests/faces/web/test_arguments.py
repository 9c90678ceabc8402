"""What a web action gets: query, body and the request itself (contract, section 18.3)."""

import base64
from typing import Any

import pytest

from ioruntime.model.names import EntityPath
from ioruntime.model.package import Binding, Package
from ioruntime.model.params import Parameter

pytestmark = pytest.mark.anyio

BINARY = bytes(range(256))
NOT_ALLOWED = "Request defines parameters that are not allowed (e.g., reserved properties)."
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
PARTS = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\nvalue\r\n--x--\r\n'


def b64(body: bytes) -> str:
    return base64.b64encode(body).decode()


async def test_the_request_itself_is_told(platform: Any) -> None:
    await platform.action()
    got = await platform.arguments("PUT", "/guest/p/a.http/x%2Fy//z?q=1", headers={"X-Mine": "1", "Content-Type": "text/plain"})
    assert (got["__ow_method"], got["__ow_path"]) == ("put", "/x%2Fy//z")
    assert got["__ow_headers"] | {"x-mine": "1", "content-type": "text/plain", "host": "test"} == got["__ow_headers"]
    assert got["q"] == "1"
    assert "__ow_user" not in got


@pytest.mark.parametrize("credentials", [{"basic": f"11111111-1111-1111-1111-111111111111:{'g' * 64}"}, {"basic": "no:no"}, {}])
async def test_only_valid_credentials_name_a_caller(platform: Any, credentials: dict[str, str]) -> None:
    await platform.action()
    got = await platform.arguments(**credentials)
    assert got.get("__ow_user") == ("guest" if "1111" in str(credentials) else None)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        pytest.param("application/json", b'{"n": 1.50, "q": "body"}', {"n": 1.5, "q": "body"}, id="members of an object"),
        pytest.param("application/vnd.x+json", b'{"n": 1}', {"n": 1, "q": "query"}, id="of any +json type"),
        pytest.param("application/json", b" [1, 2] ", {"__ow_body": [1, 2], "q": "query"}, id="another JSON value"),
        pytest.param("application/json", b"null", {"__ow_body": None, "q": "query"}, id="even null"),
        pytest.param("application/json", b"", {"q": "query"}, id="empty JSON is none"),
        pytest.param(FORM, b"a=1&a=2&b=x+y%C3%A9&c=&q=form", {"a": "2", "b": "x yé", "c": "", "q": "form"}, id="form fields"),
        pytest.param("text/plain", "é".encode(), {"__ow_body": "é", "q": "query"}, id="text"),
        pytest.param("text/plain; charset=iso-8859-1", b"\xe9", {"__ow_body": "é", "q": "query"}, id="text in its charset"),
        pytest.param("text/plain; charset=no-such", b"e", {"__ow_body": "e", "q": "query"}, id="unknown charset"),
        pytest.param("text/plain", b"", {"__ow_body": "", "q": "query"}, id="empty text"),
        pytest.param("application/xml", b"<a/>", {"__ow_body": "<a/>", "q": "query"}, id="xml is text"),
        pytest.param("application/octet-stream", BINARY, {"__ow_body": b64(BINARY), "q": "query"}, id="binary"),
        pytest.param("image/svg+xml", b"<svg/>", {"__ow_body": b64(b"<svg/>"), "q": "query"}, id="svg counts as binary"),
        pytest.param("application/foo", b"x", {"__ow_body": b64(b"x"), "q": "query"}, id="unknown type"),
        pytest.param("application/foo; charset=utf-8", b"x", {"__ow_body": "x", "q": "query"}, id="unknown type with charset"),
        pytest.param(MULTIPART, PARTS, {"__ow_body": b64(PARTS), "q": "query"}, id="multipart"),
        pytest.param(None, b"x", {"__ow_body": b64(b"x"), "q": "query"}, id="no type"),
        pytest.param("what?", b"x", {"__ow_body": b64(b"x"), "q": "query"}, id="no real type"),
        pytest.param(None, b"", {"q": "query"}, id="nothing"),
    ],
)
async def test_a_body(platform: Any, content_type: str | None, body: bytes, expected: dict[str, Any]) -> None:
    await platform.action()
    headers = {} if content_type is None else {"content-type": content_type}
    got = await platform.arguments("POST", "/guest/p/a?q=query", headers=headers, body=body)
    assert {key: value for key, value in got.items() if key not in {"__ow_method", "__ow_headers", "__ow_path"}} == expected


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        pytest.param("application/json", b'{"a": 1}', b64(b'{"a": 1}'), id="exactly JSON becomes base64"),
        pytest.param("application/vnd.x+json", b'{"a": 1}', '{"a": 1}', id="other JSON types stay text"),
        pytest.param(FORM, b"a=1&a=2", "a=1&a=2", id="a form as sent"),
        pytest.param("text/plain", b"hi", "hi", id="text as sent"),
        pytest.param(MULTIPART, PARTS, b64(PARTS), id="multipart as base64"),
        pytest.param("image/png", BINARY, b64(BINARY), id="binary as base64"),
        pytest.param(None, b"", "", id="nothing is empty text"),
    ],
)
async def test_a_raw_action_gets_query_and_body_as_sent(
    platform: Any, content_type: str | None, body: bytes, expected: str
) -> None:
    await platform.action(raw_http=True, final=True, parameters={"fixed": 1})
    headers = {} if content_type is None else {"content-type": content_type}
    got = await platform.arguments("POST", "/guest/p/a?fixed=2&__ow_user=x", headers=headers, body=body)
    assert (got["__ow_query"], got["__ow_body"], got["fixed"]) == ("fixed=2&__ow_user=x", expected, 1)
    assert "__ow_user" not in got


async def test_a_raw_action_gets_an_empty_query(platform: Any) -> None:
    await platform.action(raw_http=True)
    assert (await platform.arguments())["__ow_query"] == ""


@pytest.mark.parametrize(
    ("target", "request_", "final"),
    [
        pytest.param("/guest/p/a?__ow_path=x", {}, False, id="reserved in the query"),
        pytest.param("/guest/p/a", {"json": {"__ow_user": "root"}}, False, id="reserved in the body"),
        pytest.param("/guest/p/a?fixed=2", {}, True, id="final in the query"),
        pytest.param("/guest/p/a", {"json": {"fixed": 2}}, True, id="final in the body"),
    ],
)
async def test_overrides_are_refused(platform: Any, target: str, request_: dict[str, Any], final: bool) -> None:
    await platform.action(parameters={"fixed": 1, "open": None}, final=final)
    answer = await platform.ask("POST", target, **request_)
    assert (answer.status, answer.json()["error"], platform.runs) == (400, NOT_ALLOWED, 0)


async def test_final_parameters_of_reserved_names_hinder_nothing(platform: Any) -> None:
    await platform.action(parameters={"__ow_method": "x", "open": None}, final=True)
    got = await platform.arguments("GET", "/guest/p/a?open=1")
    assert (got["__ow_method"], got["open"]) == ("get", "1")


@pytest.mark.parametrize("body", [b"{", b'{"a": }', b"\xff", b'{"a": "\xff"}', b"[" * 1900])
async def test_malformed_json_is_told(platform: Any, body: bytes) -> None:
    await platform.action()
    answer = await platform.ask("POST", headers={"content-type": "application/json"}, body=body)
    assert (answer.status, platform.runs) == (400, 0)
    assert answer.json()["error"].startswith("The request content was malformed:\n")


async def test_parameters_merge_from_package_to_body(platform: Any) -> None:
    entities = platform.stores.entities
    await entities.write(Package(path=EntityPath("other", "open"), publish=True, parameters=_parameters(1, "abcdef")))
    await entities.write(
        Package(path=EntityPath("guest", "bound"), binding=Binding("other", "open"), parameters=_parameters(2, "bcdef"))
    )
    await platform.action("other/open/a", parameters=dict.fromkeys("cdef", 3))
    got = await platform.arguments("POST", "/guest/bound/a?e=4&f=4", json={"f": 5})
    assert [got[key] for key in "abcdef"] == [1, 2, 3, 3, "4", 5]
    assert platform.invoker.requests[0].namespace == "guest"


async def test_repeated_headers_are_joined(platform: Any) -> None:
    await platform.action()
    scope_headers = [(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-a", b"1"), (b"x-a", b"2")]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await platform.client.application(dict(scope) | {"headers": scope_headers}, receive, send)

    client = type(platform.client)(application)
    await client.request("GET", "/api/v1/web/guest/p/a")
    assert b'"cookie":"a=1; b=2","x-a":"1, 2"' in bytes(platform.invoker.requests[0].arguments)


def _parameters(value: int, keys: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(key, value) for key in keys)
