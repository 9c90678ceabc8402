"""Reading a request."""

from collections.abc import Iterable
from typing import Any

import pytest

from ioruntime.faces.http.call import Call, ClientGoneError, Receive
from ioruntime.model.errors import MalformedBodyError, TooLargeError, UnsupportedMediaTypeError

pytestmark = pytest.mark.anyio


def receiving(messages: Iterable[dict[str, Any]]) -> Receive:
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(left)

    return receive


def call(*chunks: bytes | None, query: bytes = b"", **headers: str) -> Call:
    """A request whose body comes in chunks; None is where the client leaves."""
    messages: list[dict[str, Any]] = [
        {"type": "http.disconnect"}
        if chunk is None
        else {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    listed = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    return Call({"method": "POST", "query_string": query, "headers": listed}, receiving(messages), "id")


@pytest.mark.parametrize("chunks", [(b"abcd",), (b"ab", b"cd"), (b"", b"abcd", b"")])
async def test_a_body_in_pieces(chunks: tuple[bytes, ...]) -> None:
    assert await call(*chunks).body(limit_bytes=4) == b"abcd"


@pytest.mark.parametrize("chunks", [(b"abcde",), (b"abc", b"de", b"never read")])
async def test_a_body_that_is_too_long(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(TooLargeError, match=r"Request larger than allowed: 5 > 4 bytes\."):
        await call(*chunks).body(limit_bytes=4)


async def test_a_body_announced_as_too_long_is_not_read() -> None:
    with pytest.raises(TooLargeError, match=r"Request larger than allowed: 5 > 4 bytes\."):
        await call(content_length="5").body(limit_bytes=4)


@pytest.mark.parametrize("chunks", [(None,), (b"ab", None)])
async def test_a_client_that_left(chunks: tuple[bytes | None, ...]) -> None:
    with pytest.raises(ClientGoneError):
        await call(*chunks).body()


async def test_json() -> None:
    assert await call(b'{"a": 1}', content_type="application/json;charset=UTF-8").json(dict[str, int]) == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a": "x"}', b'{"a": 1} x', b'{"\xff": 1}', b"[" * 100_000])
async def test_json_that_is_none(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match=r"\AThe request content was malformed:\n"):
        await call(body, content_type="application/json").json(dict[str, int])


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonx", ""])
async def test_another_type(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        await call(b"{}", content_type=content_type).json(dict[str, int])


async def test_no_type_at_all() -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        await call(b"{}").json(dict[str, int])


async def test_query() -> None:
    assert call(query=b"a=1&b=&a=%20%C3%A4+x").query == {"a": " ä x", "b": ""}
