"""What every `BlobStore` promises. Subclass the suite and give it the fixtures that its tests name."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio
import pytest

from ioruntime.model.errors import NotFoundError
from ioruntime.ports.blobs import BlobStore

Aging: TypeAlias = Callable[[float], Awaitable[None]]
"""Makes all that was put until now older by so many seconds."""


class BlobsContract:
    """Needs the fixtures `blobs: BlobStore`, empty, and `age: Aging`."""

    pytestmark = pytest.mark.anyio

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"\x00\xffcode", id="any byte"),
            pytest.param(b"x" * 3_000_000, id="megabytes"),
        ],
    )
    async def test_what_was_put_is_got_by_its_sha256(self, blobs: BlobStore, content: bytes) -> None:
        digest = await blobs.put(content)
        assert digest == hashlib.sha256(content).hexdigest()
        assert await blobs.get(digest) == content

    @pytest.mark.parametrize("digest", ["0" * 64, "", "../../../etc/passwd", "0" * 63 + "/", "A" * 64])
    async def test_unknown_digest_is_not_found(self, blobs: BlobStore, digest: str) -> None:
        await blobs.put(b"something")
        with pytest.raises(NotFoundError):
            await blobs.get(digest)

    async def test_same_content_put_by_many_at_once_is_one_blob(self, blobs: BlobStore, age: Aging) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(blobs.put, b"same")
        await age(100)
        assert await blobs.sweep(set(), older_than_s=50) == 1

    async def test_sweep_takes_what_is_old_and_not_kept(self, blobs: BlobStore, age: Aging) -> None:
        old, kept = await blobs.put(b"old"), await blobs.put(b"kept")
        await age(100)
        new = await blobs.put(b"new")
        assert await blobs.sweep({kept}, older_than_s=50) == 1
        with pytest.raises(NotFoundError):
            await blobs.get(old)
        assert await blobs.get(kept) == b"kept"
        assert await blobs.get(new) == b"new"

    async def test_what_is_put_again_counts_as_new(self, blobs: BlobStore, age: Aging) -> None:
        digest = await blobs.put(b"again")
        await age(100)
        await blobs.put(b"again")
        assert await blobs.sweep(set(), older_than_s=50) == 0
        assert await blobs.get(digest) == b"again"

    async def test_sweep_of_nothing(self, blobs: BlobStore) -> None:
        assert await blobs.sweep(set(), older_than_s=0) == 0
