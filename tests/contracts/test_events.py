"""The contract of `EventStore`, on every store that we have."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ioruntime.ports.events import EventStore
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.events_contract import EventsContract


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[MemoryStores | SqlStores]:
    opening = MemoryStores.open() if request.param == "memory" else SqlStores.open(f"sqlite:///{tmp_path}/store.db")
    async with opening as opened:
        yield opened


@pytest.fixture
def namespaces(stores: MemoryStores | SqlStores) -> NamespaceStore:
    return stores.namespaces


@pytest.fixture
def events(stores: MemoryStores | SqlStores) -> EventStore:
    return stores.events


class TestEvents(EventsContract):
    pass
