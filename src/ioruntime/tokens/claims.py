"""From the payload of a signed token to what it allows (pure; the signature has been checked before).

| in `Claims` | read from | form |
|---|---|---|
| `client_id` | `client_id` | text; required |
| `subject` | `sub`, else `user_id`, else the client id | text |
| `orgs` | `org` | text or number for one, list for many; `*` is every one |
| `integrations` | `int` | as `org` |
| `scopes` | `scope` | list, or text with blanks (OAuth) or commas (Adobe) between |
| expiry | `exp` in seconds, else Adobe's `created_at` + `expires_in` in milliseconds | required |
| issuer | `iss`, else Adobe's `as` | text |

The names of the client, organization, integration and scope claims can be set. A claim that is absent allows nothing.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.ports.tokens import Claims

CLOCK_SKEW_S = 30
"""How far ahead an issuer's clock may be."""


class ExpiringClaims(Claims, frozen=True, kw_only=True):
    """Claims, and until when they hold."""

    expires_s: float = math.inf
    """Epoch seconds."""


class ClaimNames(msgspec.Struct, frozen=True, kw_only=True):
    """Under which names an issuer writes what we need."""

    client_id: str = "client_id"
    org: str = "org"
    integration: str = "int"
    scope: str = "scope"


def read_claims(payload: Mapping[str, Any], names: ClaimNames, *, now_s: float) -> ExpiringClaims:
    """Return what a payload allows now.

    Raises:
        InvalidCredentialsError: it has expired, is not valid yet, or lacks an expiry or a client.
    """
    expires_s = _expiry_s(payload)
    if now_s >= expires_s:
        raise InvalidCredentialsError("The token has expired.")
    if _number(payload.get("nbf", 0)) > now_s + CLOCK_SKEW_S:
        raise InvalidCredentialsError("The token is not valid yet.")
    client_id = payload.get(names.client_id)
    if not isinstance(client_id, str) or not client_id:
        raise InvalidCredentialsError(f"The token has no claim '{names.client_id}'.")
    return ExpiringClaims(
        subject=str(payload.get("sub") or payload.get("user_id") or client_id),
        client_id=client_id,
        orgs=_ids(payload.get(names.org)),
        integrations=_ids(payload.get(names.integration)),
        scopes=split_scopes(payload.get(names.scope)),
        expires_s=expires_s,
    )


def check_issuer(payload: Mapping[str, Any], issuer: str) -> None:
    """Let pass what `issuer` has issued.

    Raises:
        InvalidCredentialsError: somebody else has.
    """
    if payload.get("iss", payload.get("as")) != issuer:
        raise InvalidCredentialsError("The token comes from another issuer.")


def split_scopes(value: object) -> frozenset[str]:
    """Read scopes written in either way; what is neither text nor a list has none."""
    if isinstance(value, str):
        return frozenset(scope for scope in re.split(r"[\s,]+", value) if scope)
    return _ids(cast("object", value)) if isinstance(value, list) else frozenset()


def _ids(value: object) -> frozenset[str]:
    many = cast("list[object]", value) if isinstance(value, list) else [value]
    return frozenset(str(one) for one in many if _is_id(one))


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _expiry_s(payload: Mapping[str, Any]) -> float:
    if "exp" in payload:
        return _number(payload["exp"])
    if "created_at" in payload and "expires_in" in payload:
        return (_number(payload["created_at"]) + _number(payload["expires_in"])) / 1000
    raise InvalidCredentialsError("The token has no expiry.")


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidCredentialsError("The token has a time that is no number.") from error
    if not math.isfinite(number):
        raise InvalidCredentialsError("The token has a time that is no number.")
    return number
