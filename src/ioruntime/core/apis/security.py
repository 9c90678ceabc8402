"""What an operation of an API asks of its callers: tokens with scopes, of named clients, or keys *(pure)*.

As Swagger 2.0 says it: `security` of an operation, else of the document, lists alternatives; an alternative names
definitions of `securityDefinitions` that all must be met. A definition is one of two kinds: `oauth2` asks for a bearer
token that has one of the scopes named, and was issued to one of `x-client-ids` when there are such; `apiKey` asks for
a header with one of `x-client-ids`.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

import msgspec

from ioruntime.core.apis.documents import Swagger
from ioruntime.model.errors import ForbiddenError, InvalidCredentialsError, InvalidError
from ioruntime.ports.tokens import Claims


class ScopeMismatchError(InvalidCredentialsError):
    """The token has none of the scopes named."""

    def __init__(self) -> None:
        super().__init__("Scope mismatch")


class ClientRefusedError(ForbiddenError):
    """The token was issued to a client that is not among those named."""

    def __init__(self) -> None:
        super().__init__("Client ID not allowed to call this service")


class TokenNeededError(ForbiddenError):
    """There is no bearer token."""


class KeyNeededError(ForbiddenError):
    """The header for the key is not there."""

    def __init__(self) -> None:
        super().__init__("Api Key is required")


class KeyRefusedError(ForbiddenError):
    """The key is not among those named."""

    def __init__(self) -> None:
        super().__init__("Api Key is invalid")


class TokenWanted(msgspec.Struct, frozen=True):
    """A bearer token."""

    scopes: frozenset[str] = frozenset()
    """One of them will do; empty asks for none."""
    client_ids: frozenset[str] | None = None
    """None: whoever it was issued to."""


class KeyWanted(msgspec.Struct, frozen=True):
    """A key in a header."""

    header: str
    """Lower case."""
    keys: frozenset[str]


Wanted: TypeAlias = TokenWanted | KeyWanted
Alternatives: TypeAlias = tuple[tuple[Wanted, ...], ...]
"""One of them must be met as a whole; none at all lets everybody through."""


def identify(alternatives: Alternatives, claims: Claims | None, headers: Mapping[str, str]) -> str | None:
    """Return who calls: the key, or the token's client, that met an alternative; None when nobody asks for either.

    Args:
        claims: of the request's token, if it has one; it is valid.
        headers: by lower-case names.

    Raises:
        ScopeMismatchError, ClientRefusedError, TokenNeededError, KeyNeededError, KeyRefusedError: what the first
            alternative lacks, when none is met.
    """
    first: ForbiddenError | InvalidCredentialsError | None = None
    for alternative in alternatives:
        try:
            found = [_meet(wanted, claims, headers) for wanted in alternative]
        except (ForbiddenError, InvalidCredentialsError) as error:
            first = first or error
        else:
            return found[0] if found else None
    if first is not None:
        raise first
    return None


def wants_token(alternatives: Alternatives) -> bool:
    """Tell whether a bearer token can matter."""
    return any(isinstance(wanted, TokenWanted) for alternative in alternatives for wanted in alternative)


def alternatives_of(document: Swagger, operation: Swagger) -> Alternatives:
    """Read what an operation asks for.

    Raises:
        InvalidError: `security`, or a definition that it names, is not what it must be.
    """
    named = operation.get("security", document.get("security", []))
    definitions = document.get("securityDefinitions", {})
    try:
        read = msgspec.convert(named, list[dict[str, list[str]]])
        known = msgspec.convert(definitions, dict[str, dict[str, Any]])
    except msgspec.ValidationError as error:
        raise InvalidError(f"security of the swagger document must be a list of objects with lists of scopes: {error}") from error
    return tuple(tuple(_wanted(name, scopes, known) for name, scopes in each.items()) for each in read)


def named_clients(document: Swagger, operation: Swagger) -> Alternatives:
    """Read `x-client-ids` of an operation, or of the whole document, which asks for a token of one of them."""
    ids = texts_of(operation.get("x-client-ids", document.get("x-client-ids")))
    return () if ids is None else ((TokenWanted(client_ids=frozenset(ids)),),)


def texts_of(value: Any) -> tuple[str, ...] | None:
    """Return a list as texts; None for what is no list."""
    return tuple(str(each) for each in cast("list[object]", value)) if isinstance(value, list) else None


class _Definition(msgspec.Struct, frozen=True, rename={"place": "in", "client_ids": "x-client-ids"}):
    type: Literal["oauth2", "apiKey"]
    name: str = ""
    place: str = "header"
    client_ids: list[str] | None = None


def _wanted(name: str, scopes: list[str], definitions: dict[str, dict[str, Any]]) -> Wanted:
    if name not in definitions:
        raise InvalidError(f"security of the swagger document names '{name}', which is not among its securityDefinitions.")
    try:
        definition = msgspec.convert(definitions[name], _Definition)
    except msgspec.ValidationError as error:
        text = f"The security definition '{name}' of the swagger document cannot be used: {error}"
        raise InvalidError(text) from error
    ids = definition.client_ids
    if definition.type == "oauth2":
        return TokenWanted(frozenset(scopes), None if ids is None else frozenset(ids))
    if definition.place != "header" or not definition.name:
        raise InvalidError(f"The security definition '{name}' of the swagger document must name a header.")
    if not ids:
        raise InvalidError(f"The security definition '{name}' of the swagger document must list its keys in x-client-ids.")
    return KeyWanted(definition.name.lower(), frozenset(ids))


def _meet(wanted: Wanted, claims: Claims | None, headers: Mapping[str, str]) -> str:
    """Return who meets it, or raise what is lacking."""
    if isinstance(wanted, KeyWanted):
        key = headers.get(wanted.header)
        if key is None:
            raise KeyNeededError
        if not any(hmac.compare_digest(key.encode(), each.encode()) for each in wanted.keys):
            raise KeyRefusedError
        return key
    if claims is None:
        raise TokenNeededError
    if wanted.scopes and wanted.scopes.isdisjoint(claims.scopes):
        raise ScopeMismatchError
    if wanted.client_ids is not None and claims.client_id not in wanted.client_ids:
        raise ClientRefusedError
    return claims.client_id
