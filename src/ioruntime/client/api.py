"""The OpenWhisk API as commands use it: one connection, one request at a time, and errors that say what to do."""

import base64
import http.client
import ssl
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from ioruntime.client.credentials import Credentials
from ioruntime.model.errors import InvalidError, IoRuntimeError, UnauthenticatedError, UnavailableError

_TIMEOUT_S = 330.0
"""Longer than the longest wait that a server grants a request."""
_NO_QUERY: Mapping[str, str] = MappingProxyType({})


class RefusedError(IoRuntimeError):
    """The server said no; the message is its own."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Decode the body; None if there is none.

        Raises:
            UnavailableError: it is no JSON, so that it was not our server that answered.
        """
        try:
            return msgspec.json.decode(self.body) if self.body else None
        except msgspec.DecodeError as error:
            raise UnavailableError("What answers there does not speak the API: is the host right?") from error


class Api:
    """Talks to one server for one namespace; a context manager. Not for several threads."""

    def __init__(self, credentials: Credentials, *, timeout_s: float = _TIMEOUT_S) -> None:
        self.credentials = credentials
        token = base64.b64encode(credentials.auth.encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "User-Agent": "ioruntime"}
        self._connection = _connection(credentials.url, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: Any = msgspec.UNSET, *, query: Mapping[str, str] = _NO_QUERY) -> Any:
        """Send a request and return the decoded answer.

        Raises:
            RefusedError: the server says no.
            UnauthenticatedError: it does not know the key.
            UnavailableError: there is no server.
        """
        answer = self.exchange(method, path, body, query=query)
        if answer.status >= 400:
            raise self.refusal(answer)
        return answer.json()

    def exchange(self, method: str, path: str, body: Any = msgspec.UNSET, *, query: Mapping[str, str] = _NO_QUERY) -> Answer:
        """Send a request and return the answer, whatever its status.

        Args:
            path: below `/api/v1`, escaped.

        Raises:
            UnauthenticatedError: the server does not know the key.
            UnavailableError: there is no server.
        """
        target = f"/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is msgspec.UNSET else msgspec.json.encode(body)
        headers = self._headers | ({} if data is None else {"Content-Type": "application/json"})
        answer = self._send(method, target, data, headers)
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            known = self.credentials
            raise UnauthenticatedError(f"{known.url} does not know the key from {known.source}: see --auth and --apihost.")
        return answer

    def _send(self, method: str, target: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        url = self.credentials.url
        # A kept connection may have been closed by the other side meanwhile; a read may be asked for twice.
        for last in (False, True) if method == "GET" else (True,):
            try:
                if last:
                    self._connection.close()
                self._connection.request(method, target, data, dict(headers))
                response = self._connection.getresponse()
                return Answer(response.status, response.read())
            except ConnectionRefusedError as error:
                raise UnavailableError(
                    f"No server answers at {url}: start one with `ioruntime serve`, or say where it is with --apihost."
                ) from error
            except TimeoutError as error:
                raise UnavailableError(f"{url} did not answer in time.") from error
            except ssl.SSLError as error:
                raise UnavailableError(f"{url} has no certificate that can be trusted: {error}.") from error
            except (OSError, http.client.HTTPException) as error:
                if last:
                    raise UnavailableError(f"{url} cannot be reached: {error or type(error).__name__}.") from error
        raise AssertionError(method)

    def refusal(self, answer: Answer) -> RefusedError:
        """Return what the server said no with."""
        try:
            message = msgspec.json.decode(answer.body).get("error")
        except (msgspec.DecodeError, AttributeError):
            message = None
        text = message if isinstance(message, str) and message else f"the server answered with status {answer.status}"
        return RefusedError(text, status=answer.status)


def entity_path(collection: str, name: str = "") -> str:
    """Return the path of an entity, or of a collection, below `/api/v1`.

    Args:
        collection: `actions`, `packages`, `triggers`, `rules` or `activations`.
        name: `name`, `package/name`, `/namespace/name` or `/namespace/package/name`; empty for the collection.

    Raises:
        InvalidError: too many parts, or an empty one.
    """
    namespace, rest = "_", name
    if name.startswith("/"):
        namespace, _, rest = name[1:].partition("/")
    parts = rest.split("/") if rest else []
    if not namespace or not all(parts) or len(parts) > 2:
        raise InvalidError(f"'{name}' is no name: write NAME, PACKAGE/NAME or /NAMESPACE/PACKAGE/NAME.")
    return "/".join([f"/namespaces/{quote(namespace, safe='')}/{collection}", *(quote(part, safe="") for part in parts)])


def _connection(url: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
        raise InvalidError(f"'{url}' is no host of an API: write it as http://HOST:PORT.")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, port, timeout=timeout_s)
