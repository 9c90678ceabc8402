"""The contract of `NamespaceStore`, on every store that we have."""

import pytest

from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.namespaces_contract import NamespacesContract


@pytest.fixture
def namespaces(stores: MemoryStores | SqlStores) -> NamespaceStore:
    return stores.namespaces


class TestNamespaces(NamespacesContract):
    pass
