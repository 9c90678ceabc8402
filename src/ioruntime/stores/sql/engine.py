"""How this process talks to the database: one writer, several readers, and what foreign errors mean here.

All that differs between SQLite and PostgreSQL is in this file, in `postgresql` and in `reclaim`.
"""

import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy import Insert, Table, event
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ioruntime.model.errors import CorruptError, InvalidError, UnavailableError
from ioruntime.stores.sql.batches import ROWS_MOST, many
from ioruntime.stores.sql.changes import Turn

T = TypeVar("T")

WAIT_S = 10.0
"""How long a transaction waits for its turn to write."""
READERS = 4
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_CONNECTION_PRAGMAS = ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL")
_FILE_PRAGMAS = (
    # Only a file without tables takes it, and only before it becomes a write-ahead one.
    "PRAGMA auto_vacuum=INCREMENTAL",
    "PRAGMA journal_mode=WAL",
    "PRAGMA wal_autocheckpoint=1000",
    "PRAGMA journal_size_limit=8388608",
)

_MEANINGS: tuple[tuple[str, Callable[[], Exception]], ...] = (
    ("disk is full", lambda: UnavailableError("The store's disk is full.")),
    ("readonly", lambda: UnavailableError("The store is read-only.")),
    ("locked", lambda: UnavailableError(f"Another process kept the store locked for more than {WAIT_S:.0f} s.")),
    ("malformed", CorruptError),
    ("not a database", CorruptError),
)


