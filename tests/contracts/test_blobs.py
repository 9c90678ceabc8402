"""The contract of `BlobStore`, on every store that we have."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ioruntime.ports.blobs import BlobStore
from ioruntime.stores.blobs import FileBlobs
from ioruntime.stores.memory import MemoryBlobs
from ioruntime.stores.sql.blobs import SqlBlobs
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.blobs_contract import Aging, BlobsContract
from ioruntime.testing.engines.postgres import RunningPostgres, new_database


class TestMemoryBlobs(BlobsContract):
    @pytest.fixture
    def now(self) -> list[float]:
        return [0.0]

    @pytest.fixture
    def blobs(self, now: list[float]) -> BlobStore:
        return MemoryBlobs(monotonic_s=lambda: now[0])

    @pytest.fixture
    def age(self, now: list[float]) -> Aging:
        async def age(seconds: float) -> None:
            now[0] += seconds

        return age


class TestFileBlobs(BlobsContract):
    @pytest.fixture
    async def blobs(self, tmp_path: Path) -> AsyncGenerator[BlobStore]:
        async with FileBlobs(tmp_path / "blobs") as opened:
            yield opened

    @pytest.fixture
    def age(self, tmp_path: Path) -> Aging:
        async def age(seconds: float) -> None:
            for path in (tmp_path / "blobs").glob("??/*"):
                put_s = path.stat().st_mtime - seconds
                os.utime(path, (put_s, put_s))

        return age


@pytest.mark.postgres
class TestSqlBlobs(BlobsContract):
    @pytest.fixture
    def now_ms(self) -> list[int]:
        return [1_000_000]

    @pytest.fixture
    async def blobs(self, postgres: RunningPostgres, now_ms: list[int]) -> AsyncGenerator[BlobStore]:
        async with new_database(postgres.server) as url, SqlStores.open(url) as stores:
            yield SqlBlobs(stores.engine, now_ms=lambda: now_ms[0])

    @pytest.fixture
    def age(self, now_ms: list[int]) -> Aging:
        async def age(seconds: float) -> None:
            now_ms[0] += round(seconds * 1000)

        return age
