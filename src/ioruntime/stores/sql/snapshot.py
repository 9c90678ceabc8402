"""Copies and examinations of an SQLite file, while servers use it or when nobody does.

They block, and speak to the driver itself: commands call them, and a server before it serves.
"""

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from sqlalchemy.engine import make_url

from ioruntime.model.errors import InvalidError, IoRuntimeError, UnavailableError
from ioruntime.stores.sql.engine import WAIT_S
from ioruntime.stores.sql.migrate import SchemaError
from ioruntime.stores.sql.schema import REVISIONS

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file that is in use, or was when its process was killed."""
_STEPS_BETWEEN_LOOKS = 20_000
_NO_FILE = "The store is not an SQLite file: use the database's own tools, such as pg_dump and pg_restore."


class DamagedError(IoRuntimeError):
    """An SQLite file is not what was written to it."""

    def __init__(self, file: Path, detail: str) -> None:
        super().__init__(
            f"The store's file {file} is damaged ({detail}). Nothing was changed. Put a backup in its place with "
            "`ioruntime restore FILE --overwrite`, which keeps the damaged files; or save what can be read with SQLite's own "
            f"`sqlite3 {file} .recover`."
        )


class Snapshot(msgspec.Struct, frozen=True):
    """What a copy of a database holds."""

    schema: str
    code_digests: tuple[str, ...]
    """Of the code that its actions refer to."""


def sqlite_file(url: str) -> Path:
    """Return the file that a store's URL names.

    Raises:
        InvalidError: it is another kind of database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise InvalidError(_NO_FILE)
    return Path(parsed.database)


def copy_database(source: Path, target: Path) -> Snapshot:
    """Copy a database as it is at one moment to a new file, which is complete and on stable storage at the end.

    Writers are not held up: all pages are read under one snapshot.

    Raises:
        UnavailableError: there is none, it cannot be read, or the target's disk is full.
        DamagedError: it is not whole.
        SchemaError: it is newer than this code.
    """
    if not source.exists():
        raise UnavailableError(f"There is no store at {source}.")
    with _connected(source, read_only=True) as database, _connected(target) as copy:
        copy.execute("PRAGMA synchronous=FULL")
        database.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    return inspect_copy(target)


def inspect_copy(file: Path) -> Snapshot:
    """Tell what a database holds that nobody uses.

    Raises:
        DamagedError: it is not whole.
        SchemaError: it is newer than this code.
    """
    check_whole(file)
    with _connected(file, read_only=True) as database:
        row = database.execute("SELECT version_num FROM alembic_version").fetchone()
        digests = database.execute("SELECT DISTINCT code_digest FROM entities WHERE code_digest IS NOT NULL ORDER BY 1")
        schema = str(row[0]) if row else ""
        if schema not in REVISIONS:
            raise SchemaError(schema)
        return Snapshot(schema, tuple(digest for (digest,) in digests))


def mark_all_begun(file: Path) -> None:
    """Let every accepted request of a copy count as begun: it may have run since the copy was made.

    Raises:
        UnavailableError: the file cannot be written.
    """
    with _connected(file) as database:
        database.execute("PRAGMA synchronous=FULL")
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'begun'").fetchone():
            database.execute("INSERT OR IGNORE INTO begun SELECT activation_id FROM accepted")


def check_whole(file: Path, *, within_s: float | None = None) -> bool:
    """Examine every page of a database; a log that a killed process left behind is read with it.

    Args:
        file: in use or not; nothing is written to it.
        within_s: how long it may take; None examines to the end.

    Returns:
        False when the time was too short for all of it.

    Raises:
        DamagedError: it is not whole.
        UnavailableError: it cannot be read.
    """
    deadline_s = None if within_s is None else time.monotonic() + within_s
    # Read-only: the last connection that may write empties the log into a file that may be damaged.
    with _connected(file, read_only=True) as database:
        if deadline_s is not None:
            database.set_progress_handler(lambda: time.monotonic() > deadline_s, _STEPS_BETWEEN_LOOKS)
        try:
            findings = [str(row[0]) for row in database.execute("PRAGMA quick_check(1)")]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return False
            raise
    if findings != ["ok"]:
        raise DamagedError(file, " ".join(findings[0].split()))
    return True


@contextmanager
def _connected(file: Path, *, read_only: bool = False) -> Generator[sqlite3.Connection]:
    target = f"{file.resolve().as_uri()}?mode=ro" if read_only else str(file)
    try:
        with closing(sqlite3.connect(target, timeout=WAIT_S, isolation_level=None, uri=read_only)) as connection:
            yield connection
    except sqlite3.OperationalError as error:
        raise UnavailableError(f"The store's file {file} cannot be read or copied: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise DamagedError(file, str(error)) from error
