"""The contract of `ActivationStore`, on every store that we have."""

import pytest

from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import ActivationsContract


@pytest.fixture
def namespaces(stores: MemoryStores | SqlStores) -> NamespaceStore:
    return stores.namespaces


@pytest.fixture
def activations(stores: MemoryStores | SqlStores) -> ActivationStore:
    return stores.activations


class TestActivations(ActivationsContract):
    pass
