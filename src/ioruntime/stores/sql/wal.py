"""Keep SQLite's write-ahead log short.

SQLite carries the log over every 1,000 pages, and begins it anew when no reader needs it. Readers that always overlap, or a
long one such as a backup, keep it from that, and the log grows with everything that is written.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from ioruntime.stores.sql.engine import SqlEngine

LOG_BYTES_MOST = 64 << 20
_EVERY_S = 5.0
_READERS_WAIT_S = 0.2
"""Writers wait as long, so it is short; who reads for longer is waited for the next time."""


async def keep_log_short(engine: SqlEngine, *, most_bytes: int = LOG_BYTES_MOST, every_s: float = _EVERY_S) -> None:
    """Look at the log for ever, and empty it when it is longer than `most_bytes`; PostgreSQL does the like by itself."""
    while engine.is_sqlite:
        await asyncio.sleep(every_s)
        if log_bytes(engine) > most_bytes:
            await empty_log(engine)


def log_bytes(engine: SqlEngine) -> int:
    """Return the length of the log of an SQLite file; 0 when there is none."""
    file = Path(f"{engine.writer.url.database}-wal")
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


async def empty_log(engine: SqlEngine) -> bool:
    """Carry the log over and give its space back; False when a reader needs it, or the disk does not allow it."""
    assert engine.writer.url.database is not None
    return await asyncio.to_thread(_empty, engine.writer.url.database)


def _empty(file: str) -> bool:
    # A connection of its own: the writer's waits for longer than anybody should for this.
    with closing(sqlite3.connect(file, timeout=_READERS_WAIT_S, isolation_level=None)) as connection:
        try:
            row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False  # whoever writes next hears of it
    return row[0] == 0
