"""The secret half of a namespace's key, as the column of its row holds it: sealed, and bound to the namespace."""

import base64

import msgspec

from ioruntime.model.errors import CorruptError
from ioruntime.model.identity import OldKey
from ioruntime.stores.sealing import Sealer

_SEALED = "sealed:"
_OPEN = '{"key":'


class StoredKey(msgspec.Struct, frozen=True):
    """What is in force."""

    key: str
    old_key: OldKey | None = None

    def __repr__(self) -> str:
        """Hide the secret: representations end in logs."""
        return "StoredKey(…)"


def write_key(sealer: Sealer, namespace: str, stored: StoredKey) -> str:
    """Return the text for the column."""
    document = msgspec.json.encode(stored)
    sealed = sealer.seal(document, place=_place(namespace))
    return document.decode() if sealed == document else _SEALED + base64.b64encode(sealed).decode()


def read_key(sealer: Sealer, namespace: str, text: str) -> StoredKey:
    """Undo `write_key`; a text from before keys were sealed is the key.

    Raises:
        UnknownKeyError: it needs a key of the sealer that is not there.
        CorruptError: it was changed, or stood in another row.
    """
    if text.startswith(_OPEN):
        document = text.encode()
    elif text.startswith(_SEALED):
        document = sealer.open(_content(text), place=_place(namespace))
    else:
        return StoredKey(text)
    try:
        return msgspec.json.decode(document, type=StoredKey)
    except msgspec.DecodeError as error:
        raise CorruptError from error


def is_stale(sealer: Sealer, text: str) -> bool:
    """Tell whether `write_key` would write it otherwise now."""
    content = _content(text) if text.startswith(_SEALED) else text.encode()
    return not content.startswith(sealer.prefix)


def _content(text: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix(_SEALED), validate=True)
    except ValueError as error:
        raise CorruptError from error


def _place(namespace: str) -> str:
    return f"key of {namespace}"
