"""Bring a database to the schema of this code, and refuse one that is ahead of it."""

import msgspec
from sqlalchemy import Connection, insert, inspect, select

from ioruntime.model.errors import IoRuntimeError
from ioruntime.stores.sql.changes import Turn
from ioruntime.stores.sql.engine import SqlEngine, open_engine
from ioruntime.stores.sql.schema import HEAD, REVISIONS, metadata, version

_SCRIPTS = "ioruntime.stores.sql:migrations"


class SchemaError(IoRuntimeError):
    """The database has a schema that this version cannot work with."""

    def __init__(self, current: str) -> None:
        super().__init__(
            f"The store's schema is at revision {current}, which is newer than this version of ioruntime knows ({HEAD}). "
            "Use the version that wrote it, or a later one."
        )


class SchemaState(msgspec.Struct, frozen=True):
    """Which schema a database has, and which one it should have."""

    current: str | None
    """None: it is empty."""
    head: str = HEAD

    @property
    def is_current(self) -> bool:
        return self.current == self.head


async def check_schema(url: str) -> SchemaState:
    """Tell which schema the database has; a missing SQLite file is made, and empty.

    Raises:
        SchemaError: it is newer than this code.
        UnavailableError: it cannot be reached.
    """
    engine = open_engine(url)
    try:
        async with engine.maintaining() as connection:
            return await connection.run_sync(_read_state)
    finally:
        await engine.close()


async def migrate(url: str) -> SchemaState:
    """Bring the database to the head; return what it was at before. Safe to call from several processes at once.

    Raises:
        SchemaError: it is newer than this code.
        UnavailableError: it cannot be reached or written.
    """
    engine = open_engine(url)
    try:
        return await bring_to_head(engine)
    finally:
        await engine.close()


async def bring_to_head(engine: SqlEngine) -> SchemaState:
    """Do what `migrate` does, on an open engine and in one transaction."""
    async with engine.maintaining() as connection:
        before = await connection.run_sync(_read_state)
    if before.is_current:
        return before
    async with engine.writing(Turn.SCHEMA) as connection:
        return await connection.run_sync(_upgrade)


def _read_state(connection: Connection) -> SchemaState:
    if not inspect(connection).has_table(version.name):
        return SchemaState(None)
    current = connection.scalar(select(version.c.version_num))
    if current is not None and current not in REVISIONS:
        raise SchemaError(current)
    return SchemaState(current)


def _upgrade(connection: Connection) -> SchemaState:
    # Read again: another process may have been faster while this one waited for its turn.
    before = _read_state(connection)
    if before.current is None:
        _create(connection)
    elif not before.is_current:
        run_migrations(connection)
    return before


def _create(connection: Connection) -> None:
    """Make all tables at once: a tenth of the time that the migration tool takes to be imported."""
    metadata.create_all(connection, checkfirst=False)
    version.create(connection, checkfirst=False)
    connection.execute(insert(version).values(version_num=HEAD))


def run_migrations(connection: Connection, *, target: str = HEAD) -> None:
    """Run every migration that is missing up to `target`, in the transaction of `connection`."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)
