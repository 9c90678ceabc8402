"""Documents at rest: sealed with AES-256-GCM under a named key, and bound to the place where they stand.

A sealed document is `0x01`, the length of the key's id, the id, a random nonce, and the ciphertext with its tag. JSON
never begins with `0x01`, so documents from before the first key are read as they are.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ioruntime.model.errors import CorruptError, InvalidError

KEY_BYTES = 32
_MARK = b"\x01"
_NONCE_BYTES = 12


class Key(msgspec.Struct, frozen=True):
    """A secret with a name that may be known."""

    id: str
    """At most 255 ASCII characters; never used for another secret."""
    secret: bytes

    def __repr__(self) -> str:
        """Hide the secret: representations end in logs."""
        return f"Key({self.id})"


class UnknownKeyError(CorruptError):
    """A document was sealed with a key that is not there any more."""

    def __init__(self, key_id: str) -> None:
        # Past `CorruptError`, whose text tells nobody what to look for.
        Exception.__init__(self, f"Resource was encrypted with the key '{key_id}', which is not among the keys of this server.")


class Sealer:
    """Seals with the newest key, opens with any."""

    def __init__(self, keys: Sequence[Key] = (), *, encrypt: bool = True, reload: Callable[[], Sequence[Key]] = tuple) -> None:
        """Use these keys.

        Args:
            keys: oldest first; without any, documents are written as they are.
            encrypt: False writes documents as they are, and still opens sealed ones.
            reload: reads the keys again; asked when a document names one that is not known.
        """
        self._encrypt = encrypt
        self._reload = reload
        self._take(keys)

    def seal(self, document: bytes, *, place: str) -> bytes:
        """Return what is to be stored at `place`, which `open` must be told again."""
        if self._sealing is None:
            return document
        nonce = os.urandom(_NONCE_BYTES)
        return self.prefix + nonce + self._sealing.encrypt(nonce, document, place.encode())

    def open(self, stored: bytes, *, place: str) -> bytes:
        """Undo `seal`.

        Raises:
            UnknownKeyError: it needs a key that is not there.
            CorruptError: it was changed, or stood somewhere else.
        """
        if stored[:1] != _MARK:
            return stored
        start = 2 + sum(stored[1:2])  # nothing follows the mark of a damaged one
        cipher = self._cipher(stored[2:start].decode("ascii", "replace"))
        nonce, sealed = stored[start : start + _NONCE_BYTES], stored[start + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, place.encode())
        except (InvalidTag, ValueError) as error:
            raise CorruptError from error

    @property
    def prefix(self) -> bytes:
        """What every document begins with that is stored as `seal` would store it now."""
        return b"{" if self._sealing is None else _prefix(self._newest)

    def _cipher(self, key_id: str) -> AESGCM:
        if key_id not in self._ciphers:
            with suppress(InvalidError):  # a file that cannot be read any more; the keys that are known stay
                self._take(self._reload() or self._keys)  # another process has rotated them
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKeyError(key_id)
        return cipher

    def _take(self, keys: Sequence[Key]) -> None:
        self._keys = keys
        self._ciphers = {key.id: AESGCM(key.secret) for key in keys}
        self._newest = keys[-1].id if keys else ""
        self._sealing = self._ciphers[self._newest] if keys and self._encrypt else None


def _prefix(key_id: str) -> bytes:
    return _MARK + bytes((len(key_id),)) + key_id.encode("ascii")
