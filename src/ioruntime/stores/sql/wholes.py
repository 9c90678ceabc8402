"""Reads many rows in one step of the reader's thread, where the database is SQLite.

Its driver lets go of the interpreter at every row, and under load waits for its turn at every row again (measured: 200 ms
for 256 rows beside a busy loop). So SQLite puts the rows into one text, which is one row.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import LargeBinary, Select, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection


async def read_whole(connection: AsyncConnection, wanted: Select[*tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    """Return the rows of a query; binary columns hold UTF-8 and come as `str` or `bytes`. In no order with SQLite."""
    if connection.dialect.name != "sqlite":
        return (await connection.execute(wanted)).all()
    rows = wanted.subquery()
    columns = [cast(each, Text) if isinstance(each.type, LargeBinary) else each for each in rows.c]
    text: str = (await connection.execute(select(func.json_group_array(func.json_array(*columns))))).scalar_one()
    return msgspec.json.decode(text)


def content_of(value: str | bytes) -> msgspec.Raw:
    """Return a document that `read_whole` read."""
    return msgspec.Raw(value.encode() if isinstance(value, str) else value)
