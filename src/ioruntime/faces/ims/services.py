"""What this face needs: an issuer of tokens, and the clients that may have some."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

TOKEN_TTL_S = 86_400


class KnownClient(Protocol):
    """A client that has proved itself, and the most that its tokens may allow."""

    @property
    def client_id(self) -> str: ...
    @property
    def org_id(self) -> str: ...
    @property
    def int_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


class Clients(Protocol):
    """Client credentials."""

    async def authenticate(self, client_id: str, secret: str) -> KnownClient:
        """Return whose credentials these are.

        Raises:
            InvalidCredentialsError: nobody's.
        """
        ...


class Issuer(Protocol):
    """Signs tokens."""

    @property
    def name(self) -> str:
        """`iss` of its tokens."""
        ...

    def issue(self, *, org: str, integration: str, client_id: str, ttl_s: int, scopes: Iterable[str] = ()) -> str: ...

    def jwks(self) -> dict[str, Any]: ...


class ImsServices(msgspec.Struct, frozen=True, kw_only=True):
    """What the handlers of this face use."""

    issuer: Issuer
    clients: Clients
    token_ttl_s: int = TOKEN_TTL_S
    base_url: str | None = None
    """What clients reach the platform by; None: what each request was sent to."""
