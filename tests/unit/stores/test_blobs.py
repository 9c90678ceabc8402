"""What is true of blobs in files and of no others."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from ioruntime.model.errors import NotFoundError
from ioruntime.stores.blobs import FileBlobs

pytestmark = pytest.mark.anyio


async def test_files_are_named_by_their_digest(tmp_path: Path) -> None:
    async with FileBlobs(tmp_path) as blobs:
        digest = await blobs.put(b"code")
    assert (tmp_path / digest[:2] / digest[2:]).read_bytes() == b"code"
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_blobs_are_there_after_reopening(tmp_path: Path) -> None:
    async with FileBlobs(tmp_path) as blobs:
        digest = await blobs.put(b"code")
    async with FileBlobs(tmp_path) as blobs:
        assert await blobs.get(digest) == b"code"


async def test_put_repairs_a_damaged_blob(tmp_path: Path) -> None:
    async with FileBlobs(tmp_path) as blobs:
        digest = await blobs.put(b"code")
        (tmp_path / digest[:2] / digest[2:]).write_bytes(b"co")
        await blobs.put(b"code")
        assert await blobs.get(digest) == b"code"


async def test_sweep_takes_what_a_killed_process_left(tmp_path: Path) -> None:
    async with FileBlobs(tmp_path) as blobs:
        await blobs.put(b"code")
        old, new = tmp_path / "incoming" / "old", tmp_path / "incoming" / "new"
        for path in (old, new):
            path.write_bytes(b"half")
        os.utime(old, (1, 1))
        assert await blobs.sweep({sha256(b"code").hexdigest()}, older_than_s=0) == 0
    assert list((tmp_path / "incoming").iterdir()) == [new]


async def test_nothing_outside_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    async with FileBlobs(tmp_path / "blobs") as blobs:
        with pytest.raises(NotFoundError):
            await blobs.get("../secret")
