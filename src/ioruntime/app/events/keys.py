"""The platform's two keys for signatures of webhooks: files in the data directory, made when they are first needed."""

import asyncio
import base64
import uuid
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ioruntime.core.events.delivering.signing import Signer
from ioruntime.model.errors import CorruptError
from ioruntime.tokens.files import create_private

EVENT_KEY_FILES = ("events-1.pem", "events-2.pem")
_BITS = 2048
_PATH = "/prod/keys/"


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
    """The keys of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._keys: tuple[RsaKey, RsaKey] | None = None
        self._loading = asyncio.Lock()

    async def signer(self) -> Signer:
        """Return what signs webhooks.

        Raises:
            CorruptError: a file is no such key.
        """
        return Signer(await self._loaded())

    async def public(self, name: str) -> bytes | None:
        """Return the public half of a key by the last part of its path; None when there is no such key."""
        return next((key.public for key in await self._loaded() if key.name == name), None)

    async def _loaded(self) -> tuple[RsaKey, RsaKey]:
        async with self._loading:
            if self._keys is None:
                first, second = [await asyncio.to_thread(_load, self._data_dir / name) for name in EVENT_KEY_FILES]
                self._keys = (first, second)
        return self._keys


def _load(path: Path) -> RsaKey:
    content = path.read_bytes() if path.exists() else create_private(path, _generate())
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except ValueError as error:
        raise CorruptError from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CorruptError
    return RsaKey(key)


def _generate() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
