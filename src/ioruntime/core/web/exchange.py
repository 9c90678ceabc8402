"""A request to a web action and the answer, free of any HTTP library."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from ioruntime.model.errors import TooLargeError
from ioruntime.model.identity import Identity

Extension: TypeAlias = Literal["http", "json", "html", "svg", "text"]
Headers: TypeAlias = tuple[tuple[str, str], ...]


class WebRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sent to a web action."""

    method: str
    """In capitals."""
    namespace: str
    """The one in the URL: its owner pays."""
    package: str | None = None
    """None: the default package."""
    action: str
    """Without its extension."""
    extension: Extension = "http"
    path: str = ""
    """What follows the action: empty, or from `/` on, escaped as it came."""
    query: str = ""
    """Raw, without `?`."""
    headers: Headers = ()
    """Lower-case names; a repeated header comes repeatedly."""
    body: bytes = b""
    too_large: TooLargeError | None = None
    """Why the body was not read; raised when its turn comes."""
    caller: Identity | None = None
    """Whose valid credentials the request has."""
    transaction_id: str
    extra_arguments: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Beside query and body, over which they win: a gateway's path parameters."""
    through_gateway: bool = False
    """An API led here, which has let the client pass."""

    def header(self, name: str) -> str | None:
        """Return a header by its lower-case name; of a repeated one the first."""
        return _first(self.headers, name)


class WebResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back to the client."""

    status: int
    headers: Headers = ()
    """Lower-case names, `content-type` among them when there is a body; no length."""
    body: bytes = b""
    activation_id: str | None = None
    """None: no action ran."""

    def header(self, name: str) -> str | None:
        """Return a header by its lower-case name; of a repeated one the first."""
        return _first(self.headers, name)


def _first(headers: Headers, name: str) -> str | None:
    for key, value in headers:
        if key == name:
            return value
    return None


def refusal(status: int, text: str, *, code: str | None = None, activation_id: str | None = None) -> WebResponse:
    """Build the answer that says no, as indented JSON.

    Args:
        code: the transaction id.
        activation_id: of the action that ran in vain.
    """
    content = {"error": text} if code is None else {"error": text, "code": code}
    body = msgspec.json.format(msgspec.json.encode(content), indent=2)
    return WebResponse(status=status, headers=(("content-type", "application/json"),), body=body, activation_id=activation_id)
