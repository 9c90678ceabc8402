"""The console: its key and its services, from settings and the core."""

import os
from collections.abc import Sequence
from pathlib import Path

from ioruntime.app.settings import ConsoleSettings, Settings, SettingsError
from ioruntime.faces.console.services import SandboxView
from ioruntime.faces.console.session import KEY_BYTES, Sessions
from ioruntime.invoker.plan import Slot
from ioruntime.ports.clock import Clock
from ioruntime.tokens.files import create_private

CONSOLE_KEY_FILE = "console.key"
_HOUR_S = 3600


def build_sessions(settings: ConsoleSettings, data_dir: Path, clock: Clock) -> Sessions:
    """Build what reads and writes sessions; the key is made if need be.

    Raises:
        SettingsError: the file that the settings name holds no key.
    """
    return Sessions(_key(settings.key_file, data_dir), clock, lasts_s=settings.session_hours * _HOUR_S)


def sandbox_views(slots: Sequence[Slot]) -> Sequence[SandboxView]:
    """Tell of sandboxes what pages show."""
    return [
        SandboxView(
            slot.spec.interpreter.kind,
            slot.state.value,
            None if slot.owner is None else slot.owner.partition("/")[0],
            slot.spec.memory_mb,
        )
        for slot in slots
    ]


def store_kind(settings: Settings) -> str:
    """Name the store without its password."""
    scheme = settings.store_url().partition(":")[0]
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(scheme, scheme)


def _key(named: Path | None, data_dir: Path) -> bytes:
    if named is None:
        key = create_private(data_dir / CONSOLE_KEY_FILE, os.urandom(KEY_BYTES))
    else:
        try:
            key = named.read_bytes()
        except OSError as error:
            raise SettingsError(f"console.key_file cannot be read: {error}.") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"{named or data_dir / CONSOLE_KEY_FILE} must hold {KEY_BYTES} bytes, as `openssl rand {KEY_BYTES}` writes them."
        )
    return key
