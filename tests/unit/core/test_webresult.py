"""From results to answers (contract, sections 18.4 and 18.5), and what may be kept of them."""

import base64
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioruntime.core.web.exchange import Headers, WebRequest, WebResponse
from ioruntime.core.web.mediatypes import accepts, parse_media_type
from ioruntime.core.web.responsecache import ResponseCache, lifetime
from ioruntime.core.web.result import render
from ioruntime.model.errors import IoRuntimeError

HTTP = "Response is not valid 'message/http'."
MISMATCH = "Response type in header did not match generated content type."
HTML = "text/html; charset=UTF-8"
PNG = b"\x89PNG\x00"
NO_RESULTS: list[Any] = [[], "text", 1, None, True]
NO_STATUSES: list[Any] = [999, 600, 100, 101, 0, -200, 200.5, "2xx", "", None, True, [], {}, 10**40]
NO_HEADERS: list[Any] = [
    *(None, [], "x", {"a": None}, {"a": {}}, {"a": [None]}, {"a": [[]]}, {"": "x"}, {"a b": "x"}, {"a:": "x"}),
    *({"a\r\nb": "x"}, {"a": "x\r\nset-cookie: b=1"}, {"a": "x\ny"}, {"a": "\x00"}, {"a": ["ok", "\r"]}, {"é": "x"}),
]
NO_EXTENSIONS: list[tuple[str, str, list[Any]]] = [
    ("json", "Response is not valid 'application/json'.", ["x", 1, None]),
    ("html", "Response is not valid 'text/html'.", [{}, {"body": 1}, {"html": None}, "x", []]),
    ("svg", "Response is not valid 'image/svg+xml'.", [{}, {"svg": {}}, "x"]),
    ("text", "Response does not include requested property.", [{}, "x", [1]]),
]
REQUEST = WebRequest(method="GET", namespace="n", action="a", transaction_id="t")


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def typed(body: Any, content_type: Any) -> dict[str, Any]:
    return {"body": body, "headers": {"Content-Type": content_type}}


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        pytest.param({}, 204, None, b"", id="nothing"),
        pytest.param({"body": None, "statusCode": 200}, 200, None, b"", id="null"),
        pytest.param({"body": "", "headers": {"content-type": "text/x"}}, 204, None, b"", id="empty drops the type"),
        pytest.param({"body": "x"}, 200, HTML, b"x", id="text is HTML"),
        pytest.param({"body": "x", "statusCode": "404"}, 404, HTML, b"x", id="status as text"),
        pytest.param({"body": "x", "statusCode": 444.0}, 444, HTML, b"x", id="any status"),
        pytest.param({"body": "x", "statusCode": 204}, 204, None, b"", id="no body where none may be"),
        pytest.param({"body": "x", "statusCode": 304}, 304, None, b"", id="nor here"),
        pytest.param({"body": [1, {"é": 1}]}, 200, "application/json", '[\n  1,\n  {\n    "é": 1\n  }\n]'.encode(), id="JSON"),
        pytest.param({"body": False}, 200, "application/json", b"false", id="a scalar"),
        pytest.param(typed({"a": 1}, "application/v+json"), 200, "application/v+json", b'{\n  "a": 1\n}', id="JSON of a type"),
        pytest.param(typed("é", "text/plain"), 200, "text/plain; charset=UTF-8", "é".encode(), id="text"),
        pytest.param(typed("é", "text/plain; charset=latin-1"), 200, "text/plain; charset=latin-1", b"\xe9", id="in a charset"),
        pytest.param(typed("a,b", "application/json"), 200, "application/json", b"a,b", id="text that is no JSON"),
        pytest.param(typed("true", "application/json"), 200, "application/json", b"true", id="text that is JSON"),
        pytest.param(typed(b64(b'{"a":1}'), "application/json"), 200, "application/json", b'{"a":1}', id="JSON as base64"),
        pytest.param(typed(b64(PNG), "image/png"), 200, "image/png", PNG, id="binary"),
        pytest.param(typed(b64(PNG).rstrip("="), "image/png"), 200, "image/png", PNG, id="without padding"),
        pytest.param(typed(b64(b"<svg/>"), "image/svg+xml"), 200, "image/svg+xml", b"<svg/>", id="svg is binary"),
        pytest.param(typed("x", ["text/plain", "a/b"]), 200, "text/plain; charset=UTF-8", b"x", id="first of several types"),
    ],
)
def test_http(result: Any, status: int, content_type: str | None, body: bytes) -> None:
    answer = render(raw(result), "http")
    assert (answer.status, answer.header("content-type"), answer.body) == (status, content_type, body)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        *(pytest.param(value, HTTP, id=f"result {value!r}") for value in NO_RESULTS),
        *(pytest.param({"statusCode": code}, HTTP, id=f"status {code!r}") for code in NO_STATUSES),
        *(pytest.param({"headers": headers}, HTTP, id=f"headers {headers!r}") for headers in NO_HEADERS),
        pytest.param(typed("x", "xyzbar"), "Response did not specify a known content-type.", id="unknown type"),
        pytest.param(typed({"a": 1}, "text/plain"), MISMATCH, id="object that should be text"),
        pytest.param(typed("not base64!", "image/png"), MISMATCH, id="text that should be binary"),
        pytest.param(typed("x" * 5, "application/foo"), MISMATCH, id="no base64 either"),
    ],
)
def test_http_refuses(result: Any, text: str) -> None:
    with pytest.raises(IoRuntimeError) as refused:
        render(raw(result), "http")
    assert str(refused.value) == text


