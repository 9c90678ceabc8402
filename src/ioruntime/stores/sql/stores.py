"""The stores of one database, opened and closed together."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

from ioruntime.stores.sealing import Sealer
from ioruntime.stores.sql.activations import Rows, SqlActivations, insert_accepted
from ioruntime.stores.sql.commit import GroupCommitter
from ioruntime.stores.sql.engine import READERS, SqlEngine, open_engine
from ioruntime.stores.sql.entities import SqlEntities
from ioruntime.stores.sql.events import Change, SqlEvents, write_changes
from ioruntime.stores.sql.migrate import bring_to_head
from ioruntime.stores.sql.namespaces import SqlNamespaces


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class SqlStores:
    """Namespaces, entities, activations and events of one database."""

    def __init__(
        self,
        engine: SqlEngine,
        accepting: GroupCommitter[Rows],
        changing: GroupCommitter[Change],
        *,
        now_ms: Callable[[], int],
        sealer: Sealer,
    ) -> None:
        self.engine = engine
        self.namespaces = SqlNamespaces(engine, now_ms=now_ms, sealer=sealer)
        self.entities = SqlEntities(engine, now_ms=now_ms, sealer=sealer)
        self.activations = SqlActivations(engine, accepting, sealer=sealer)
        self.events = SqlEvents(engine, changing)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
        sealer: Sealer | None = None,
        connections: int = READERS,
    ) -> AsyncGenerator[Self]:
        """Open `sqlite:///FILE` or `postgresql://...`, bring its schema to the head, and close it at the end.

        Args:
            sealer: encrypts entities and accepted requests; None leaves them as they are.
            connections: that read at the same time; in PostgreSQL as many that write.

        Raises:
            SchemaError: a newer version has written to it.
            UnavailableError: it cannot be reached.
            InvalidError: the URL is of another kind.
        """
        engine = open_engine(url, readers=connections)
        try:
            await bring_to_head(engine)
            async with (
                GroupCommitter[Rows](partial(insert_accepted, engine)) as accepting,
                GroupCommitter[Change](partial(write_changes, engine)) as changing,
            ):
                yield cls(engine, accepting, changing, now_ms=now_ms, sealer=sealer or Sealer())
        finally:
            await engine.close()
