"""Tokens of an issuer that is not ours, by its public keys."""

import time
from collections.abc import Callable

from ioruntime.tokens.claims import ClaimNames, ExpiringClaims, check_issuer, read_claims
from ioruntime.tokens.keysets import KeySet
from ioruntime.tokens.signature import key_id, read_payload, read_unchecked


class JwksVerifier:
    """Verifies RS256 and ES256 tokens of one issuer; `claims` tells how they are read."""

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str | None = None,
        names: ClaimNames | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._names = names or ClaimNames()
        self._now_s = now_s

    async def verify(self, token: str) -> ExpiringClaims:
        """Return what a token of the issuer allows.

        Raises:
            InvalidCredentialsError: it is another's, meant for somebody else, changed, expired, or not valid yet.
            UnavailableError: the issuer's keys cannot be had now.
        """
        wanted = key_id(token)
        # Before any key is fetched: strangers' tokens must not send requests to the issuer.
        check_issuer(read_unchecked(token), self._issuer)
        payload = read_payload(token, await self._keys.find(wanted), audience=self._audience)
        return read_claims(payload, self._names, now_s=self._now_s())