def test_headers() -> None:
    given = {"Set-Cookie": ["a=1", "b=2"], "X-N": 1.5, "X-B": True, "X-None": [], "X-U": "é\t–", "Content-Length": "99"}
    given |= {"Transfer-Encoding": "chunked", "X-Request-Id": "mine", "Connection": "close"}
    answer = render(raw({"headers": given}), "http")
    assert answer.headers == (("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-n", "1.5"), ("x-b", "true"), ("x-u", "é\t–"))


@pytest.mark.parametrize(
    ("result", "extension", "expected"),
    [
        pytest.param({"a": 1, "statusCode": 500}, "json", '{\n  "a": 1,\n  "statusCode": 500\n}', id="whole object"),
        pytest.param([1], "json", "[\n  1\n]", id="an array"),
        pytest.param({"n": 1}, "json", '{\n  "n": 1\n}', id="json"),
        pytest.param({"body": "b", "html": "h"}, "html", "b", id="html from body"),
        pytest.param({"html": "h"}, "html", "h", id="html from html"),
        pytest.param({"svg": "<svg/>"}, "svg", "<svg/>", id="svg"),
        pytest.param({"body": {"a": 1}}, "text", '{\n  "a": 1\n}', id="an object as text"),
        pytest.param({"text": [1]}, "text", "[\n  1\n]", id="an array as text"),
        pytest.param({"text": 1.0}, "text", "1.0", id="a number as text"),
        pytest.param({"body": None}, "text", "null", id="null as text"),
        pytest.param({"text": "é"}, "text", "é", id="text"),
    ],
)
def test_extensions(result: Any, extension: Any, expected: str) -> None:
    types = {"json": "application/json", "html": HTML, "svg": "image/svg+xml", "text": "text/plain; charset=UTF-8"}
    answer = render(raw(result), extension)
    assert (answer.status, answer.headers, answer.body.decode()) == (200, (("content-type", types[extension]),), expected)


@pytest.mark.parametrize(
    ("result", "extension", "text"),
    [(value, extension, text) for extension, text, values in NO_EXTENSIONS for value in values],
)
def test_extensions_refuse(result: Any, extension: Any, text: str) -> None:
    with pytest.raises(IoRuntimeError) as refused:
        render(raw(result), extension)
    assert str(refused.value) == text


