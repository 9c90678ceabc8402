"""The stores as dictionaries: for tests and small experiments; all is gone when the process ends."""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Self

import msgspec

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import AlreadyExistsError, ConcurrentModificationError, NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, OldKey, Owner
from ioruntime.model.names import EntityPath
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.entities import Collection, Entity
from ioruntime.ports.namespaces import Change
from ioruntime.stores.documents import summary_of
from ioruntime.stores.memory_events import MemoryEvents
from ioruntime.stores.traits import code_digest_of, collection_of, is_binding, wanted_name

CHANGES_KEPT = 100_000


class _State:
    """What the stores share, since a namespace goes with all that is in it."""

    def __init__(self) -> None:
        self.namespaces: dict[str, Namespace] = {}
        self.entities: dict[tuple[str, str], Entity] = {}
        self.activations: dict[ActivationId, Activation] = {}
        self.accepted: dict[ActivationId, InvocationRequest] = {}
        self.begun: set[ActivationId] = set()
        self.changes: list[Change] = []
        self.last_change = 0
        self.events = MemoryEvents(lambda name: name in self.namespaces)

    def add_change(self, namespace: str, key: str | None) -> int:
        self.last_change += 1
        self.changes.append(Change(self.last_change, namespace, key))
        if len(self.changes) > CHANGES_KEPT:
            del self.changes[: CHANGES_KEPT // 10]
        return self.last_change


class MemoryNamespaces:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def create(self, namespace: Namespace) -> Namespace:
        if (existing := await self.by_owner(namespace.owner)) is not None:
            return existing
        if namespace.name in self._state.namespaces or await self.by_uuid(namespace.auth.uuid) is not None:
            raise AlreadyExistsError
        self._put(namespace)
        return namespace

    async def by_name(self, name: str) -> Namespace | None:
        return self._state.namespaces.get(name)

    async def by_owner(self, owner: Owner) -> Namespace | None:
        return next((each for each in self._state.namespaces.values() if each.owner == owner), None)

    async def by_uuid(self, uuid: str) -> Namespace | None:
        return next((each for each in self._state.namespaces.values() if each.auth.uuid == uuid), None)

    async def list(self) -> Sequence[Namespace]:
        return [namespace for _, namespace in sorted(self._state.namespaces.items())]

    async def set_auth(self, name: str, auth: AuthKey, old_key: OldKey | None = None) -> None:
        namespace = self._read(name)
        holder = await self.by_uuid(auth.uuid)
        if holder is not None and holder.name != name:
            raise AlreadyExistsError
        self._put(msgspec.structs.replace(namespace, auth=auth, old_key=old_key))

    async def set_overrides(self, name: str, overrides: dict[str, Any]) -> None:
        self._put(msgspec.structs.replace(self._read(name), overrides=dict(overrides)))

    async def delete(self, name: str) -> bool:
        state = self._state
        if state.namespaces.pop(name, None) is None:
            return False
        state.entities = {at: entity for at, entity in state.entities.items() if at[0] != name}
        state.activations = {id_: each for id_, each in state.activations.items() if each.namespace != name}
        state.accepted = {id_: each for id_, each in state.accepted.items() if each.namespace != name}
        state.events.forget_namespace(name)
        state.add_change(name, None)
        return True

    async def changes(self, after: int) -> Sequence[Change]:
        return [change for change in self._state.changes if change.sequence > after]

    async def last_change(self) -> int:
        return self._state.last_change

    def _read(self, name: str) -> Namespace:
        if name not in self._state.namespaces:
            raise NotFoundError
        return self._state.namespaces[name]

    def _put(self, namespace: Namespace) -> None:
        self._state.namespaces[namespace.name] = namespace
        self._state.add_change(namespace.name, None)


class MemoryEntities:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def read(self, path: EntityPath) -> Entity | None:
        return self._state.entities.get((path.namespace, path.key))

    async def write(self, entity: Entity) -> Entity:
        path = entity.path
        if entity.revision == 0 and path.namespace not in self._state.namespaces:
            raise NotFoundError
        self._check_revision(entity)
        written = msgspec.structs.replace(entity, revision=self._state.add_change(path.namespace, path.key))
        self._state.entities[path.namespace, path.key] = written
        return written

    async def delete(self, entity: Entity) -> None:
        if entity.revision == 0:
            raise ConcurrentModificationError
        self._check_revision(entity)
        del self._state.entities[entity.path.namespace, entity.path.key]
        self._state.add_change(entity.path.namespace, entity.path.key)

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
        found = _entities_in(self._state, namespace, collection, package=package, public=public)
        found.sort(key=lambda entity: (entity.updated_ms, entity.revision), reverse=True)
        return found[skip : skip + limit]

    async def count(self, namespace: str, collection: Collection, *, package: str | None = None, public: bool = False) -> int:
        return len(_entities_in(self._state, namespace, collection, package=package, public=public))

    async def everywhere(self, collection: Collection) -> Sequence[Entity]:
        return [entity for entity in self._state.entities.values() if collection_of(entity) is collection]

    async def code_digests(self) -> set[str]:
        digests = (code_digest_of(entity) for entity in self._state.entities.values())
        return {digest for digest in digests if digest is not None}

    def _check_revision(self, entity: Entity) -> None:
        stored = self._state.entities.get((entity.path.namespace, entity.path.key))
        if entity.revision != (stored.revision if stored else 0):
            raise ConcurrentModificationError


class MemoryActivations:
    def __init__(self, state: _State) -> None:
        self._state = state

    async def record(self, activations: Sequence[Activation]) -> None:
        for activation in activations:
            if activation.namespace in self._state.namespaces:
                self._state.activations.setdefault(activation.activation_id, activation)
            self._state.accepted.pop(activation.activation_id, None)
            self._state.begun.discard(activation.activation_id)

    async def accept(self, requests: Sequence[InvocationRequest], *, begun: Iterable[ActivationId] = ()) -> None:
        for request in requests:
            self._state.accepted.setdefault(request.activation_id, request)
        await self.begin(tuple(begun))

    async def begin(self, activation_ids: Sequence[ActivationId]) -> None:
        self._state.begun.update(activation_ids)

    async def begun(self) -> frozenset[ActivationId]:
        return frozenset(self._state.begun & self._state.accepted.keys())

    async def accepted(self) -> Sequence[InvocationRequest]:
        open_ = [request for id_, request in self._state.accepted.items() if id_ not in self._state.activations]
        return sorted(open_, key=lambda request: (request.received_ms, request.activation_id))

    async def read(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        found = self._state.activations.get(activation_id)
        return found if found is not None and found.namespace == namespace else None

    async def list(
        self, wanted: ActivationFilter, *, skip: int = 0, limit: int = 200, full: bool = False
    ) -> Sequence[Activation]:
        found = _activations_of(self._state, wanted)
        found.reverse()
        found.sort(key=lambda each: each.start_ms, reverse=True)
        page = found[skip : skip + limit]
        return page if full else [summary_of(activation) for activation in page]

    async def count(self, wanted: ActivationFilter) -> int:
        return len(_activations_of(self._state, wanted))

    async def delete_before(self, start_ms: int, *, most: int) -> int:
        old = [each for each in self._state.activations.values() if each.start_ms < start_ms]
        old.sort(key=lambda each: each.start_ms)
        for activation in old[:most]:
            del self._state.activations[activation.activation_id]
        return len(old[:most])


class MemoryStores:
    """Namespaces, entities, activations and events of one process."""

    def __init__(self) -> None:
        state = _State()
        self.namespaces = MemoryNamespaces(state)
        self.entities = MemoryEntities(state)
        self.activations = MemoryActivations(state)
        self.events = state.events

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator[Self]:
        yield cls()


def _entities_in(state: _State, namespace: str, collection: Collection, *, package: str | None, public: bool) -> list[Entity]:
    return [
        entity
        for entity in state.entities.values()
        if entity.path.namespace == namespace
        and collection_of(entity) == collection
        and package in {None, entity.path.package}
        and (not public or (entity.publish and not is_binding(entity)))
    ]


def _activations_of(state: _State, wanted: ActivationFilter) -> list[Activation]:
    """In the order recorded."""
    package, name = wanted_name(wanted)
    return [
        each
        for each in state.activations.values()
        if each.namespace == wanted.namespace
        and name in {None, each.name}
        and package in {None, each.package}
        and (wanted.since_ms is None or each.start_ms >= wanted.since_ms)
        and (wanted.upto_ms is None or each.start_ms <= wanted.upto_ms)
    ]


class MemoryBlobs:
    """Blobs that nobody else sees."""

    def __init__(self, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._blobs: dict[str, tuple[bytes, float]] = {}

    async def put(self, content: bytes) -> str:
        digest = sha256(content).hexdigest()
        self._blobs[digest] = content, self._monotonic_s()
        return digest

    async def get(self, digest: str) -> bytes:
        if digest not in self._blobs:
            raise NotFoundError
        return self._blobs[digest][0]

    async def sweep(self, keep: set[str], *, older_than_s: float) -> int:
        newest_s = self._monotonic_s() - older_than_s
        gone = [digest for digest, (_, put_s) in self._blobs.items() if digest not in keep and put_s <= newest_s]
        for digest in gone:
            del self._blobs[digest]
        return len(gone)
