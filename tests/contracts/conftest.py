"""An empty store for each test, of each kind that we have."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.engines.postgres import RunningPostgres, new_database


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[MemoryStores | SqlStores]:
    async with AsyncExitStack() as opened:
        match request.param:
            case "memory":
                yield await opened.enter_async_context(MemoryStores.open())
            case "sqlite":
                yield await opened.enter_async_context(SqlStores.open(f"sqlite:///{tmp_path}/store.db"))
            case _:
                postgres: RunningPostgres = request.getfixturevalue("postgres")
                url = await opened.enter_async_context(new_database(postgres.server))
                yield await opened.enter_async_context(SqlStores.open(url))
