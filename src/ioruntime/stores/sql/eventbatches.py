"""What is written of events in batches, for SQLite: whole transactions in one step of the writer's thread (see `batches`)."""

import sqlite3
from collections.abc import Collection, Sequence

import msgspec

from ioruntime.stores.sql.batches import Row, insert_rows


class Batch(msgspec.Struct, frozen=True):
    """Rows of one transaction."""

    entries: Sequence[Row]
    """Of the journal, without their positions."""
    pushed: Sequence[Row | None]
    """For each entry the delivery that it makes, without its position."""
    over: Sequence[int]
    """Positions of deliveries that are done."""
    again: Sequence[Row]
    """Deliveries that are tried again, or dead."""


def write_batch(connection: sqlite3.Connection, batch: Batch) -> None:
    """Append to journals and settle deliveries."""
    if batch.entries:
        _append(connection, batch)
    if batch.over:
        connection.execute(_OVER, (msgspec.json.encode(batch.over).decode(),))
    if batch.again:
        connection.executemany(_AGAIN, batch.again)


def _append(connection: sqlite3.Connection, batch: Batch) -> None:
    known = _known(connection, {row["namespace"] for row in batch.entries})
    position: int = connection.execute(_LAST).fetchone()[0]
    entries: list[Row] = []
    deliveries: list[Row] = []
    for entry, pushed in zip(batch.entries, batch.pushed, strict=True):
        if entry["namespace"] in known:
            position += 1
            entries.append({"position": position, **entry})
            if pushed is not None:
                deliveries.append({"position": position, **pushed})
    insert_rows(connection, "journal", entries)
    insert_rows(connection, "deliveries", deliveries)


def _known(connection: sqlite3.Connection, names: Collection[object]) -> Collection[object]:
    return {name for (name,) in connection.execute(_KNOWN, (msgspec.json.encode(names).decode(),))}


_KNOWN = "SELECT name FROM namespaces WHERE name IN (SELECT value FROM json_each(?))"
_LAST = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)"
"""The highest position that there ever was: the table counts on from it, rows with a higher one included."""
_OVER = "DELETE FROM deliveries WHERE position IN (SELECT value FROM json_each(?))"
_AGAIN = "UPDATE deliveries SET attempt = :attempts, next_ms = :then_ms, is_dead = :dead WHERE position = :at"
