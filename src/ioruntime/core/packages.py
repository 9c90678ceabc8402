"""Packages: create, update, read, delete and list (section 10), and who may look inside one."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ioruntime.core.entitlement import check_own, check_readable
from ioruntime.model.action import FIRST_VERSION, Action, check_version, next_version
from ioruntime.model.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    WrongCollectionError,
)
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits, effective
from ioruntime.model.names import DEFAULT_PACKAGE, OWN_NAMESPACE, EntityPath, check_size
from ioruntime.model.package import Binding, Package
from ioruntime.model.params import Annotation, Parameter, merge_parameters
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore


class PackagePut(msgspec.Struct, frozen=True):
    """What a client sends to create or update a package; absent fields keep their value."""

    parameters: tuple[Parameter, ...] | msgspec.UnsetType = msgspec.UNSET
    annotations: tuple[Annotation, ...] | msgspec.UnsetType = msgspec.UNSET
    version: str | msgspec.UnsetType = msgspec.UNSET
    publish: bool | msgspec.UnsetType = msgspec.UNSET
    binding: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    """`namespace` (`_` is the caller's own) and `name` of the package to bind; empty: none."""


class Inside(msgspec.Struct, frozen=True):
    """Where an action really lives, and what the packages on the way give it."""

    path: EntityPath
    parameters: tuple[Parameter, ...] = ()
    """Package, overlaid by binding."""


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
        wanted = await self._read_binding(identity, put)
        existing = await self._entities.read(path)
        if existing is not None and not isinstance(existing, Package):
            raise WrongCollectionError
        if existing is not None and not overwrite:
            raise AlreadyExistsError
        if existing is not None and existing.binding is None and wanted is not None:
            raise ConflictError("Resource is a package and cannot be converted into a binding.")
        stored = await self._entities.write(self._merge(path, put, existing, wanted))
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

    async def view(self, identity: Identity, path: EntityPath) -> tuple[Package, Sequence[Action]]:
        """Return a package with what is inside; of a binding, with its target's parameters merged in and its actions.

        Raises:
            ForbiddenError: as `read`; also when it is another's, or stands for another's, and packages are for execution only.
            NotFoundError, ConflictError: as `read`.
        """
        package = await self.read(identity, path)
        if self._limits.execute_only:
            _check_not_shared(identity, package)
        target = await self._target(package)
        if target is package:
            return package, await self.actions(package)
        merged = merge_parameters(target.parameters, package.parameters)
        return msgspec.structs.replace(package, parameters=merged), await self.actions(target)

    async def actions(self, package: Package) -> Sequence[Action]:
        """Return the actions inside, newest first; a binding has none of its own."""
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

    async def follow(self, identity: Identity, path: EntityPath) -> Inside:
        """Follow the path of an action through its package, and through the binding if that is one.

        Raises:
            ForbiddenError: the package is another's and not published.
            NotFoundError: the caller has no such package, or the binding leads nowhere.
        """
        if path.package is None:
            check_readable(identity, path, None)
            return Inside(path)
        found = await self._entities.read(EntityPath(path.namespace, path.package))
        package = found if isinstance(found, Package) else None
        check_readable(identity, path, package)
        if package is None:
            raise NotFoundError
        target = await self._target(package)
        if target is package:
            return Inside(path, package.parameters)
        real = EntityPath(target.path.namespace, path.name, target.path.name)
        return Inside(real, merge_parameters(target.parameters, package.parameters))

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

    async def _target(self, package: Package) -> Package:
        """Return what a binding stands for; a package stands for itself."""
        return package if package.binding is None else await bound_target(self._entities, package)

    async def _read_binding(self, identity: Identity, put: PackagePut) -> Binding | None:
        if not put.binding:
            return None
        if set(put.binding) != {"namespace", "name"}:
            raise InvalidError("The field 'binding' must have exactly the fields 'namespace' and 'name'.")
        namespace, name = put.binding["namespace"], put.binding["name"]
        path = EntityPath.of(identity.name if namespace == OWN_NAMESPACE else namespace, name)
        found = await self._entities.read(path)
        check_readable(identity, path, found if isinstance(found, Package) else None)
        if found is None:
            raise InvalidError("Binding references a package that does not exist.")
        if not isinstance(found, Package):
            raise ConflictError("Cannot bind to a resource that is not a package.")
        if found.binding is not None:
            raise InvalidError("Cannot bind to another package binding.")
        return Binding(path.namespace, path.name)

    def _merge(self, path: EntityPath, put: PackagePut, existing: Package | None, wanted: Binding | None) -> Package:
        base = existing or Package(path=path)
        default_version = next_version(base.version) if existing else FIRST_VERSION
        annotations = base.annotations if put.annotations is msgspec.UNSET else put.annotations
        binding = wanted or base.binding
        return Package(
            path=path,
            version=default_version if put.version is msgspec.UNSET else check_version(put.version),
            publish=base.publish if put.publish is msgspec.UNSET else put.publish,
            parameters=base.parameters if put.parameters is msgspec.UNSET else merge_parameters(put.parameters),
            annotations=_with_binding(annotations, binding),
            binding=binding,
            updated_ms=max(self._clock.now_ms(), base.updated_ms),
            revision=base.revision,
        )


async def bound_target(entities: EntityStore, binding: Package) -> Package:
    """Return the package that a binding stands for.

    Raises:
        NotFoundError: it is gone, or has become a binding itself.
        ForbiddenError: it is another's and no longer published.
    """
    assert binding.binding is not None
    path = EntityPath(binding.binding.namespace, binding.binding.name)
    target = await entities.read(path)
    if not isinstance(target, Package) or target.binding is not None:
        raise NotFoundError
    if path.namespace != binding.path.namespace and not target.publish:
        raise ForbiddenError.to(str(path))
    return target


def _check_not_shared(identity: Identity, package: Package) -> None:
    if package.path.namespace != identity.name:
        raise ForbiddenError(f"GET not permitted for '{package.path}' since it's a shared package")
    if package.binding is not None and package.binding.namespace != identity.name:
        raise ForbiddenError(f"GET not permitted since {package.path} is a binding of a shared package")


def _with_binding(annotations: Sequence[Annotation], binding: Binding | None) -> tuple[Annotation, ...]:
    """Set the annotation `binding` as the system does; what a client wrote there is dropped."""
    own = tuple(a for a in annotations if a.key != "binding")
    return own if binding is None else (*own, Annotation("binding", {"namespace": binding.namespace, "name": binding.name}))