def test_numbers_keep_their_digits() -> None:
    assert render(msgspec.Raw(b'{"body":[1.10,1e400,123456789012345678901234567890]}'), "http").body.split() == [
        *(b"[", b"1.10,", b"1e400,", b"123456789012345678901234567890", b"]")
    ]


@pytest.mark.parametrize("result", [b'{"body":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"body":"\\ud800"}'])
def test_odd_json_breaks_nothing(result: bytes) -> None:
    for extension in ("http", "json", "html", "svg", "text"):
        with suppress(IoRuntimeError):
            assert render(msgspec.Raw(result), extension).status == 200


def _results(inner: Any) -> Any:
    return st.dictionaries(st.sampled_from(["statusCode", "headers", "body", "content-type", "x"]), inner)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | _results(inner)))
def test_every_result_has_an_answer_or_a_refusal(result: Any) -> None:
    try:
        answer = render(raw(result), "http")
    except IoRuntimeError:
        return
    assert 200 <= answer.status <= 599
    assert not any(set(value) & set("\r\n\0") for pair in answer.headers for value in pair)


@pytest.mark.parametrize(
    ("accept", "media_type", "expected"),
    [
        ("*/*", "text/html", True),
        ("text/*;q=0.1, image/png", "text/html", True),
        ("application/json", "text/html", False),
        ("text/html;q=0, */*", "text/html", False),
        ("TEXT/HTML", "text/html", True),
        ("nonsense", "text/html", True),
        ("a/b;q=x", "a/b", True),
        ("a/b;version=1", "a/b", True),
    ],
)
def test_accept(accept: str, media_type: str, expected: bool) -> None:
    assert accepts(accept, media_type) is expected


@pytest.mark.parametrize(
    "header", ["", "x", "a/", "/b", "a/b;c", "a b/c", "a/b; c=", "text/html" + " ;" * 3, "a/b" + " " * 60_000 + "x"]
)
def test_no_media_types(header: str) -> None:
    assert parse_media_type(header) is None


def kept(max_age: str = "60", **headers: str) -> WebResponse:
    given: Headers = (("cache-control", f"max-age={max_age}"), *((name, value) for name, value in headers.items()))
    return WebResponse(status=200, headers=given, body=b"x" * 100)


def test_half_an_hour_is_the_most() -> None:
    assert (lifetime(kept("99999")), lifetime(kept("5"))) == (1800, 5)
    assert lifetime(msgspec.structs.replace(kept(), status=500)) == 0


def test_a_cache_stays_within_its_bytes_and_forgets_what_is_oldest() -> None:
    cache = ResponseCache(most_bytes=10_000)
    for number in range(1000):
        cache.keep(("url", number), REQUEST, kept(), 0.0)
        assert cache.find(("url", 0), REQUEST, 0.0) is not None  # asked for often: it stays
    assert repr(cache).startswith("<ResponseCache [15 URLs, ")
    assert cache.find(("url", 500), REQUEST, 0.0) is None
    assert cache.find(("url", 999), REQUEST, 0.0) is not None


def test_a_cache_forgets_what_is_over_and_too_many_variants() -> None:
    cache = ResponseCache(most_bytes=1_000_000)
    for number in range(100):
        request = msgspec.structs.replace(REQUEST, headers=(("x", str(number)),))
        cache.keep("url", request, kept(vary="x"), 0.0)
    assert cache.find("url", msgspec.structs.replace(REQUEST, headers=(("x", "1"),)), 1.0) is None
    assert cache.find("url", msgspec.structs.replace(REQUEST, headers=(("x", "99"),)), 1.0) is not None
    assert cache.find("url", REQUEST, 60.0) is None
    assert repr(cache) == "<ResponseCache [0 URLs, 0 bytes]>"


def test_a_cache_of_nothing_keeps_nothing() -> None:
    cache = ResponseCache(most_bytes=0)
    cache.keep("url", REQUEST, kept(), 0.0)
    assert repr(cache) == "<ResponseCache [0 URLs, 0 bytes]>"
