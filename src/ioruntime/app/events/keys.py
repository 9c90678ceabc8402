"""The platform's keys for signatures of webhooks: one file in the data directory, the newest key last.

The last two sign; the public halves of all are served, so that what was signed before a rotation can still be checked.
Keys are only ever added; an old one may be taken out by hand.
"""

import asyncio
import base64
import re
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ioruntime.model.errors import CorruptError
from ioruntime.tokens.files import create_private, write_private

EVENT_KEY_FILE = "events.pem"
_BITS = 2048
_PATH = "/prod/keys/"
_FRESH_S = 1.0
_BLOCK = re.compile(rb"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----\n", re.DOTALL)


class RsaKey:
    """One key pair."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        public = key.public_key()
        self.public = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        # The name follows from the key, so a new key never hides behind an old name.
        self.name = f"pub-key-{uuid.uuid5(uuid.NAMESPACE_URL, self.public.decode())}.pem"

    @property
    def path(self) -> str:
        return _PATH + self.name

    def sign(self, content: bytes) -> str:
        return base64.b64encode(self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())).decode()


class EventKeys:
    """The keys of one data directory, as the file had them a second ago."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._keys: Sequence[RsaKey] = ()
        self._read_s = 0.0
        self._written_ns = 0
        self._loading = asyncio.Lock()

    async def pair(self) -> tuple[RsaKey, RsaKey]:
        """Return the two keys that sign, the newer last.

        Raises:
            CorruptError: the file holds no such keys.
        """
        older, newer = (await self._loaded())[-2:]
        return older, newer

    async def public(self, name: str) -> bytes | None:
        """Return the public half of a key by the last part of its path; None when there is no such key."""
        return next((key.public for key in await self._loaded() if key.name == name), None)

    async def _loaded(self) -> Sequence[RsaKey]:
        async with self._loading:
            if not self._keys or time.monotonic() - self._read_s > _FRESH_S:
                await asyncio.to_thread(self._load)
                self._read_s = time.monotonic()
        return self._keys

    def _load(self) -> None:
        path = self._data_dir / EVENT_KEY_FILE
        if not path.exists():
            create_private(path, _generate() + _generate())
        written_ns = path.stat().st_mtime_ns
        if written_ns != self._written_ns or not self._keys:
            self._keys, self._written_ns = _read(path.read_bytes()), written_ns


def add_event_key(data_dir: Path) -> RsaKey:
    """Add a key, which signs from now on beside the newest of before.

    Raises:
        CorruptError: the file holds no such keys.
    """
    path = data_dir / EVENT_KEY_FILE
    before = path.read_bytes() if path.exists() else create_private(path, _generate() + _generate())
    _read(before)
    content = before + _generate()
    write_private(path, content)
    return _read(content)[-1]


def _read(content: bytes) -> Sequence[RsaKey]:
    keys = [_key(block) for block in _BLOCK.findall(content)]
    if len(keys) < 2:
        raise CorruptError
    return keys


def _key(block: bytes) -> RsaKey:
    try:
        key = serialization.load_pem_private_key(block, password=None)
    except ValueError as error:
        raise CorruptError from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CorruptError
    return RsaKey(key)


def _generate() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
