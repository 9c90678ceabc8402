"""Who asks, checked in the gateway's order: API key there, token there, token valid, key and token belong together, rights."""

import hmac

from ioruntime.core.authenticate import ADMIN_SCOPE, Authenticator
from ioruntime.faces.adobe.errors import (
    ApiKeyInvalidError,
    ApiKeyMissingError,
    ScopeMismatchError,
    TokenInvalidError,
    TokenMissingError,
    TokenUncheckedError,
)
from ioruntime.faces.http.auth import bearer_token
from ioruntime.faces.http.call import Call
from ioruntime.model.errors import InvalidCredentialsError, UnavailableError
from ioruntime.model.identity import Identity, Owner
from ioruntime.ports.tokens import Claims


class Gatekeeper:
    """Lets requests pass that bring an API key and a token with the right."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def holder(self, call: Call) -> Claims:
        """Return what the request's token says.

        Raises:
            ApiKeyMissingError, TokenMissingError, TokenInvalidError, ApiKeyInvalidError: in this order.
            TokenUncheckedError: it cannot be checked now.
        """
        api_key = call.header(b"x-api-key")
        if not api_key:
            raise ApiKeyMissingError
        token = bearer_token(call)
        if token is None:
            raise TokenMissingError
        try:
            claims = await self._authenticator.bearer(token)
        except InvalidCredentialsError as error:
            raise TokenInvalidError from error
        except UnavailableError as error:
            raise TokenUncheckedError from error
        if not hmac.compare_digest(claims.client_id.encode(), api_key.encode()):
            raise ApiKeyInvalidError
        return claims

    async def administered(self, call: Call) -> Owner:
        """Return the path's organization and integration, for a token that may administer them; raises as `administrator`."""
        return (await self.administrator(call))[1]

    async def administrator(self, call: Call) -> tuple[Claims, Owner]:
        """Return what the token says, and the path's organization and integration, which it may administer.

        Raises:
            ScopeMismatchError: it lacks the scope `admin`, or does not reach them.
            InvalidError: an id is not legal.
            IoRuntimeError: as `holder`.
        """
        claims = await self.holder(call)
        if ADMIN_SCOPE not in claims.scopes:
            raise ScopeMismatchError
        return claims, _reached(claims, call)

    async def identity(self, call: Call) -> Identity:
        """Return who acts in the namespace of the path's organization and integration.

        Raises:
            ScopeMismatchError: the token does not reach them.
            InvalidError: an id is not legal.
            NotFoundError: they have no namespace.
            IoRuntimeError: as `holder`.
        """
        claims = await self.holder(call)
        return await self._authenticator.owned_by(claims, _reached(claims, call))


def _reached(claims: Claims, call: Call) -> Owner:
    org_id, int_id = call.params["orgId"], call.params["intId"]
    if not claims.reaches(org_id, int_id):
        raise ScopeMismatchError
    return Owner.of(org_id, int_id)
