"""Signatures of webhooks: two digital ones, so that a key can be replaced, and that of the client's secret.

The latter is how receivers of the first years prove where an event comes from; it needs a client of this platform, whose
secret is known here, and whose integration the registration belongs to.
"""

import asyncio
import base64
import hmac
from hashlib import sha256
from typing import Protocol

from ioruntime.model.event import Registration
from ioruntime.model.identity import Owner


class SigningKey(Protocol):
    """One of the platform's private keys."""

    @property
    def path(self) -> str:
        """Where its public half is served: a path on the platform's host."""
        ...

    def sign(self, content: bytes) -> str:
        """Return the base64 of RSA with SHA-256 over `content`."""
        ...


class SigningKeys(Protocol):
    """The keys in use."""

    async def pair(self) -> tuple[SigningKey, SigningKey]:
        """Return the older and the newer one.

        Raises:
            CorruptError: they cannot be read.
        """
        ...


class ClientSecrets(Protocol):
    """The secrets of the platform's own clients."""

    async def secret(self, client_id: str, owner: Owner) -> str | None:
        """Return the secret of a client that was made for this owner; None when there is none, or it is not kept."""
        ...


class Signer:
    """Signs what is sent."""

    def __init__(self, keys: SigningKeys, secrets: ClientSecrets) -> None:
        self._keys = keys
        self._secrets = secrets

    async def headers(self, registration: Registration, body: bytes) -> dict[str, str]:
        """Return the headers that prove where a body comes from.

        Raises:
            CorruptError: keys or secrets cannot be read.
        """
        keys = await self._keys.pair()
        secret = await self._secrets.secret(registration.client_id, registration.owner)
        # A millisecond of arithmetic for each key: other requests need not wait for it.
        headers = await asyncio.to_thread(_digital, keys, body)
        return headers if secret is None else headers | {"x-adobe-signature": by_secret(secret, body)}


def by_secret(secret: str, body: bytes) -> str:
    """Return the base64 of HMAC with SHA-256 by a client's secret."""
    return base64.b64encode(hmac.digest(secret.encode(), body, sha256)).decode()


def _digital(keys: tuple[SigningKey, SigningKey], body: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for number, key in enumerate(keys, start=1):
        headers[f"x-adobe-digital-signature-{number}"] = key.sign(body)
        headers[f"x-adobe-public-key{number}-path"] = key.path
    return headers
