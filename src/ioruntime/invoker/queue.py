"""Who waits for a sandbox, served fairly: namespaces take turns, and within one its actions do."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue per namespace and owner. Heads come up round robin, so a namespace with a thousand waiting delays
    another's first one by one turn.
    """

    def __init__(self) -> None:
        self._namespaces: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, namespace: str, owner: str, item: T) -> None:
        self._namespaces.setdefault(namespace, OrderedDict()).setdefault(owner, deque()).append(item)
        self._length += 1

    def heads(self) -> Iterator[tuple[str, str, T]]:
        """Yield the first of each owner, in the order of turns; safe against changes while iterating."""
        for namespace, owners in list(self._namespaces.items()):
            for owner, items in list(owners.items()):
                if items:
                    yield namespace, owner, items[0]

    def served(self, namespace: str, owner: str) -> None:
        """Take the head of this owner out; its owner, and its namespace, go to the end of the turns."""
        owners = self._namespaces[namespace]
        owners[owner].popleft()
        self._settle(namespace, owner)
        if namespace in self._namespaces:
            self._namespaces.move_to_end(namespace)
            if owner in owners:
                owners.move_to_end(owner)

    def remove(self, namespace: str, owner: str, item: T) -> None:
        """Take out one that does not want to wait any more."""
        items = self._namespaces.get(namespace, OrderedDict[str, deque[T]]()).get(owner)
        if items is not None and item in items:
            items.remove(item)
            self._settle(namespace, owner)

    def drop(self, namespace: str) -> list[T]:
        """Take out all that waits for a namespace."""
        owners = self._namespaces.pop(namespace, OrderedDict[str, deque[T]]())
        gone = [item for items in owners.values() for item in items]
        self._length -= len(gone)
        return gone

    def drain(self) -> list[tuple[str, str, T]]:
        """Take everything out, in no order that matters."""
        everything = [
            (namespace, owner, item)
            for namespace, owners in self._namespaces.items()
            for owner, items in owners.items()
            for item in items
        ]
        self._namespaces.clear()
        self._length = 0
        return everything

    def _settle(self, namespace: str, owner: str) -> None:
        self._length -= 1
        owners = self._namespaces[namespace]
        if not owners[owner]:
            del owners[owner]
        if not owners:
            del self._namespaces[namespace]
