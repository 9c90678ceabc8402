"""Full, locked, damaged: what a store says when its disk lets it down, and that it recovers."""

import errno
import os
import sqlite3
from pathlib import Path

import msgspec
import pytest

from ioruntime.model.activation import Activation
from ioruntime.model.errors import CorruptError, UnavailableError
from ioruntime.stores.blobs import FileBlobs
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import ALL, sample_activation, sample_request
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = pytest.mark.anyio


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


def big() -> Activation:
    return msgspec.structs.replace(sample_activation(), result=msgspec.Raw(b'"' + b"x" * 500_000 + b'"'))


async def limit_pages(stores: SqlStores, pages: int) -> None:
    async with stores.engine.maintaining() as connection:
        await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


async def test_full_disk_is_said_so_and_leaves_no_half_batch(tmp_path: Path) -> None:
    small = sample_activation("small")
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        await limit_pages(stores, 60)
        with pytest.raises(UnavailableError, match="disk is full"):
            await stores.activations.record([small, big()])
        assert await stores.activations.count(ALL) == 0
        await limit_pages(stores, 1_000_000)
        await stores.activations.record([small, big()])
        assert await stores.activations.count(ALL) == 2


async def test_full_disk_refuses_each_accept_and_the_next_one_is_kept(tmp_path: Path) -> None:
    large = msgspec.structs.replace(sample_request(), arguments=msgspec.Raw(b'"' + b"x" * 500_000 + b'"'))
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await limit_pages(stores, 60)
        for _ in range(2):
            with pytest.raises(UnavailableError, match="disk is full"):
                await stores.activations.accept([large])
        request = sample_request()
        await stores.activations.accept([request])
        assert await stores.activations.accepted() == [request]


async def test_file_locked_for_too_long_is_said_so(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        async with stores.engine.maintaining() as connection:
            await connection.exec_driver_sql("PRAGMA busy_timeout=1")
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="locked"):
            await stores.namespaces.create(sample_namespace())
        assert await stores.namespaces.list() == []
        other.execute("ROLLBACK")
        other.close()
        await stores.namespaces.create(sample_namespace())


async def test_damaged_blob_is_corrupt(tmp_path: Path) -> None:
    async with FileBlobs(tmp_path) as blobs:
        digest = await blobs.put(b"code")
        (tmp_path / digest[:2] / digest[2:]).write_bytes(b"evil")
        with pytest.raises(CorruptError):
            await blobs.get(digest)


async def test_blobs_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with FileBlobs(tmp_path) as blobs:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(UnavailableError, match="full"):
                await blobs.put(b"code")
        assert list((tmp_path / "incoming").iterdir()) == []
        assert await blobs.get(await blobs.put(b"code")) == b"code"
