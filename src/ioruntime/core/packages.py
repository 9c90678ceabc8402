"""Packages: create, update, read, delete and list (section 10), and who may look inside one."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ioruntime.core.entitlement import check_own, check_readable
from ioruntime.model.action import FIRST_VERSION, Action, check_version, next_version
from ioruntime.model.errors import AlreadyExistsError, ConflictError, InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits, effective
from ioruntime.model.names import DEFAULT_PACKAGE, EntityPath, check_size
from ioruntime.model.package import Package
from ioruntime.model.params import Annotation, Parameter, merge_parameters
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore


class PackagePut(msgspec.Struct, frozen=True):
    """What a client sends to create or update a package; absent fields keep their value."""

    parameters: tuple[Parameter, ...] | msgspec.UnsetType = msgspec.UNSET
    annotations: tuple[Annotation, ...] | msgspec.UnsetType = msgspec.UNSET
    version: str | msgspec.UnsetType = msgspec.UNSET
    publish: bool | msgspec.UnsetType = msgspec.UNSET


class EntityListener(Protocol):
    """Hears what changed, to forget it."""

    def entity_changed(self, namespace: str, key: str) -> None: ...


class Packages:
    """The packages of all namespaces."""

    def __init__(self, *, entities: EntityStore, limits: Limits, clock: Clock, listener: EntityListener) -> None:
        self._entities = entities
        self._limits = limits
        self._clock = clock
        self._listener = listener

    async def put(self, identity: Identity, path: EntityPath, put: PackagePut, *, overwrite: bool) -> Package:
        """Create a package, or update the one that is there when `overwrite`.

        Raises:
            InvalidError: the name is reserved or a field is wrong.
            TooLargeError: parameters or annotations are over their limit.
            ConflictError: it exists and not `overwrite`, is no package, or changed meanwhile.
        """
        check_own(identity, path)
        if path.name == DEFAULT_PACKAGE:
            raise InvalidError(f"Package name '{DEFAULT_PACKAGE}' is reserved.")
        allowed = effective(self._limits, identity.namespace.overrides)
        for field, value in (("parameters", put.parameters), ("annotations", put.annotations)):
            if value:
                check_size(field, len(msgspec.json.encode(value)), allowed.parameters_bytes)
        existing = await self._entities.read(path)
        if existing is not None and not isinstance(existing, Package):
            raise WrongCollectionError
        if existing is not None and not overwrite:
            raise AlreadyExistsError
        stored = await self._entities.write(self._merge(path, put, existing))
        self._listener.entity_changed(path.namespace, path.key)
        assert isinstance(stored, Package)
        return stored

    async def read(self, identity: Identity, path: EntityPath) -> Package:
        """Return a package.

        Raises:
            ForbiddenError: it is private and another's, or does not exist there.
            NotFoundError: the caller has none of this name.
            ConflictError: the name belongs to another collection.
        """
        found = await self._entities.read(path)
        check_readable(identity, path, found if isinstance(found, Package) else None)
        if found is None:
            raise NotFoundError
        if not isinstance(found, Package):
            raise WrongCollectionError
        return found

    async def actions(self, package: Package) -> Sequence[Action]:
        """Return the actions inside, newest first."""
        found = await self._entities.list(package.path.namespace, Collection.ACTIONS, package=package.path.name, limit=10_000)
        return [entity for entity in found if isinstance(entity, Action)]

    async def delete(self, identity: Identity, path: EntityPath, *, force: bool) -> Package:
        """Delete a package and return what it was; with `force` the actions inside go too.

        Raises:
            ConflictError: it is not empty, or changed meanwhile.
            ForbiddenError, NotFoundError: as `read`.
        """
        check_own(identity, path)
        package = await self.read(identity, path)
        inside = await self.actions(package)
        if inside and not force:
            contents = f"{len(inside)} entity" if len(inside) == 1 else f"{len(inside)} entities"
            raise ConflictError(f"Package not empty (contains {contents}). Set force param or delete package contents.")
        for action in inside:
            await self._entities.delete(action)
            self._listener.entity_changed(path.namespace, action.path.key)
        await self._entities.delete(package)
        self._listener.entity_changed(path.namespace, path.key)
        return package

    async def list(self, identity: Identity, namespace: str, *, skip: int, limit: int) -> Sequence[Package]:
        """List newest first; of another namespace only what is public."""
        public = namespace != identity.name
        found = await self._entities.list(namespace, Collection.PACKAGES, public=public, skip=skip, limit=limit)
        return [entity for entity in found if isinstance(entity, Package)]

    async def count(self, identity: Identity, namespace: str) -> int:
        """Count what `list` would show."""
        return await self._entities.count(namespace, Collection.PACKAGES, public=namespace != identity.name)

    async def holding(self, identity: Identity, path: EntityPath) -> Package | None:
        """Return the package that holds the action `path`, None when the path names no package.

        Raises:
            ForbiddenError: it is another's and not published.
            NotFoundError: the caller has no such package.
        """
        if path.package is None:
            check_readable(identity, path, None)
            return None
        found = await self._entities.read(EntityPath(path.namespace, path.package))
        package = found if isinstance(found, Package) else None
        check_readable(identity, path, package)
        if package is None:
            raise NotFoundError
        return package

    async def owning(self, path: EntityPath) -> None:
        """Let pass a path whose package, if it names one, exists.

        Raises:
            NotFoundError: it does not.
            InvalidError: it is a binding.
        """
        if path.package is None:
            return
        found = await self._entities.read(EntityPath(path.namespace, path.package))
        if not isinstance(found, Package):
            raise NotFoundError
        if found.binding is not None:
            raise InvalidError("Operation not permitted on package binding.")

    def _merge(self, path: EntityPath, put: PackagePut, existing: Package | None) -> Package:
        base = existing or Package(path=path)
        default_version = next_version(base.version) if existing else FIRST_VERSION
        return Package(
            path=path,
            version=default_version if put.version is msgspec.UNSET else check_version(put.version),
            publish=base.publish if put.publish is msgspec.UNSET else put.publish,
            parameters=base.parameters if put.parameters is msgspec.UNSET else merge_parameters(put.parameters),
            annotations=base.annotations if put.annotations is msgspec.UNSET else put.annotations,
            binding=base.binding,
            updated_ms=max(self._clock.now_ms(), base.updated_ms),
            revision=base.revision,
        )
