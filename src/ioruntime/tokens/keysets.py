"""Public keys of another issuer: from its URL, fetched when needed, or from a file."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from ioruntime.model.errors import InvalidCredentialsError, InvalidError, UnavailableError
from ioruntime.tokens.signature import ALGORITHMS

FETCH_TIMEOUT_S = 5
FRESH_S = 3600
"""How long fetched keys are taken as they are."""
STALE_S = 24 * 3600
"""How long they are used when the issuer does not answer any more."""
RETRY_S = 10
"""The least time between two fetches, whatever tokens come and whether the last one worked."""

Keys = Mapping[str, jwt.PyJWK]
"""By key id; a key without id is under the empty text."""


class KeySet(Protocol):
    """Where an issuer's keys come from."""

    async def find(self, key_id: str) -> jwt.PyJWK:
        """Return a key.

        Raises:
            InvalidCredentialsError: the issuer has no such key.
            UnavailableError: its keys cannot be had now.
        """
        ...


class FileKeySet:
    """Keys from a file: a JSON Web Key Set, or one public key as PEM, which stands for every key id.

    Raises:
        InvalidError: the file holds no key that can be used.
    """

    def __init__(self, file: Path) -> None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InvalidError(f"The file of keys cannot be read: {error}") from error
        self._keys = {"": _read_pem(content)} if content.lstrip().startswith(b"-----BEGIN") else read_key_set(content)
        if not self._keys:
            raise InvalidError(f"{file} holds no RSA or P-256 key for signatures.")

    async def find(self, key_id: str) -> jwt.PyJWK:
        return _pick(self._keys, key_id)


class RemoteKeySet:
    """Keys from a URL; fetched once an hour, and when a token names a key that is not there."""

    def __init__(self, url: str, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic_s = monotonic_s
        self._keys: Keys = {}
        self._fetched_s = -float("inf")
        self._tried_s = -float("inf")
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str) -> jwt.PyJWK:
        """Return a key, fetching the set first when it may be out of date.

        Raises:
            InvalidCredentialsError: the issuer has no such key.
            UnavailableError: its keys cannot be had now.
        """
        if not self._is_fresh(key_id):
            async with self._fetching:
                if not self._is_fresh(key_id) and self._monotonic_s() - self._tried_s >= RETRY_S:
                    await self._fetch()
        if self._monotonic_s() - self._fetched_s > STALE_S:
            raise UnavailableError("The token issuer's keys cannot be fetched now.")
        return _pick(self._keys, key_id)

    def _is_fresh(self, key_id: str) -> bool:
        return self._monotonic_s() - self._fetched_s < FRESH_S and _find(self._keys, key_id) is not None

    async def _fetch(self) -> None:
        """Replace the keys; on any failure they stay as they are."""
        self._tried_s = self._monotonic_s()
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self._url) as response:
                response.raise_for_status()
                keys = read_key_set(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, InvalidError):
            return
        self._keys, self._fetched_s = keys, self._monotonic_s()


def read_key_set(content: bytes) -> dict[str, jwt.PyJWK]:
    """Read a JSON Web Key Set; keys of other types or for other purposes are left out.

    Raises:
        InvalidError: it is no key set.
    """
    try:
        document = msgspec.json.decode(content, type=dict[str, list[dict[str, Any]]], strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"This is no JSON Web Key Set: {error}") from error
    keys = [(str(jwk.get("kid", "")), _read_jwk(jwk)) for jwk in document.get("keys", [])]
    return {key_id: key for key_id, key in keys if key is not None}


def _read_jwk(jwk: dict[str, Any]) -> jwt.PyJWK | None:
    if jwk.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK.from_dict(jwk)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _read_pem(content: bytes) -> jwt.PyJWK:
    try:
        key = serialization.load_pem_public_key(content)
    except ValueError as error:
        raise InvalidError(f"This is no public key: {error}") from error
    match key:
        case rsa.RSAPublicKey():
            return jwt.PyJWK.from_dict(RSAAlgorithm.to_jwk(key, as_dict=True), algorithm="RS256")
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1):
            return jwt.PyJWK.from_dict(ECAlgorithm.to_jwk(key, as_dict=True), algorithm="ES256")
        case _:
            raise InvalidError("Only RSA and P-256 keys can verify tokens.")


def _find(keys: Keys, key_id: str) -> jwt.PyJWK | None:
    if key_id in keys:
        return keys[key_id]
    only = next(iter(keys.items())) if len(keys) == 1 else None
    # A key without id, or a token without one, leaves no choice when there is just one key.
    return only[1] if only is not None and "" in {key_id, only[0]} else None


def _pick(keys: Keys, key_id: str) -> jwt.PyJWK:
    key = _find(keys, key_id)
    if key is None:
        raise InvalidCredentialsError
    return key
