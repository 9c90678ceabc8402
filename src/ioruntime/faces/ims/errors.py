"""Refusals in OAuth 2.0's form (RFC 6749, section 5.2): `{"error": "invalid_client", "error_description": text}`."""

from http import HTTPStatus

import msgspec

from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import Failure, failure_headers
from ioruntime.model.errors import InvalidError, UnauthenticatedError

NO_STORE = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
_REALM = b'Basic realm="ims"'


class UnsupportedGrantError(InvalidError):
    """Tokens are not given that way here."""


class WrongScopeError(InvalidError):
    """The client may not have what it asks for."""


class OauthError(msgspec.Struct, frozen=True):
    """The body of every refusal of this face."""

    error: str
    error_description: str


def oauth_form(call: Call, failure: Failure) -> Reply:  # noqa: ARG001 - other forms tell the transaction id in the body
    """Answer as an OAuth 2.0 token endpoint does."""
    headers = (*failure_headers(failure), *NO_STORE)
    if failure.status == HTTPStatus.UNAUTHORIZED:
        headers = (*headers, (b"www-authenticate", _REALM))
    return Reply.json(OauthError(_error(failure), failure.text), failure.status, headers)


def _error(failure: Failure) -> str:
    match failure.error:
        case UnauthenticatedError():
            return "invalid_client"
        case UnsupportedGrantError():
            return "unsupported_grant_type"
        case WrongScopeError():
            return "invalid_scope"
        case _ if failure.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return "temporarily_unavailable"
        case _ if failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "server_error"
        case _:
            return "invalid_request"
