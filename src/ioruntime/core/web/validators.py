"""Adobe's check of a request by token and organization: for `require-adobe-auth`, and as actions of `adobeio`.

An application's deployment puts one of the actions in front of its own, as a sequence: it passes its input on unchanged
when the request may go on, and else ends the sequence with an answer for the client.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from ioruntime.core.composing import NativeHandler
from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.model.identity import Identity
from ioruntime.ports.tokens import Claims

VALIDATORS = {
    "headless-v2": "Lets requests pass that have a token for the organization they name; for applications without a user",
    "app-registry": "Lets requests pass that have a token for the organization they name; for applications with pages",
}
"""Descriptions of the actions, by name."""
PACKAGE = "shared-validators-v1"
NAMESPACE = "adobeio"

_ORGANIZATION = "x-gw-ims-org-id"
_FAILED = "request is invalid, reason: failed authorization. Please verify your token and organization id."


class Refused(msgspec.Struct, frozen=True):
    """Why a request may not go on."""

    status: int
    text: str


def handler_of(name: str) -> str:
    """Return what the `NativeExec` of a validating action names."""
    return f"{PACKAGE}.{name}"


class AdobeValidator:
    """Checks that a request has a valid token which reaches the organization that it names."""

    def __init__(self, verify: Callable[[str], Awaitable[Claims]]) -> None:
        """Check with this verifier, which raises InvalidCredentialsError."""
        self._verify = verify

    async def check(self, headers: Mapping[str, str]) -> Refused | None:
        """Return why the request may not go on; None lets it pass.

        Args:
            headers: by lower-case names.

        Raises:
            UnavailableError: the token cannot be checked now.
        """
        authorization, organization = headers.get("authorization"), headers.get(_ORGANIZATION)
        for name, value in (("authorization", authorization), (_ORGANIZATION, organization)):
            if not value:
                return Refused(401, f"cannot authorize request, reason: missing {name} header")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return Refused(403, _FAILED)
        try:
            claims = await self._verify(token.strip())
        except InvalidCredentialsError:
            return Refused(403, _FAILED)
        return None if claims.orgs & {organization, "*"} else Refused(403, _FAILED)

    def natives(self) -> dict[str, NativeHandler]:
        """Return what runs the actions, by the name their `NativeExec` has."""
        return {handler_of(name): self.run for name in VALIDATORS}

    async def run(self, _: Identity, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run as an action: return the input, or the answer that ends the sequence."""
        given: Any = arguments.get("__ow_headers")
        headers = {str(key).lower(): value for key, value in given.items() if isinstance(value, str)} if _is_object(given) else {}
        refused = await self.check(headers)
        if refused is None:
            return arguments
        return {"error": {"statusCode": refused.status, "body": {"error": refused.text}}}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
