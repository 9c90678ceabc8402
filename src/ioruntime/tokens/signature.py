"""JSON Web Tokens: their header, and their payload once the signature is right.

Only RS256 and ES256 are read, each with a key of its own type, so a token cannot choose how it is checked.
"""

from typing import Any

import jwt

from ioruntime.model.errors import InvalidCredentialsError

ALGORITHMS = frozenset({"RS256", "ES256"})

_NOT_OURS: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_iss": False, "verify_sub": False}
"""Times are checked against the caller's clock, by `claims.read_claims`; the rest by `claims.check_issuer`."""


def key_id(token: str) -> str:
    """Return which key a token says it is signed with; empty when it does not say.

    Raises:
        InvalidCredentialsError: it is no JSON Web Token, or signed in a way that is not read here.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise InvalidCredentialsError from error
    if header.get("alg") not in ALGORITHMS:
        raise InvalidCredentialsError
    kid = header.get("kid", "")
    return kid if isinstance(kid, str) else ""


def read_payload(token: str, key: jwt.PyJWK, *, audience: str | None) -> dict[str, Any]:
    """Return the payload of a token that `key` has signed.

    Args:
        audience: whom the token must be meant for; None: whoever.

    Raises:
        InvalidCredentialsError: it is not signed by this key, or meant for somebody else.
    """
    options = _NOT_OURS | {"verify_aud": audience is not None}
    try:
        return jwt.decode(token, key, algorithms=[key.algorithm_name], audience=audience, options=options)
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise InvalidCredentialsError from error


def read_unchecked(token: str) -> dict[str, Any]:
    """Return the payload as anybody could have written it; only to see whose keys are needed.

    Raises:
        InvalidCredentialsError: it cannot be read.
    """
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise InvalidCredentialsError from error
