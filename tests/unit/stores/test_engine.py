"""How a database file is opened, shared and closed."""

import asyncio
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from ioruntime.model.errors import CorruptError, InvalidError, UnavailableError
from ioruntime.stores.sql.engine import SqlEngine, open_engine
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = pytest.mark.anyio


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def pragma(engine: SqlEngine, name: str) -> object:
    async with engine.maintaining() as connection:
        return (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        pytest.param("synchronous", 2, id="a commit is on stable storage"),
        ("foreign_keys", 1),
        pytest.param("auto_vacuum", 2, id="free pages can be given back"),
        pytest.param("busy_timeout", 10_000, id="writers of other processes are waited for"),
        ("wal_autocheckpoint", 1000),
    ],
)
async def test_pragmas(tmp_path: Path, name: str, value: object) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        assert await pragma(stores.engine, name) == value


async def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.list()
        assert modes_in(tmp_path) == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidError, match="URL must"):
        open_engine(url)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"store\.db cannot be opened: No such file"):
        open_engine(url_of(tmp_path / "nowhere"))


async def test_reader_sees_the_last_commit_while_a_writer_is_busy(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        async with stores.engine.writing() as connection:
            await connection.execute(text("DELETE FROM namespaces"))
            assert await stores.namespaces.list() == [sample_namespace()]
        assert await stores.namespaces.list() == []


async def test_reader_cannot_write(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        with pytest.raises(UnavailableError, match="read-only"):
            async with stores.engine.reading() as connection:
                await connection.execute(text("DELETE FROM namespaces"))


async def test_a_bug_is_not_called_unavailable(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        with pytest.raises(ProgrammingError):
            async with stores.engine.reading() as connection:
                await connection.exec_driver_sql("SELECT ?", (1, 2))


async def test_cancelled_write_leaves_the_writer_usable(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        for steps in range(0, 300, 10):
            task = asyncio.create_task(stores.namespaces.create(sample_namespace(f"n{steps}")))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        await stores.namespaces.create(sample_namespace("last"))
        assert await stores.namespaces.by_name("last") == sample_namespace("last")


async def delete_then_raise(engine: SqlEngine) -> None:
    async with engine.writing() as connection:
        await connection.execute(text("DELETE FROM namespaces"))
        raise RuntimeError("stop")


async def test_body_that_raises_undoes_its_writes(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        with pytest.raises(RuntimeError, match="stop"):
            await delete_then_raise(stores.engine)
        assert await stores.namespaces.list() == [sample_namespace()]


async def test_file_that_is_no_database_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database, " * 100)
    with pytest.raises(CorruptError):
        async with SqlStores.open(url_of(tmp_path)):
            pass


async def test_errors_of_the_body_come_out_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidError):
        async with SqlStores.open(url_of(tmp_path)):
            raise InvalidError("mine")
