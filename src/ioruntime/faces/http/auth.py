"""Credentials from headers to identities: Basic for OpenWhisk's clients, Bearer with an API key for Adobe's."""

import base64
import binascii
from functools import lru_cache

from ioruntime.core.authenticate import Authenticator
from ioruntime.faces.http.call import Call
from ioruntime.model.errors import InvalidCredentialsError, InvalidError, UnauthenticatedError
from ioruntime.model.identity import AuthKey, Identity
from ioruntime.model.names import OWN_NAMESPACE

_NAMESPACE_HEADER = b"x-namespace-id"


async def basic_identity(authenticator: Authenticator, call: Call) -> Identity:
    """Return whose Basic credentials the request has.

    Raises:
        UnauthenticatedError: it has none.
        InvalidCredentialsError: they are malformed, unknown or wrong.
    """
    header = call.header(b"authorization")
    if header is None:
        raise UnauthenticatedError
    return await authenticator.basic(_read_basic(header))


@lru_cache(maxsize=1024)
def _read_basic(header: str) -> AuthKey:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidCredentialsError
    try:
        return AuthKey.parse(base64.b64decode(credentials.strip(), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError, InvalidError) as error:
        raise InvalidCredentialsError from error


def bearer_token(call: Call) -> str | None:
    """Return the request's bearer token, None when it brings none."""
    header = call.header(b"authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def deploying_identity(authenticator: Authenticator, call: Call) -> Identity:
    """Return who deploys: Basic as ever, or Bearer acting in the namespace of `x-namespace-id`, else of the path.

    The header goes first: a client that invokes `whisk.system`'s actions says with it in whose name.

    Raises:
        UnauthenticatedError: neither is there, or a bearer token without a namespace.
        InvalidCredentialsError: they are not valid.
        ForbiddenError: the token does not reach the namespace.
    """
    token = bearer_token(call)
    if token is None:
        return await basic_identity(authenticator, call)
    claims = await authenticator.bearer(token)
    namespace = call.header(_NAMESPACE_HEADER) or OWN_NAMESPACE
    if namespace == OWN_NAMESPACE:
        namespace = call.params.get("ns", OWN_NAMESPACE).partition("/")[0]
    if namespace == OWN_NAMESPACE:
        raise UnauthenticatedError("A bearer token needs the namespace in the path or in the header x-namespace-id.")
    return await authenticator.acting_in(claims, namespace)
