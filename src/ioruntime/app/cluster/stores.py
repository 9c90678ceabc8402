"""Stores that several processes share: the others' caches forget what is written, and a read asks them for what is not yet."""

from collections.abc import Collection as IdCollection
from collections.abc import Sequence
from typing import Any

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.identity import AuthKey, Namespace, OldKey, Owner
from ioruntime.model.names import EntityPath
from ioruntime.ports.activations import ActivationFilter, ActivationStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.entities import Collection, Entity, EntityStore
from ioruntime.ports.fleet import Fleet
from ioruntime.ports.namespaces import Change, NamespaceStore


class SharedEntities:
    """An `EntityStore` whose writes are known everywhere when they return."""

    def __init__(self, store: EntityStore, fleet: Fleet) -> None:
        self._store = store
        self._fleet = fleet

    async def read(self, path: EntityPath) -> Entity | None:
        return await self._store.read(path)

    async def write(self, entity: Entity) -> Entity:
        written = await self._store.write(entity)
        await self._fleet.forget(entity.path.namespace, entity.path.key)
        return written

    async def delete(self, entity: Entity) -> None:
        await self._store.delete(entity)
        await self._fleet.forget(entity.path.namespace, entity.path.key)

    async def list(
        self,
        namespace: str,
        collection: Collection,
        *,
        package: str | None = None,
        public: bool = False,
        skip: int = 0,
        limit: int = 200,
    ) -> Sequence[Entity]:
        return await self._store.list(namespace, collection, package=package, public=public, skip=skip, limit=limit)

    async def count(self, namespace: str, collection: Collection, *, package: str | None = None, public: bool = False) -> int:
        return await self._store.count(namespace, collection, package=package, public=public)

    async def everywhere(self, collection: Collection) -> Sequence[Entity]:
        return await self._store.everywhere(collection)

    async def code_digests(self) -> set[str]:
        return await self._store.code_digests()


class SharedNamespaces:
    """A `NamespaceStore` whose writes are known everywhere when they return."""

    def __init__(self, store: NamespaceStore, fleet: Fleet) -> None:
        self._store = store
        self._fleet = fleet

    async def create(self, namespace: Namespace) -> Namespace:
        created = await self._store.create(namespace)
        await self._fleet.forget(created.name, None)
        return created

    async def by_name(self, name: str) -> Namespace | None:
        return await self._store.by_name(name)

    async def by_owner(self, owner: Owner) -> Namespace | None:
        return await self._store.by_owner(owner)

    async def by_uuid(self, uuid: str) -> Namespace | None:
        return await self._store.by_uuid(uuid)

    async def list(self) -> Sequence[Namespace]:
        return await self._store.list()

    async def set_auth(self, name: str, auth: AuthKey, old_key: OldKey | None = None) -> None:
        await self._store.set_auth(name, auth, old_key)
        await self._fleet.forget(name, None)

    async def set_overrides(self, name: str, overrides: dict[str, Any]) -> None:
        await self._store.set_overrides(name, overrides)
        await self._fleet.forget(name, None)

    async def delete(self, name: str) -> bool:
        is_gone = await self._store.delete(name)
        await self._fleet.forget(name, None)
        return is_gone

    async def changes(self, after: int) -> Sequence[Change]:
        return await self._store.changes(after)

    async def last_change(self) -> int:
        return await self._store.last_change()


class SharedActivations:
    """An `ActivationStore` that shows what other processes have recorded and not written yet, too."""

    def __init__(self, store: ActivationStore, fleet: Fleet) -> None:
        self._store = store
        self._fleet = fleet

    async def record(self, activations: Sequence[Activation]) -> None:
        await self._store.record(activations)

    async def accept(self, requests: Sequence[InvocationRequest], *, begun: IdCollection[ActivationId] = ()) -> None:
        await self._store.accept(requests, begun=begun)

    async def begin(self, activation_ids: Sequence[ActivationId]) -> None:
        await self._store.begin(activation_ids)

    async def begun(self) -> frozenset[ActivationId]:
        return await self._store.begun()

    async def accepted(self) -> Sequence[InvocationRequest]:
        return await self._store.accepted()

    async def read(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        found = await self._store.read(namespace, activation_id)
        if found is None:
            found = await self._fleet.find(namespace, activation_id)
        if found is None:  # it may have been written between the two looks
            found = await self._store.read(namespace, activation_id)
        return found

    async def list(
        self, wanted: ActivationFilter, *, skip: int = 0, limit: int = 200, full: bool = False
    ) -> Sequence[Activation]:
        await self._fleet.flush()
        return await self._store.list(wanted, skip=skip, limit=limit, full=full)

    async def count(self, wanted: ActivationFilter) -> int:
        await self._fleet.flush()
        return await self._store.count(wanted)

    async def delete_before(self, start_ms: int, *, most: int) -> int:
        return await self._store.delete_before(start_ms, most=most)
