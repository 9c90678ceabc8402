"""Something that one process of several does: whoever holds its lease, until the process ends or loses the database.

The lease is a lock that belongs to a connection. A process that is killed gives it up with the connection, at once; one
that is stopped keeps it, and nobody does its work twice.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text

from ioruntime.model.errors import UnavailableError
from ioruntime.stores.sql.engine import SqlEngine, open_engine

_SPACE = 0x696F6C65
_TRY_S = 1.0
_CHECK_S = 1.0


class SqlLease:
    """The lease number `number` of one PostgreSQL database."""

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._number = number

    def __repr__(self) -> str:
        return f"<SqlLease {self._number}>"

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[asyncio.Event]:
        """Wait until the lease is ours; give what is set when it is lost."""
        engine = open_engine(self._url, readers=1)
        lost = asyncio.Event()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._keep(engine, ready, lost), name=f"keep lease {self._number}")
                try:
                    await ready
                    yield lost
                finally:
                    keeping.cancel()
        finally:
            await engine.close()

    async def _keep(self, engine: SqlEngine, ready: "asyncio.Future[None]", lost: asyncio.Event) -> None:
        while not ready.done():
            with suppress(UnavailableError):
                await self._try(engine, ready)
            if not ready.done():
                await asyncio.sleep(_TRY_S)
        lost.set()
        await asyncio.Event().wait()  # until the owner has noticed

    async def _try(self, engine: SqlEngine, ready: "asyncio.Future[None]") -> None:
        """Take the lease if it is free, and stay until it is lost."""
        async with engine.reading() as connection:
            if not await connection.scalar(text(f"SELECT pg_try_advisory_lock({_SPACE}, {self._number})")):
                return
            ready.set_result(None)
            while True:
                await asyncio.sleep(_CHECK_S)
                await connection.execute(text("SELECT 1"))
