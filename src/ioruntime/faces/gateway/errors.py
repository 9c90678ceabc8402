"""Refusals of the API gateway: `{"error_code": "404000", "message": "..."}`, readable from pages of other origins.

The first three digits are the HTTP status; docs/reference/api-gateway.md lists the codes.
"""

import msgspec

from ioruntime.core.apis.guarding import AddressNotAllowedError, AddressRefusedError
from ioruntime.core.apis.security import ClientRefusedError, KeyNeededError, KeyRefusedError, ScopeMismatchError
from ioruntime.faces.http.bearer import TokenInvalidError, TokenMissingError
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import Failure, failure_headers
from ioruntime.model import errors

CODES: dict[type[Exception], str] = {
    TokenInvalidError: "401013",
    ScopeMismatchError: "401015",
    KeyNeededError: "403000",
    KeyRefusedError: "403003",
    TokenMissingError: "403010",
    AddressRefusedError: "403012",
    AddressNotAllowedError: "403013",
    ClientRefusedError: "403201",
    errors.ThrottledError: "429050",
}
"""What is not here has its status and three zeros."""


class GatewayRefusal(msgspec.Struct, frozen=True):
    """The body of every refusal of the gateway."""

    error_code: str
    message: str


def gateway_form(call: Call, failure: Failure) -> Reply:  # noqa: ARG001 - other forms tell the transaction id in the body
    """Answer as the gateway does."""
    known = (CODES[kind] for kind in type(failure.error).__mro__ if kind in CODES)
    body = GatewayRefusal(next(known, f"{failure.status:d}000"), failure.text)
    return Reply.json(body, failure.status, (*failure_headers(failure), (b"access-control-allow-origin", b"*")))
