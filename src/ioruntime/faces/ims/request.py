"""A request for a token: its form read, and what it may have decided (pure).

A client gets the scopes that it asks for and may have; asked for none, all that it may have. Scopes that mean nothing
here are left out rather than refused, for Adobe's clients ask for many. A client of all organizations (`*`) may name the
one it wants a token for; no client gets a token for another than its own.
"""

import re
from collections.abc import Mapping
from typing import Self
from urllib.parse import parse_qsl

import msgspec

from ioruntime.faces.ims.errors import UnsupportedGrantError, WrongScopeError
from ioruntime.faces.ims.services import KnownClient
from ioruntime.model.errors import InvalidError

GRANT = "client_credentials"
FORM = "application/x-www-form-urlencoded"
_EVERY = "*"
_FIELDS_MOST = 100


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends."""

    client_id: str
    client_secret: str
    scopes: frozenset[str] | None
    """None: it asks for all it may have."""
    org_id: str | None
    int_id: str | None

    @classmethod
    def read(cls, body: bytes, credentials: tuple[str, str] | None) -> Self:
        """Read a form.

        Args:
            credentials: client id and secret from the Authorization header, when they are there.

        Raises:
            InvalidError: it is no form, has a field twice, or lacks one.
            UnsupportedGrantError: it asks for a token by other means than the client's own credentials.
        """
        fields = _fields(body)
        grant = _required(fields, "grant_type")
        if grant != GRANT:
            raise UnsupportedGrantError(f"The grant type must be '{GRANT}', not '{grant}'.")
        client_id, secret = credentials or (_required(fields, "client_id"), _required(fields, "client_secret"))
        scopes = frozenset(re.split(r"[\s,]+", fields.get("scope", ""))) - {""}
        return cls(
            client_id=client_id,
            client_secret=secret,
            scopes=scopes or None,
            org_id=fields.get("org_id") or fields.get("org"),
            int_id=fields.get("int_id") or fields.get("int"),
        )


class Grant(msgspec.Struct, frozen=True):
    """What a token will allow."""

    org_id: str
    int_id: str
    scopes: frozenset[str]


def decide(request: TokenRequest, client: KnownClient) -> Grant:
    """Return what the client's token allows.

    Raises:
        WrongScopeError: it asks for an organization or integration that is not its own.
    """
    return Grant(
        _narrowed("organization", request.org_id, client.org_id),
        _narrowed("integration", request.int_id, client.int_id),
        client.scopes if request.scopes is None else client.scopes & request.scopes,
    )


def _narrowed(what: str, wanted: str | None, own: str) -> str:
    if wanted is None or wanted == own:
        return own
    if own != _EVERY:
        raise WrongScopeError(f"The client belongs to another {what} than '{wanted}'.")
    return wanted


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MOST)
    except ValueError as error:
        raise InvalidError("The body is no form.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InvalidError("The form has a field twice.")
    return fields


def _required(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name)
    if not value:
        raise InvalidError(f"The form needs the field '{name}'.")
    return value
