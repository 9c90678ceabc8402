"""One HTTP request and its answer, as handlers see them."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from ioruntime.model.errors import IoRuntimeError, MalformedBodyError, TooLargeError, UnsupportedMediaTypeError

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_BYTES_MOST = 65 * 1024 * 1024
JSON = b"application/json"
WHOLE_ANSWER = "ioruntime.answer.whole"
"""ASGI extension of our server: one message with status, headers and body. In the scope it holds `learn`, which takes a
`Repeatable` for the requests with the same head."""


class ClientGoneError(Exception):
    """The client closed the connection before it had sent its whole request."""


class Reply(msgspec.Struct, frozen=True):
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    content_type: bytes | None = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> "Reply":
        return cls(status, _ENCODER.encode(value), JSON, headers)

    @classmethod
    def text(cls, text: str, status: int = 200) -> "Reply":
        return cls(status, text.encode(), b"text/plain; charset=utf-8")

    @classmethod
    def empty(cls, status: int = 204, headers: tuple[tuple[bytes, bytes], ...] = ()) -> "Reply":
        return cls(status, b"", None, headers)


Answer: TypeAlias = Callable[[Reply | IoRuntimeError], None]
Respond: TypeAlias = Callable[[int, list[tuple[bytes, bytes]], bytes], None]
"""Takes status, headers and body of an answer."""


class Recipe(Protocol):
    """How to answer requests that have one head in common; what differs is the body."""

    def begin(self, body: bytes, transaction_id: str, answer: Answer) -> bool:
        """Start to answer; `answer` is called once. False: nothing was started, take the ordinary way."""
        ...


class Repeatable(Protocol):
    """A recipe, as the server uses it."""

    def begin(self, body: bytes, respond: Respond) -> bool:
        """Start to answer; `respond` is called once. False: nothing was started, take the ordinary way."""
        ...


class Call:
    """A request, with its path already split and unescaped."""

    __slots__ = ("_query", "_receive", "operation", "params", "recipe", "scope", "transaction_id")

    def __init__(self, scope: Scope, receive: Receive, transaction_id: str) -> None:
        self.scope = scope
        self._receive = receive
        self.transaction_id = transaction_id
        self.params: Mapping[str, str] = {}
        """Unescaped path segments by the names in the operation's path."""
        self.operation: str = ""
        """`METHOD /path/{template}`; empty while none matched."""
        self.recipe: Recipe | None = None
        """How to answer the next request that has the same head (`express`)."""
        self._query: Mapping[str, str] | None = None

    @property
    def method(self) -> str:
        return self.scope["method"]

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters; of a repeated one the last counts."""
        if self._query is None:
            self._query = _parse_query(self.scope["query_string"])
        return self._query

    def header(self, name: bytes) -> str | None:
        """Return a header by its lower-case name."""
        for key, value in self.scope["headers"]:
            if key == name:
                return value.decode("latin-1")
        return None

    async def body(self, *, limit_bytes: int = BODY_BYTES_MOST, field: str = "Request") -> bytes:
        """Read the whole body.

        Raises:
            TooLargeError: it is longer than the limit; what was announced as too long is not read at all.
            ClientGoneError: the client left.
        """
        announced = self.header(b"content-length")
        if announced is not None and announced.isdecimal() and int(announced) > limit_bytes:
            raise TooLargeError(field, int(announced), limit_bytes)
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message["type"] == "http.request" and not message.get("more_body"):
            return self._bounded(body, limit_bytes, field)
        return await self._read_on(message, limit_bytes, field)

    async def json(self, type_: Any, *, limit_bytes: int = BODY_BYTES_MOST) -> Any:
        """Read the body as JSON of a type.

        Raises:
            UnsupportedMediaTypeError: it says that it is something else.
            MalformedBodyError: it is no such JSON; the text names the field.
            TooLargeError, ClientGoneError: as `body`.
        """
        self.require_json()
        body = await self.body(limit_bytes=limit_bytes)
        try:
            return msgspec.json.decode(body, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBodyError(str(error)) from error

    def require_json(self) -> None:
        """Let pass a body that says it is JSON.

        Raises:
            UnsupportedMediaTypeError: it does not.
        """
        media_type = (self.header(b"content-type") or "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise UnsupportedMediaTypeError

    async def _read_on(self, message: MutableMapping[str, Any], limit_bytes: int, field: str) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit_bytes:
                raise TooLargeError(field, size, limit_bytes)
            chunks.append(chunk)
            if not message.get("more_body"):
                return b"".join(chunks)
            message = await self._receive()

    @staticmethod
    def _bounded(body: bytes, limit_bytes: int, field: str) -> bytes:
        if len(body) > limit_bytes:
            raise TooLargeError(field, len(body), limit_bytes)
        return body


@lru_cache(256)
def _parse_query(query: bytes) -> Mapping[str, str]:
    return MappingProxyType(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))


_ENCODER = msgspec.json.Encoder()
