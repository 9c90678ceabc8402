"""What of a data directory belongs in a backup, and where it is."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ioruntime.app.console import CONSOLE_KEY_FILE
from ioruntime.app.events.keys import EVENT_KEY_FILE
from ioruntime.app.secrets import KEYS_FILE
from ioruntime.stores.sql.snapshot import COMPANIONS
from ioruntime.tokens.clients import CLIENTS_FILE
from ioruntime.tokens.issuer import KEY_FILE

KEY_FILES = (KEYS_FILE, KEY_FILE, CONSOLE_KEY_FILE, EVENT_KEY_FILE)
"""Without them, documents cannot be read, and old tokens and signatures are worth nothing."""
OTHER_FILES = (CLIENTS_FILE, "credentials.json")


class Places(msgspec.Struct, frozen=True):
    """The places of one platform."""

    data_dir: Path
    database: Path

    @property
    def blobs(self) -> Path:
        return self.data_dir / "blobs"

    @property
    def unfinished(self) -> Path:
        """Is there while a restore puts things in their places."""
        return self.data_dir / "restore.unfinished"

    def present(self) -> Sequence[Path]:
        """Return what a restore would replace and is there."""
        databases = [self.database, *(self.database.with_name(self.database.name + suffix) for suffix in COMPANIONS)]
        files = [self.data_dir / name for name in (*KEY_FILES, *OTHER_FILES)]
        return [path for path in (*databases, *files, self.blobs) if path.exists()]
