"""The console: its key and its services, from settings and the core."""

import os
from pathlib import Path

from ioruntime.app.settings import ConsoleSettings, SettingsError
from ioruntime.faces.console.session import KEY_BYTES, Sessions
from ioruntime.ports.clock import Clock
from ioruntime.tokens.files import create_private

_FILE = "console.key"
_HOUR_S = 3600


def build_sessions(settings: ConsoleSettings, data_dir: Path, clock: Clock) -> Sessions:
    """Build what reads and writes sessions; the key is made if need be.

    Raises:
        SettingsError: the file that the settings name holds no key.
    """
    return Sessions(_key(settings.key_file, data_dir), clock, lasts_s=settings.session_hours * _HOUR_S)


def _key(named: Path | None, data_dir: Path) -> bytes:
    if named is None:
        key = create_private(data_dir / _FILE, os.urandom(KEY_BYTES))
    else:
        try:
            key = named.read_bytes()
        except OSError as error:
            raise SettingsError(f"console.key_file cannot be read: {error}.") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"{named or data_dir / _FILE} must hold {KEY_BYTES} bytes, as `openssl rand {KEY_BYTES}` writes them."
        )
    return key
