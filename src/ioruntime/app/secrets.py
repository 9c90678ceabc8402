"""The keys that documents in the store are encrypted with: a file with one a line, the newest last.

A line is `ID BASE64`: an id, and 32 bytes. Keys are only ever added; an old one may be taken out by hand when nothing is
encrypted with it any more, backups included.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from ioruntime.app.settings import SecretsSettings, SettingsError
from ioruntime.stores.sealing import KEY_BYTES, Key, Sealer
from ioruntime.tokens.files import create_private, write_private

KEYS_FILE = "secrets.keys"
_ID_BYTES = 4


def build_sealer(settings: SecretsSettings, data_dir: Path) -> Sealer:
    """Read the keys; in the data directory, make the first one if need be.

    Raises:
        SettingsError: the file that the settings name is not there, or is no file of keys.
    """
    file = keys_file(settings, data_dir)
    if settings.encrypt and settings.key_file is None and not file.exists():
        create_private(file, _line(_new_key()))
    if settings.encrypt or file.exists():
        return Sealer(read_keys(file), encrypt=settings.encrypt, reload=lambda: read_keys(file))
    return Sealer(encrypt=False)


def keys_file(settings: SecretsSettings, data_dir: Path) -> Path:
    return settings.key_file or data_dir / KEYS_FILE


def add_key(file: Path) -> Key:
    """Add a key, which is the one in use from now on; the file is made if need be.

    Raises:
        SettingsError: it is no file of keys.
    """
    key = _new_key()
    before = b"".join(_line(known) for known in read_keys(file)) if file.exists() else b""
    write_private(file, before + _line(key))
    return key


def read_keys(file: Path) -> Sequence[Key]:
    """Return the keys, oldest first.

    Raises:
        SettingsError: the file cannot be read, holds no key or something else.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        hint = "`ioruntime secrets rotate` makes it." if not file.exists() else f"{error}."
        raise SettingsError(f"The file of keys {file} cannot be read: {hint}") from error
    keys = [_key_of(line, f"line {number} of {file}") for number, line in enumerate(lines, 1) if line.strip()]
    if len({key.id for key in keys}) < len(keys) or not keys:
        raise SettingsError(f"The file of keys {file} must hold at least one key, and none twice.")
    return keys


def _key_of(line: str, where: str) -> Key:
    key_id, _, encoded = line.strip().partition(" ")
    try:
        secret = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES or not key_id.isascii() or len(key_id) > 255:
        raise SettingsError(f"A key is written `ID BASE64`, with {KEY_BYTES} bytes in base64; {where} is not.")
    return Key(key_id, secret)


def _new_key() -> Key:
    return Key(secrets.token_hex(_ID_BYTES), os.urandom(KEY_BYTES))


def _line(key: Key) -> bytes:
    return f"{key.id} {base64.b64encode(key.secret).decode()}\n".encode()
