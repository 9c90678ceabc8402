"""Action code in a table, so that every machine of a cluster sees it."""

import time
from collections.abc import Callable
from hashlib import sha256

from sqlalchemy import delete, select, update

from ioruntime.model.errors import CorruptError, NotFoundError
from ioruntime.stores.sql.engine import SqlEngine
from ioruntime.stores.sql.schema import blobs


class SqlBlobs:
    """The `BlobStore` of one database."""

    def __init__(self, engine: SqlEngine, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._engine = engine
        self._now_ms = now_ms

    async def put(self, content: bytes) -> str:
        digest = sha256(content).hexdigest()
        is_it = blobs.c.digest == digest
        async with self._engine.writing() as connection:
            # First by name alone: what is there already, and it may be large, is not sent again.
            renewed = await connection.execute(update(blobs).where(is_it).values(put_ms=self._now_ms()))
            if renewed.rowcount == 0:
                row = {"digest": digest, "put_ms": self._now_ms(), "content": content}
                await connection.execute(self._engine.insert_new(blobs).values(row))
        return digest

    async def get(self, digest: str) -> bytes:
        async with self._engine.reading() as connection:
            content = await connection.scalar(select(blobs.c.content).where(blobs.c.digest == digest))
        if content is None:
            raise NotFoundError
        if sha256(content).hexdigest() != digest:
            raise CorruptError
        return content

    async def sweep(self, keep: set[str], *, older_than_s: float) -> int:
        before_ms = self._now_ms() - round(older_than_s * 1000)
        is_old = blobs.c.put_ms <= before_ms
        async with self._engine.reading() as connection:
            old = set(await connection.scalars(select(blobs.c.digest).where(is_old)))
        async with self._engine.writing() as connection:
            # Asked again: what was put meanwhile counts as new.
            gone = await connection.execute(delete(blobs).where(blobs.c.digest.in_(old - keep), is_old))
        return gone.rowcount
