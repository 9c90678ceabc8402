"""A new file, a migrated file, and one from the future."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ioruntime.model.errors import UnavailableError
from ioruntime.stores.sql.engine import SqlEngine, open_engine
from ioruntime.stores.sql.migrate import SchemaError, SchemaState, check_schema, migrate, run_migrations
from ioruntime.stores.sql.schema import HEAD, REVISIONS
from ioruntime.stores.sql.stores import SqlStores

pytestmark = pytest.mark.anyio


def url_of(folder: Path, name: str = "store.db") -> str:
    return f"sqlite:///{folder}/{name}"


async def layout(engine: SqlEngine) -> dict[str, Sequence[object]]:
    """Return what SQLite itself says of each table and index."""
    async with engine.reading() as connection:
        named = await connection.execute(text("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_sequence'"))
        found: dict[str, Sequence[object]] = {}
        for kind, name in named.all():
            rows = await connection.execute(text(f"PRAGMA {kind}_xinfo('{name}')"))
            found[name] = list(map(tuple, rows))
            if kind == "table":
                indexes = await connection.execute(text(f"PRAGMA index_list('{name}')"))
                # Without the first column, which is the order in which they were made.
                found[f"indexes of {name}"] = sorted(tuple(row)[1:] for row in indexes)
        partial = await connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'ix_entities_code_digest'"))
        found["partial"] = list(partial.scalars())
        counted = await connection.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"))
        found["autoincrement"] = list(counted.scalars())
        return found


async def test_migrations_and_metadata_make_the_same_schema(tmp_path: Path) -> None:
    await migrate(url_of(tmp_path, "made.db"))
    made, migrated = open_engine(url_of(tmp_path, "made.db")), open_engine(url_of(tmp_path, "migrated.db"))
    try:
        async with migrated.writing() as connection:
            await connection.run_sync(run_migrations)
        assert await layout(migrated) == await layout(made)
        assert len(await layout(made)) > 10
    finally:
        await made.close()
        await migrated.close()


async def test_every_migration_is_in_the_list_of_revisions() -> None:
    config = Config()
    config.set_main_option("script_location", "ioruntime.stores.sql:migrations")
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == REVISIONS
    assert scripts.get_heads() == [HEAD]


async def test_failed_migration_leaves_nothing(tmp_path: Path) -> None:
    engine = open_engine(url_of(tmp_path))
    try:
        async with engine.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE accepted (x INTEGER)")
        with pytest.raises(UnavailableError, match="already exists"):
            async with engine.writing() as connection:
                await connection.run_sync(run_migrations)
        assert set(await layout(engine)) == {"accepted", "indexes of accepted", "partial", "autoincrement"}
    finally:
        await engine.close()


async def test_migrate_tells_where_it_came_from(tmp_path: Path) -> None:
    assert await check_schema(url_of(tmp_path)) == SchemaState(None)
    assert await migrate(url_of(tmp_path)) == SchemaState(None)
    assert await migrate(url_of(tmp_path)) == SchemaState(HEAD)
    assert (await check_schema(url_of(tmp_path))).is_current


async def test_schema_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    await migrate(url_of(tmp_path))
    engine = open_engine(url_of(tmp_path))
    async with engine.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.close()
    for attempt in (check_schema, migrate):
        with pytest.raises(SchemaError, match=f"revision 9999, which is newer .* knows \\({HEAD}\\)"):
            await attempt(url_of(tmp_path))
    with pytest.raises(SchemaError):
        async with SqlStores.open(url_of(tmp_path)):
            pass


def test_a_new_store_opens_without_the_migration_tool(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from ioruntime.stores.sql.stores import SqlStores\n"
        "async def main():\n"
        "    async with SqlStores.open(sys.argv[1]) as stores: await stores.namespaces.list()\n"
        "asyncio.run(main())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, url_of(tmp_path)], check=True)
