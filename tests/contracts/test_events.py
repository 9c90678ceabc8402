"""The contract of `EventStore`, on every store that we have."""

import pytest

from ioruntime.ports.events import EventStore
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.memory import MemoryStores
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.events_contract import EventsContract


@pytest.fixture
def namespaces(stores: MemoryStores | SqlStores) -> NamespaceStore:
    return stores.namespaces


@pytest.fixture
def events(stores: MemoryStores | SqlStores) -> EventStore:
    return stores.events


class TestEvents(EventsContract):
    pass
