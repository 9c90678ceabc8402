"""Who must forget what when something changes: caches, counters, warm sandboxes."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from ioruntime.core.activations import Recorder
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.invoker.pool import Pool
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.namespaces import NamespaceStore

_POLL_S = 0.5


class Memory(Protocol):
    """Something that remembers entities."""

    def forget(self, namespace: str, key: str | None) -> None:
        """Hear that an entity changed or, when `key` is None, that its namespace is gone."""
        ...


class Forgetter:
    """Passes changes on to everything in this process that remembers."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        resolver: Resolver,
        throttle: Throttle,
        recorder: Recorder,
        pool: Pool,
        others: Sequence[Memory] = (),
    ) -> None:
        self._authenticator = authenticator
        self._memories: tuple[Memory, ...] = (resolver, *others)
        self._throttle = throttle
        self._recorder = recorder
        self._pool = pool

    def entity_changed(self, namespace: str, key: str) -> None:
        self._forget(namespace, key)
        self._pool.retire_idle(f"{namespace}/{key}")

    def namespace_changed(self, name: str) -> None:
        self._authenticator.forget(name)
        self._pool.retire_idle_of(name)

    def namespace_deleted(self, name: str) -> None:
        self._authenticator.forget(name)
        self._forget(name, None)
        self._throttle.forget(name)
        self._recorder.forget(name, now_ms=time.time_ns() // 1_000_000)
        self._pool.retire(name)

    async def follow(self, store: NamespaceStore) -> None:
        """Hear, for ever, of changes that other processes write to the store; within a second of each."""
        seen = await store.last_change()
        while True:
            await asyncio.sleep(_POLL_S)
            with suppress(UnavailableError):  # a store that is away for a while; who writes to it tells the operator
                seen = await self._catch_up(store, seen)

    async def hear(self, store: NamespaceStore, namespace: str, key: str | None) -> None:
        """Hear of one change that another process has made.

        Raises:
            UnavailableError: the store cannot be asked what it was.
        """
        if key is not None:
            self._forget(namespace, key)
        elif await store.by_name(namespace) is None:
            self.namespace_deleted(namespace)
        else:
            self.namespace_changed(namespace)

    async def _catch_up(self, store: NamespaceStore, seen: int) -> int:
        for change in await store.changes(seen):
            await self.hear(store, change.namespace, change.key)
            seen = change.sequence
        return seen

    def _forget(self, namespace: str, key: str | None) -> None:
        for memory in self._memories:
            memory.forget(namespace, key)
