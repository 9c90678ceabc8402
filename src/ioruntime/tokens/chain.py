"""All configured ways to verify a token as one, with a memory: a known token costs no signature check."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from ioruntime.model.errors import InvalidCredentialsError, UnavailableError
from ioruntime.tokens.claims import ExpiringClaims

REMEMBERED_MOST = 4096
TOKEN_CHARACTERS_MOST = 16_384


class ExpiringVerifier(Protocol):
    """A token verifier that tells until when its answer holds."""

    async def verify(self, token: str) -> ExpiringClaims: ...


class ChainVerifier:
    """Asks each verifier in turn, and remembers who was known until that expires; the least recently seen is forgotten first."""

    def __init__(self, verifiers: Sequence[ExpiringVerifier], *, now_s: Callable[[], float] = time.time) -> None:
        self._verifiers = tuple(verifiers)
        self._now_s = now_s
        self._known: OrderedDict[str, ExpiringClaims] = OrderedDict()

    async def verify(self, token: str) -> ExpiringClaims:
        """Return what a token allows, to the first that knows it.

        Raises:
            InvalidCredentialsError: nobody knows it, or it has expired.
            UnavailableError: nobody knows it, but one could not tell.
        """
        known = self._known.get(token)
        if known is None:
            return await self._ask(token)
        if self._now_s() >= known.expires_s:
            self._known.pop(token, None)
            raise InvalidCredentialsError("The token has expired.")
        self._known.move_to_end(token)
        return known

    def __repr__(self) -> str:
        return f"<ChainVerifier of {len(self._verifiers)} [{len(self._known)} tokens known]>"

    async def _ask(self, token: str) -> ExpiringClaims:
        if len(token) > TOKEN_CHARACTERS_MOST:
            raise InvalidCredentialsError
        refusal: InvalidCredentialsError | UnavailableError = InvalidCredentialsError()
        for verifier in self._verifiers:
            try:
                claims = await verifier.verify(token)
            except InvalidCredentialsError:
                continue
            except UnavailableError as error:
                refusal = error
                continue
            self._remember(token, claims)
            return claims
        raise refusal

    def _remember(self, token: str, claims: ExpiringClaims) -> None:
        self._known[token] = claims
        while len(self._known) > REMEMBERED_MOST:
            self._known.popitem(last=False)
