"""The contract of `EntityStore`, on every store that we have."""

import pytest

from ioruntime.ports.entities import EntityStore
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.entities_contract import EntitiesContract


@pytest.fixture
def namespaces(stores: MemoryStores | SqlStores) -> NamespaceStore:
    return stores.namespaces


@pytest.fixture
def entities(stores: MemoryStores | SqlStores) -> EntityStore:
    return stores.entities


class TestEntities(EntitiesContract):
    pass
