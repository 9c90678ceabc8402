"""Two digital signatures for each webhook, so that a key can be replaced while receivers still know the other."""

from typing import Protocol

import msgspec


class SigningKey(Protocol):
    """One of the platform's private keys."""

    @property
    def path(self) -> str:
        """Where its public half is served: a path on the platform's host."""
        ...

    def sign(self, content: bytes) -> str:
        """Return the base64 of RSA with SHA-256 over `content`."""
        ...


class Signer(msgspec.Struct, frozen=True):
    """Signs what is sent."""

    keys: tuple[SigningKey, SigningKey]

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the headers that prove where a body comes from."""
        headers: dict[str, str] = {}
        for number, key in enumerate(self.keys, start=1):
            headers[f"x-adobe-digital-signature-{number}"] = key.sign(body)
            headers[f"x-adobe-public-key{number}-path"] = key.path
        return headers
