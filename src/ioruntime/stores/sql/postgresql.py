"""What is said otherwise to PostgreSQL: how it is connected to, whose turn it is, and what its errors mean."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ioruntime.model.errors import CorruptError, InvalidError, UnavailableError
from ioruntime.stores.sql.changes import Turn

FOREIGN = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What connecting and the driver itself may raise; a time-out is an `OSError`."""
_CONNECT_S = 10.0
_LOCK_SPACE = 0x696F7274
"""Ours, among the advisory locks of a database."""

_MEANINGS: tuple[tuple[str, Callable[[], Exception]], ...] = (
    ("53100", lambda: UnavailableError("The store's disk is full.")),
    ("25006", lambda: UnavailableError("The store is read-only.")),
    ("55P03", lambda: UnavailableError("Another process kept the store locked for too long.")),
    ("XX001", CorruptError),
    ("XX002", CorruptError),
    ("22021", lambda: InvalidError("A text must not hold the character U+0000.")),
)
_PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes of errors that are no fault of what was asked: connections, conflicts, resources, shutdown."""


def open_postgresql(url: URL, connections: int, wait_s: float) -> tuple[AsyncEngine, AsyncEngine]:
    """Return what reads and what writes, each with so many connections at the most."""
    settings = {"application_name": "ioruntime", "lock_timeout": str(round(wait_s * 1000))}
    reading = settings | {"default_transaction_read_only": "on"}
    return _pool(url, connections, wait_s, reading), _pool(url, connections, wait_s, settings)


def _pool(url: URL, size: int, wait_s: float, settings: dict[str, str]) -> AsyncEngine:
    is_reader = "default_transaction_read_only" in settings
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True} if is_reader else {}
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=wait_s * 3,
        pool_pre_ping=True,
        connect_args={"timeout": _CONNECT_S, "command_timeout": wait_s * 3, "server_settings": settings},
        **options,
    )


async def take_turn(connection: AsyncConnection, turn: Turn) -> None:
    """Wait until no other transaction has this turn; it ends with the transaction."""
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_SPACE}, {turn.value})")


def meaning_of(error: Exception) -> Exception:
    """Say what an error of the driver means here; one that can only be a bug stays what it is."""
    cause = (error.orig or error) if isinstance(error, DBAPIError) else error
    state: str = getattr(cause, "sqlstate", None) or ""
    for known, make in _MEANINGS:
        if state == known:
            return make()
    is_passing = state.startswith(_PASSING) if state else isinstance(error, (*FOREIGN, InterfaceError, OperationalError))
    if is_passing:
        return UnavailableError(f"The store does not work now: {str(cause) or type(cause).__name__}.")
    return error


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows with the same columns in one statement, whatever their number: each column is one array."""
    columns = tuple(rows[0])
    values = tuple([row[column] for row in rows] for column in columns)
    await connection.exec_driver_sql(_many(table, columns), values)


@lru_cache(maxsize=64)
def _many(table: Table, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    arrays = ", ".join(f"${number}::{_type_of(table.c[column])}[]" for number, column in enumerate(columns, 1))
    return f'INSERT INTO "{table.name}" ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING'  # noqa: S608 - names of our own schema


def _type_of(column: Column[Any]) -> str:
    match column.type:
        case BigInteger():
            return "bigint"
        case Integer():
            return "integer"
        case Boolean():
            return "boolean"
        case LargeBinary():
            return "bytea"
        case _:
            return "text"
