"""What the core needs of bearer tokens: whose they are and what they allow."""

from typing import Protocol

import msgspec


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token says."""

    subject: str
    client_id: str
    """Whom the token was issued to; `X-Api-Key` must be the same."""
    orgs: frozenset[str] = frozenset()
    """Organizations that the token reaches; `*` is every one."""
    integrations: frozenset[str] = frozenset()
    """Integrations in these organizations; `*` is every one."""
    scopes: frozenset[str] = frozenset()

    def reaches(self, org_id: str, int_id: str) -> bool:
        """Tell whether the token names this organization and integration."""
        return bool(self.orgs & {org_id, "*"}) and bool(self.integrations & {int_id, "*"})


class TokenVerifier(Protocol):
    """Tells whose token it is."""

    async def verify(self, token: str) -> Claims:
        """Check signature or table, expiry, issuer and audience.

        Raises:
            InvalidCredentialsError: the token is not valid.
            UnavailableError: its issuer's keys cannot be had now.
        """
        ...
