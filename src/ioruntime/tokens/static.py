"""Opaque tokens that an operator lists in a TOML file; Adobe's clients never look inside of a token.

    [tokens.build-server]             # the name becomes the subject
    sha256 = "9f86d081..."            # of the token, in hexadecimal; or: token = "the token itself"
    client_id = "build"               # must come as X-Api-Key
    orgs = ["acme"]                   # "*" for every one
    integrations = ["*"]
    scopes = ["admin"]
    expires = 2030-01-01T00:00:00Z    # never, when it is left out

The file is read once, at start.
"""

import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from math import inf
from pathlib import Path

import msgspec

from ioruntime.model.errors import InvalidCredentialsError, InvalidError
from ioruntime.tokens.claims import ExpiringClaims


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    client_id: str
    sha256: str | None = None
    token: str | None = None
    orgs: frozenset[str] = frozenset()
    integrations: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    expires: datetime | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tokens: dict[str, _Entry] = {}


class StaticTokens:
    """Knows tokens from a file, by their digests.

    Raises:
        InvalidError: the file is not as above; the text names what is wrong.
    """

    def __init__(self, file: Path, *, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        entries = _read(file).tokens
        self._claims = {_digest_of(file, name, entry): _claims_of(name, entry) for name, entry in entries.items()}

    async def verify(self, token: str) -> ExpiringClaims:
        """Return what a listed token allows.

        Raises:
            InvalidCredentialsError: it is not listed, or has expired.
        """
        given = sha256(token.encode()).digest()
        found = None
        # All entries are compared, so that the time it takes tells nothing about which one is near.
        for digest, claims in self._claims.items():
            if hmac.compare_digest(digest, given):
                found = claims
        if found is None or self._now_s() >= found.expires_s:
            raise InvalidCredentialsError
        return found


def _read(file: Path) -> _File:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=_File)
    except OSError as error:
        raise InvalidError(f"The file of tokens cannot be read: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file} is no file of tokens: {error}") from error


def _digest_of(file: Path, name: str, entry: _Entry) -> bytes:
    if (entry.sha256 is None) == (entry.token is None):
        raise InvalidError(f"{file}: tokens.{name} needs either 'sha256' or 'token'.")
    if entry.token is not None:
        return sha256(entry.token.encode()).digest()
    try:
        digest = bytes.fromhex(entry.sha256 or "")
    except ValueError as error:
        raise InvalidError(f"{file}: tokens.{name}.sha256 is not hexadecimal.") from error
    if len(digest) != sha256().digest_size:
        raise InvalidError(f"{file}: tokens.{name}.sha256 must have 64 digits.")
    return digest


def _claims_of(name: str, entry: _Entry) -> ExpiringClaims:
    return ExpiringClaims(
        subject=name,
        client_id=entry.client_id,
        orgs=entry.orgs,
        integrations=entry.integrations,
        scopes=entry.scopes,
        expires_s=_epoch_s(entry.expires),
    )


def _epoch_s(moment: datetime | None) -> float:
    if moment is None:
        return inf
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