class SqlEngine:
    """One database. Writers take turns, here and with other processes; readers wait for nobody."""

    def __init__(
        self, *, reader: AsyncEngine, writer: AsyncEngine, foreign: tuple[type[Exception], ...] = (sqlite3.Error,)
    ) -> None:
        """
        Args:
            foreign: what the driver raises past SQLAlchemy.
        """
        self._reader = reader
        self.writer = writer
        self.is_sqlite = writer.dialect.name == "sqlite"
        self._foreign = foreign

    def __repr__(self) -> str:
        return f"<SqlEngine {self.writer.url!r}>"

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """Lend a connection on which each statement sees the last commit, and none may write.

        Raises:
            UnavailableError: the database cannot be reached.
            CorruptError: the file is damaged.
        """
        with self._translated():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, *turns: Turn) -> AsyncGenerator[AsyncConnection]:
        """Lend the writer inside a transaction: on stable storage at the end, undone when the body raises.

        Args:
            turns: waited for first; without any, other processes write at the same time where the database lets them.

        Raises:
            UnavailableError: full, read-only, locked for too long, or out of reach.
            CorruptError: the file is damaged.
        """
        with self._translated():
            async with self.writer.begin() as connection:
                if self.is_sqlite:
                    # A deferred transaction would fail, not wait, when another process wrote after its first read.
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                for turn in () if self.is_sqlite else turns:
                    await _postgresql().take_turn(connection, turn)
                yield connection

    @asynccontextmanager
    async def maintaining(self) -> AsyncGenerator[AsyncConnection]:
        """Lend the writer outside of any transaction, as some pragmas of SQLite want it."""
        with self._translated():
            async with self.writer.connect() as connection:
                yield connection

    def insert_new(self, table: Table) -> Insert:
        """Build an insert that leaves rows alone which are there already."""
        if self.is_sqlite:
            return sqlite_dialect.insert(table).on_conflict_do_nothing()
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()

    async def insert_many(self, connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows that have the same columns, and leave those alone that are there already."""
        if not self.is_sqlite:
            await _postgresql().insert_rows(connection, table, rows)
            return
        columns = tuple(rows[0])
        for start in range(0, len(rows), ROWS_MOST):
            part = rows[start : start + ROWS_MOST]
            values = tuple(row[column] for row in part for column in columns)
            await connection.exec_driver_sql(many(table.name, columns, len(part)), values)

    async def write_at_once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a whole transaction in one step of the writer's thread (SQLite only); on stable storage when it returns.

        Each statement of `writing` is a hop to the thread and back, which under load waits for its turn twice.

        Args:
            work: runs in that thread, inside a transaction; what it raises undoes it.

        Raises:
            UnavailableError, CorruptError: as `writing`.
        """
        with self._translated():
            async with self.writer.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                # aiosqlite has no public way to run a function of one's own in its thread.
                return await driver._execute(_transact, driver._conn, work)  # noqa: SLF001

    async def close(self) -> None:
        await self._reader.dispose()
        await self.writer.dispose()

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except IntegrityError:
            raise  # The store that wrote knows what it means.
        except PoolTimeoutError as error:
            raise UnavailableError("The store has too much to do.") from error
        except DBAPIError as error:
            raise (_meaning(error, str(error.orig)) if self.is_sqlite else _postgresql().meaning_of(error)) from error
        except self._foreign as error:  # From a store, or a connection, that speaks to the driver itself.
            raise (_meaning(error, str(error)) if self.is_sqlite else _postgresql().meaning_of(error)) from error


def open_engine(url: str, *, readers: int = READERS) -> SqlEngine:
    """Prepare to talk to `sqlite:///FILE` or `postgresql://...`; nothing is connected yet.

    Args:
        readers: connections that read at the same time; PostgreSQL has as many that write.

    Raises:
        InvalidError: another kind of URL, or PostgreSQL's driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidError("The store's URL must begin with sqlite:/// or postgresql://.") from error
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise InvalidError(f"The store's URL must begin with sqlite:/// or postgresql://, not '{backend}'.")
    parsed = parsed.set(drivername=_DRIVERS[backend])
    return _open_sqlite(parsed, readers) if backend == "sqlite" else _open_postgresql(parsed, readers)


def _open_sqlite(url: URL, readers: int) -> SqlEngine:
    if not url.database or url.database == ":memory:":
        raise InvalidError("The store's URL must name a file: sqlite:///FILE.")
    with _translated_os_errors(url.database):
        # Keys are in it: only its owner may read it. SQLite gives its companion files the same mode.
        os.close(os.open(url.database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    # The driver begins nothing by itself.
    arguments = {"timeout": WAIT_S, "isolation_level": None}
    writer = create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=WAIT_S * 3,
        connect_args=arguments,
        pool_reset_on_return=None,  # whoever writes ends his transaction; to roll back once more is a hop to the thread
    )
    reader = create_async_engine(
        url,
        pool_size=readers,
        max_overflow=0,
        pool_timeout=WAIT_S * 3,
        connect_args=arguments,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )
    _on_connect(writer, (*_FILE_PRAGMAS, *_CONNECTION_PRAGMAS))
    _on_connect(reader, (*_CONNECTION_PRAGMAS, "PRAGMA query_only=ON"))
    return SqlEngine(reader=reader, writer=writer)


def _open_postgresql(url: URL, readers: int) -> SqlEngine:
    dialect = _postgresql()
    reader, writer = dialect.open_postgresql(url, readers, WAIT_S)
    return SqlEngine(reader=reader, writer=writer, foreign=dialect.FOREIGN)


def _postgresql() -> ModuleType:
    """Return what knows PostgreSQL.

    Raises:
        InvalidError: its driver is not installed.
    """
    try:
        from ioruntime.stores.sql import postgresql
    except ImportError as error:
        raise InvalidError("PostgreSQL's driver is not installed: pip install 'ioruntime[postgres]'.") from error
    return postgresql


def _on_connect(engine: AsyncEngine, statements: Sequence[str]) -> None:
    def configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine.sync_engine, "connect", configure)


def _transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done


def _meaning(error: Exception, text: str) -> Exception:
    for part, make in _MEANINGS:
        if part in text:
            return make()
    if isinstance(error, OperationalError | InterfaceError | sqlite3.OperationalError) or type(error) is DatabaseError:
        return UnavailableError(f"The store does not work now: {text}.")
    return error


@contextmanager
def _translated_os_errors(path: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"The store's file {path} cannot be opened: {error.strerror}.") from error
