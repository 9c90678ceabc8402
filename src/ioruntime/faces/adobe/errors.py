"""Refusals in the form of Adobe's API gateway: `{"error_code": "403000", "message": "Api Key is required"}`.

The first three digits are the HTTP status.

| code | when | message |
|---|---|---|
| 400000 | a name, field or body is not what it must be | what and why |
| 401013 | the token is unknown, changed or expired | Oauth token is not valid |
| 403000 | no `X-Api-Key` | Api Key is required |
| 403003 | `X-Api-Key` is not the client that the token was issued to | Api Key is invalid |
| 403010 | no bearer token | Oauth token is missing. |
| 403011 | the token lacks the scope, or does not reach the organization or integration | Scope mismatch |
| 403100 | any other thing that the namespace may not do | what |
| 404000 | no such path, namespace, package or action | what |
| 405000 | the path has no such method | which it has |
| 409000 | it exists already, is another kind of thing, or was changed at the same time | which |
| 413000 | the body or a part of it is too large | field and limit |
| 415000 | the body is not JSON | what it must be |
| 429050 | too many invocations per minute or at once; with `Retry-After` | count and limit |
| 500000 | the platform's own fault | no detail |
| 503000 | no room for the request now; with `Retry-After` | to come again |
| 503010 | the token cannot be checked now; with `Retry-After` | to come again |
"""

from http import HTTPStatus

import msgspec

from ioruntime.faces.http.bearer import TokenInvalidError, TokenMissingError
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import Failure, failure_headers
from ioruntime.model import errors


class ApiKeyMissingError(errors.ForbiddenError):
    """There is no `X-Api-Key`."""

    def __init__(self) -> None:
        super().__init__("Api Key is required")


class ApiKeyInvalidError(errors.ForbiddenError):
    """`X-Api-Key` is not the token's client."""

    def __init__(self) -> None:
        super().__init__("Api Key is invalid")


class ScopeMismatchError(errors.ForbiddenError):
    """The token is good for something else."""

    def __init__(self) -> None:
        super().__init__("Scope mismatch")


class TokenUncheckedError(errors.UnavailableError):
    """Whoever could tell about the token does not answer."""

    def __init__(self) -> None:
        super().__init__("The Oauth token cannot be validated now.")


CODES: dict[type[Exception], str] = {
    ApiKeyMissingError: "403000",
    ApiKeyInvalidError: "403003",
    TokenMissingError: "403010",
    TokenInvalidError: "401013",
    ScopeMismatchError: "403011",
    TokenUncheckedError: "503010",
    errors.ForbiddenError: "403100",
    errors.ThrottledError: "429050",
}
"""What is not here has its status and three zeros."""


class GatewayError(msgspec.Struct, frozen=True):
    """The body of every refusal of this face."""

    error_code: str
    message: str


def gateway_form(call: Call, failure: Failure) -> Reply:  # noqa: ARG001 - other forms tell the transaction id in the body
    """Answer as the gateway does."""
    headers = failure_headers(failure)
    if failure.status == HTTPStatus.UNAUTHORIZED:
        headers = (*headers, (b"www-authenticate", b"Bearer"))
    return Reply.json(GatewayError(_code(failure), failure.text), failure.status, headers)


def _code(failure: Failure) -> str:
    known = (CODES[kind] for kind in type(failure.error).__mro__ if kind in CODES)
    return next(known, f"{failure.status:d}000")
