"""SQLite's write-ahead log: as long as readers let it be, and worth nothing where it was cut off or damaged."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ioruntime.stores.sql.snapshot import check_whole
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.stores.sql.wal import empty_log, keep_log_short, log_bytes
from ioruntime.testing.activations_contract import ALL, sample_activation
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
MEBIBYTE = 1 << 20


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


async def write(stores: SqlStores, mebibytes: int) -> None:
    for _ in range(mebibytes):
        await stores.activations.record([msgspec.structs.replace(sample_activation(), result=msgspec.Raw(b'"%1048576d"' % 0))])


async def test_a_reader_that_stays_lets_the_log_grow_and_it_is_emptied_after(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        reader = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM namespaces").fetchall()
        await write(stores, 12)
        assert not await empty_log(stores.engine)
        assert log_bytes(stores.engine) > 12 * MEBIBYTE
        reader.execute("COMMIT")
        reader.close()
        assert await empty_log(stores.engine)
        assert log_bytes(stores.engine) == 0
        await write(stores, 1)
        assert await stores.activations.count(ALL) == 13


async def test_sustained_writes_beside_readers_keep_the_log_in_its_bound(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        keeping = asyncio.ensure_future(keep_log_short(stores.engine, most_bytes=MEBIBYTE, every_s=0.05))
        written = asyncio.Event()
        reading = [asyncio.ensure_future(read_until(stores, written)) for _ in range(2)]
        await write(stores, 8)
        written.set()  # not cancelled: a statement that is cut off keeps its snapshot until its connection is closed
        await asyncio.wait(reading)
        async with asyncio.timeout(30):
            await below(stores, MEBIBYTE)
        keeping.cancel()
        await asyncio.wait((keeping,))
        assert await stores.activations.count(ALL) == 8


async def below(stores: SqlStores, most_bytes: int) -> None:
    while log_bytes(stores.engine) > most_bytes:  # noqa: ASYNC110 - a file tells nobody that it became shorter
        await asyncio.sleep(0.01)


async def read_until(stores: SqlStores, written: asyncio.Event) -> None:
    while not written.is_set():
        await stores.activations.list(ALL, limit=5, full=True)


async def files_of_a_killed_process(folder: Path) -> Path:
    """A database whose log holds the last ten records, as a killed process leaves it."""
    async with SqlStores.open(url_of(folder)) as stores:
        await stores.namespaces.create(sample_namespace())
        await empty_log(stores.engine)
        for _ in range(10):
            await stores.activations.record([sample_activation()])
        left = folder / "left"
        left.mkdir()
        for name in ("store.db", "store.db-wal"):
            shutil.copy(folder / name, left / name)
    return left


def cut_off(log: bytes) -> bytes:
    return log[: len(log) - 2000]


def torn(log: bytes) -> bytes:
    return log[:-4000] + b"\xff" * 4000


def followed_by_rubbish(log: bytes) -> bytes:
    return log + b"\x13" * 5000


def empty(log: bytes) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        pytest.param(cut_off, 9, id="cut off"),
        pytest.param(torn, 9, id="torn"),
        pytest.param(followed_by_rubbish, 10, id="rubbish behind it"),
        pytest.param(empty, 0, id="empty"),
    ],
)
async def test_a_damaged_end_of_the_log_costs_only_what_it_held(
    tmp_path: Path, damage: Callable[[bytes], bytes], least: int
) -> None:
    left = await files_of_a_killed_process(tmp_path)
    log = left / "store.db-wal"
    log.write_bytes(damage(log.read_bytes()))
    assert check_whole(left / "store.db")
    async with SqlStores.open(url_of(left)) as stores:
        assert least <= await stores.activations.count(ALL) <= 10
        await stores.activations.record([sample_activation()])
    assert check_whole(left / "store.db")
