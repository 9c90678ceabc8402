"""What is written in batches, for SQLite: whole transactions in one step of the writer's thread.

The driver lets go of the interpreter at every statement, and under load each would wait for its turn again; so there are
few statements, with many rows each, and one hop to the thread for all of them.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import msgspec

ROWS_MOST = 100
"""In one statement: SQLite takes 32,766 values, and each number of rows is a text of its own."""

Row = Mapping[str, object]


def insert_rows(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    """Insert rows that have the same columns, and leave those alone that are there already."""
    if not rows:
        return
    columns = tuple(rows[0])
    for start in range(0, len(rows), ROWS_MOST):
        part = rows[start : start + ROWS_MOST]
        connection.execute(many(table, columns, len(part)), tuple(row[column] for row in part for column in columns))


def accept_rows(connection: sqlite3.Connection, requests: Sequence[Row], begun: Sequence[Row]) -> None:
    """Insert accepted requests, and marks of what has begun."""
    insert_rows(connection, "accepted", requests)
    insert_rows(connection, "begun", begun)


def record_rows(connection: sqlite3.Connection, rows: Sequence[Row], answered: Sequence[str]) -> None:
    """Insert the records of namespaces that are there, and forget the accepted requests that they answer."""
    wanted = msgspec.json.encode({row["namespace"] for row in rows}).decode()
    known: Collection[object] = {name for (name,) in connection.execute(_KNOWN, (wanted,))}
    insert_rows(connection, "activations", [row for row in rows if row["namespace"] in known])
    ids = (msgspec.json.encode(answered).decode(),)
    connection.execute(_ANSWERED, ids)
    connection.execute(_ENDED, ids)


@lru_cache(maxsize=256)
def many(table: str, columns: tuple[str, ...], count: int) -> str:
    """Write the statement that inserts so many rows."""
    row = f"({', '.join('?' * len(columns))})"
    names = ", ".join(f'"{column}"' for column in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES {", ".join([row] * count)} ON CONFLICT DO NOTHING'  # noqa: S608 - names of our own schema


_KNOWN = "SELECT name FROM namespaces WHERE name IN (SELECT value FROM json_each(?))"
_ANSWERED = "DELETE FROM accepted WHERE activation_id IN (SELECT value FROM json_each(?))"
_ENDED = "DELETE FROM begun WHERE activation_id IN (SELECT value FROM json_each(?))"
