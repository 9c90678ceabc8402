"""A client for ASGI applications in the same process; it shows them paths as a real server does, escaped and not."""

import base64
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

import msgspec

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
AsgiApplication: TypeAlias = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]


class AsgiResponse(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    """By lower-case names; of a repeated one the last."""
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class NoAnswerError(AssertionError):
    """The application ended without an answer."""


class AsgiClient:
    """Sends requests to an application, with credentials that it need not repeat."""

    def __init__(self, application: AsgiApplication, *, basic: str | None = None, bearer: str | None = None) -> None:
        self.application = application
        self._authorization = _authorization(basic, bearer)

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = msgspec.UNSET,
        body: bytes | Sequence[bytes] = b"",
        basic: str | None = None,
        bearer: str | None = None,
    ) -> AsgiResponse:
        """Send one request and return the whole answer.

        Args:
            target: escaped path and query, as in a request line.
            json: body to encode; brings its content type.
            body: or bytes; several are sent as so many messages. The content length is told only for a single one.
            basic: `uuid:key`.

        Raises:
            NoAnswerError: the application did not answer, or not completely.
        """
        chunks = [msgspec.json.encode(json)] if json is not msgspec.UNSET else [body] if isinstance(body, bytes) else list(body)
        sent = {"host": "test"} | _length(chunks) | ({} if json is msgspec.UNSET else {"content-type": "application/json"})
        sent |= _authorization(basic, bearer) or self._authorization
        sent |= {key.lower(): value for key, value in (headers or {}).items()}
        exchange = _Exchange(chunks)
        await self.application(_scope(method, target, sent), exchange.receive, exchange.send)
        return exchange.response()


class _Exchange:
    """Both directions of one request."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = list(chunks)
        self._start: _Message | None = None
        self._body: list[bytes] = []
        self._complete = False

    async def receive(self) -> _Message:
        if not self._chunks:
            return {"type": "http.disconnect"}
        chunk = self._chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(self._chunks)}

    async def send(self, message: _Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body.append(message.get("body", b""))
            self._complete = not message.get("more_body", False)

    def response(self) -> AsgiResponse:
        if self._start is None or not self._complete:
            raise NoAnswerError("The application did not answer completely.")
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in self._start["headers"]}
        return AsgiResponse(self._start["status"], headers, b"".join(self._body))


def _authorization(basic: str | None, bearer: str | None) -> dict[str, str]:
    if bearer is not None:
        return {"authorization": f"Bearer {bearer}"}
    if basic is not None:
        return {"authorization": f"Basic {base64.b64encode(basic.encode()).decode()}"}
    return {}


def _length(chunks: Sequence[bytes]) -> dict[str, str]:
    return {"content-length": str(len(chunks[0]))} if len(chunks) == 1 else {"transfer-encoding": "chunked"}


def _scope(method: str, target: str, headers: Mapping[str, str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 3233),
    }
