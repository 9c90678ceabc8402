"""The list of what changed, which other processes read to keep their caches right, and which numbers the revisions."""

from collections.abc import Sequence
from enum import IntEnum

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioruntime.ports.namespaces import Change
from ioruntime.stores.sql.schema import changes

KEPT_MS = 3_600_000
_PRUNED_EVERY = 256


class Turn(IntEnum):
    """Numbers that readers follow must appear in the order in which they are given, so their writers take turns.

    SQLite has one writer anyway; in PostgreSQL a turn is an advisory lock that ends with the transaction.
    """

    CATALOG = 1
    """Namespaces, entities and the list of their changes."""
    JOURNAL = 2
    SCHEMA = 3


async def add_change(connection: AsyncConnection, namespace: str, key: str | None, *, now_ms: int) -> int:
    """Note a change in the caller's transaction; return its number, which is used for no other, ever."""
    result = await connection.execute(insert(changes).values(namespace=namespace, key=key, at_ms=now_ms))
    assert result.inserted_primary_key is not None
    sequence: int = result.inserted_primary_key[0]
    if sequence % _PRUNED_EVERY == 0:
        # The newest always stays, so the highest number never falls.
        await connection.execute(delete(changes).where(changes.c.sequence < sequence, changes.c.at_ms < now_ms - KEPT_MS))
    return sequence


async def changes_after(connection: AsyncConnection, after: int) -> Sequence[Change]:
    columns = (changes.c.sequence, changes.c.namespace, changes.c.key)
    rows = await connection.execute(select(*columns).where(changes.c.sequence > after).order_by(changes.c.sequence))
    return [Change(*row) for row in rows]


async def last_change(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.max(changes.c.sequence))) or 0
