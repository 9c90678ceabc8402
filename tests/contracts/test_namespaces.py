"""The contract of `NamespaceStore`, on every store that we have."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.namespaces_contract import NamespacesContract


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[MemoryStores | SqlStores]:
    opening = MemoryStores.open() if request.param == "memory" else SqlStores.open(f"sqlite:///{tmp_path}/store.db")
    async with opening as opened:
        yield opened


@pytest.fixture
def namespaces(stores: MemoryStores | SqlStores) -> NamespaceStore:
    return stores.namespaces


class TestNamespaces(NamespacesContract):
    pass
