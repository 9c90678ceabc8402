"""Actions: create, update, read, delete and list, with every check that OpenWhisk makes, in its order (section 5)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from ioruntime.core.components import Components
from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.packages import EntityListener, Packages
from ioruntime.model.action import FIRST_VERSION, Action, check_version, next_version
from ioruntime.model.archive import check_archive
from ioruntime.model.errors import AlreadyExistsError, ForbiddenError, InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.exec import BLACKBOX, CodeExec, CodeReference, Exec, ImageExec, SequenceExec, decode_code, encode_code
from ioruntime.model.handling import read_handling
from ioruntime.model.identity import Identity
from ioruntime.model.kinds import Kinds
from ioruntime.model.limits import ActionLimits, Limits, check_limits, effective
from ioruntime.model.names import EntityPath, check_size
from ioruntime.model.params import (
    Annotation,
    Parameter,
    annotation,
    has_annotation,
    is_truthy,
    merge_annotations,
    merge_parameters,
)
from ioruntime.ports.blobs import BlobStore
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore

SEQUENCE = "sequence"
_NO_DOWNLOAD = "disable-download"


class ExecPut(msgspec.Struct, frozen=True):
    """The `exec` of a request; what is wrong with it is told in OpenWhisk's words, so the types are open."""

    kind: Any = None
    code: Any = None
    main: str | None = None
    image: str | None = None
    components: tuple[str, ...] | None = None


class LimitsPut(msgspec.Struct, frozen=True):
    """Limits of a request; what is unset stays as it is."""

    timeout: int | msgspec.UnsetType = msgspec.UNSET
    memory: int | msgspec.UnsetType = msgspec.UNSET
    logs: int | msgspec.UnsetType = msgspec.UNSET
    concurrency: int | msgspec.UnsetType = msgspec.UNSET
    instances: int | msgspec.UnsetType = msgspec.UNSET


class ActionPut(msgspec.Struct, frozen=True, rename="camel"):
    """What a client sends to create or update an action; absent fields keep their value."""

    exec: ExecPut | msgspec.UnsetType = msgspec.UNSET
    parameters: tuple[Parameter, ...] | msgspec.UnsetType = msgspec.UNSET
    annotations: tuple[Annotation, ...] | msgspec.UnsetType = msgspec.UNSET
    del_annotations: tuple[str, ...] = ()
    limits: LimitsPut | msgspec.UnsetType = msgspec.UNSET
    version: str | msgspec.UnsetType = msgspec.UNSET
    publish: bool | msgspec.UnsetType = msgspec.UNSET


class Catalog:
    """The actions of all namespaces."""

    def __init__(
        self,
        *,
        entities: EntityStore,
        packages: Packages,
        blobs: BlobStore,
        kinds: Kinds,
        limits: Limits,
        clock: Clock,
        listener: EntityListener,
    ) -> None:
        self._entities = entities
        self._packages = packages
        self._blobs = blobs
        self._kinds = kinds
        self._limits = limits
        self._clock = clock
        self._listener = listener
        self._components = Components(entities, packages)

    async def put(self, identity: Identity, path: EntityPath, put: ActionPut, *, overwrite: bool) -> Action:
        """Create an action, or update the one that is there when `overwrite`.

        Raises:
            ForbiddenError: the path is not the caller's, or the kind is not for this namespace.
            TooLargeError: code, parameters or annotations are over their limit.
            InvalidError: a field is not what it must be.
            NotFoundError: the package does not exist.
            AlreadyExistsError: it exists, and not `overwrite`.
            ConflictError: the name is taken by another collection, or somebody else wrote at the same time.
        """
        check_own(identity, path)
        allowed = effective(self._limits, identity.namespace.overrides)
        _check_sizes(put, allowed)
        exec_ = None if put.exec is msgspec.UNSET else await self._read_exec(identity, path, put.exec, allowed)
        check_limits(_limits(put, allowed.defaults()), allowed)
        await self._packages.owning(path)
        existing = await self._entities.read(path)
        if existing is not None and not isinstance(existing, Action):
            raise WrongCollectionError
        if existing is not None and not overwrite:
            raise AlreadyExistsError
        if existing is None and exec_ is None:
            raise InvalidError("exec undefined")
        action = self._create(path, put, exec_, allowed) if exec_ and not existing else self._update(existing, put, exec_)
        if existing is not None and hides_code(existing) and not hides_code(action):
            raise InvalidError(f"The annotation {_NO_DOWNLOAD} cannot be taken back.")
        read_handling(action.annotations, own_namespace=path.namespace)
        stored = await self._entities.write(action)
        self._listener.entity_changed(path.namespace, path.key)
        assert isinstance(stored, Action)
        return stored

    async def read(self, identity: Identity, path: EntityPath, *, merged: bool = True) -> Action:
        """Return an action with the parameters of its package merged in, or as it is stored.

        Raises:
            ForbiddenError: it is in a private package of somebody else, or in any when packages are for execution only.
            NotFoundError: there is none.
            ConflictError: the name belongs to another collection.
        """
        inside = await self._packages.follow(identity, path)
        if self._limits.execute_only:
            _check_not_shared(identity, path, inside.path)
        action = await self._read(inside.path)
        if not inside.parameters or not merged:
            return action
        return msgspec.structs.replace(action, parameters=merge_parameters(inside.parameters, action.parameters))

    async def delete(self, identity: Identity, path: EntityPath) -> Action:
        """Delete an action and return what it was.

        Raises:
            ForbiddenError, NotFoundError, ConflictError: as `read`.
        """
        check_own(identity, path)
        await self._packages.owning(path)
        action = await self._read(path)
        await self._entities.delete(action)
        self._listener.entity_changed(path.namespace, path.key)
        return action

    async def list(self, identity: Identity, namespace: str, *, package: str | None, skip: int, limit: int) -> Sequence[Action]:
        """List newest first; all of the namespace, or those inside one package.

        Raises:
            ForbiddenError: the namespace is another one, and the package not published.
            NotFoundError: the package does not exist.
        """
        namespace, package = await self._listed(identity, namespace, package)
        found = await self._entities.list(namespace, Collection.ACTIONS, package=package, skip=skip, limit=limit)
        return [entity for entity in found if isinstance(entity, Action)]

    async def count(self, identity: Identity, namespace: str, *, package: str | None) -> int:
        """Count what `list` would show."""
        namespace, package = await self._listed(identity, namespace, package)
        return await self._entities.count(namespace, Collection.ACTIONS, package=package)

    async def code(self, action: Action) -> str | None:
        """Return an action's code as its client sent it: source, or base64; None when it has none, or keeps it to itself."""
        return None if hides_code(action) else await self.kept_code(action)

    async def kept_code(self, action: Action) -> str | None:
        """Return an action's code even when clients may not see it."""
        match action.exec:
            case CodeExec(code=reference, binary=binary) | ImageExec(code=CodeReference() as reference, binary=binary):
                return encode_code(await self._blobs.get(reference.digest), binary=binary)
            case _:
                return None

    async def _read(self, path: EntityPath) -> Action:
        found = await self._entities.read(path)
        if found is None:
            raise NotFoundError
        if not isinstance(found, Action):
            raise WrongCollectionError
        return found

    async def _listed(self, identity: Identity, namespace: str, package: str | None) -> tuple[str, str | None]:
        """Return whose actions are listed, of which package; of a binding, those of its target."""
        if package is None:
            check_namespace(identity, namespace)
            return namespace, None
        path = EntityPath.of(namespace, package)
        found = await self._packages.read(identity, path)
        if found.binding is None:
            return namespace, package
        inside = await self._packages.follow(identity, EntityPath(namespace, "any", package))
        return inside.path.namespace, inside.path.package

    async def _read_exec(self, identity: Identity, path: EntityPath, put: ExecPut, allowed: Limits) -> Exec:
        if not isinstance(put.kind, str):
            raise InvalidError("'kind' must be a string defined in 'exec'")
        if put.kind.strip().lower() == SEQUENCE:
            if put.components is None:
                raise InvalidError("'components' must be defined for sequence kind")
            most = allowed.sequence_length
            return SequenceExec(await self._components.check(identity, path, put.components, most=most))
        is_image = self._kinds.images and put.kind.strip().lower() == BLACKBOX
        kind = BLACKBOX if is_image else self._kinds.accept(put.kind)
        if allowed.allowed_kinds and kind not in allowed.allowed_kinds:
            raise ForbiddenError(f"The supplied authentication is not authorized to access actions of kind '{kind}'.")
        if is_image:
            return await self._read_image(put)
        reference, binary = await self._keep_code(kind, put.code, archive=True)
        return CodeExec(kind=kind, code=reference, binary=binary, main=put.main or None)

    async def _read_image(self, put: ExecPut) -> ImageExec:
        if not isinstance(put.image, str):
            raise InvalidError(f"'image' must be a string defined in 'exec' for '{BLACKBOX}' actions")
        image, reference, binary = self._kinds.accept_image(put.image), None, False
        if put.code is not None:
            # What is base64 is for the image to understand: an archive, or a program.
            reference, binary = await self._keep_code(BLACKBOX, put.code, archive=False)
        return ImageExec(image=image, code=reference, binary=binary, main=put.main or None)

    async def _keep_code(self, kind: str, code: Any, *, archive: bool) -> tuple[CodeReference, bool]:
        """Store code, and tell whether it came as base64; which is an archive then, or refused."""
        if not isinstance(code, str):
            raise InvalidError(f"'code' must be a string or attachment object defined in 'exec' for '{kind}' actions")
        content, binary = decode_code(code)
        if binary and archive:
            await asyncio.to_thread(check_archive, content)
        return CodeReference(await self._blobs.put(content), len(content)), binary

    def _create(self, path: EntityPath, put: ActionPut, exec_: Exec, allowed: Limits) -> Action:
        annotations = put.annotations or ()
        if not has_annotation(annotations, "provide-api-key"):
            annotations = (*annotations, Annotation("provide-api-key", False))
        return Action(
            path=path,
            exec=exec_,
            version=_version(put, FIRST_VERSION),
            publish=put.publish is True,
            parameters=_parameters(put, None, exec_),
            annotations=_with_kind(annotations, exec_),
            limits=_limits(put, allowed.defaults()),
            updated_ms=self._clock.now_ms(),
        )

    def _update(self, existing: Action | None, put: ActionPut, exec_: Exec | None) -> Action:
        assert existing is not None
        exec_ = exec_ or existing.exec
        kept = tuple(a for a in existing.annotations if a.key not in put.del_annotations)
        return Action(
            path=existing.path,
            exec=exec_,
            version=_version(put, next_version(existing.version)),
            publish=existing.publish if put.publish is msgspec.UNSET else put.publish,
            parameters=_parameters(put, existing, exec_),
            annotations=_with_kind(merge_annotations(kept, put.annotations or ()), exec_),
            limits=_limits(put, existing.limits),
            updated_ms=max(self._clock.now_ms(), existing.updated_ms),
            revision=existing.revision,
        )


def hides_code(action: Action) -> bool:
    """Tell whether an action's code is only there to be run."""
    return is_truthy(annotation(action.annotations, _NO_DOWNLOAD))


def _check_not_shared(identity: Identity, path: EntityPath, real: EntityPath) -> None:
    if path.namespace != identity.name:
        raise ForbiddenError(f"GET not permitted for '{path}' since it's an action in a shared package")
    if real.namespace != identity.name:
        text = "Resource does not exist or is an action in a shared package binding."
        raise ForbiddenError(f"GET not permitted for '{path}'. {text}")


def _check_sizes(put: ActionPut, allowed: Limits) -> None:
    if put.exec is not msgspec.UNSET and isinstance(put.exec.code, str):
        check_size("exec", len(put.exec.code.encode()), allowed.code_bytes)
    for field, value in (("parameters", put.parameters), ("annotations", put.annotations)):
        if value:
            check_size(field, len(msgspec.json.encode(value)), allowed.parameters_bytes)


def _with_kind(annotations: Sequence[Annotation], exec_: Exec) -> tuple[Annotation, ...]:
    return merge_annotations(annotations, (Annotation("exec", exec_.kind),))


def _version(put: ActionPut, default: str) -> str:
    return default if put.version is msgspec.UNSET else check_version(put.version)


def _parameters(put: ActionPut, existing: Action | None, exec_: Exec) -> tuple[Parameter, ...]:
    if isinstance(exec_, SequenceExec):  # whatever the client sends: its tools read the components here
        return (Parameter("_actions", exec_.components),)
    if put.parameters is not msgspec.UNSET:
        return merge_parameters(put.parameters)
    if existing is None or isinstance(existing.exec, SequenceExec):
        return ()
    return existing.parameters


def _limits(put: ActionPut, current: ActionLimits) -> ActionLimits:
    if put.limits is msgspec.UNSET:
        return current
    given = {"timeout_ms": put.limits.timeout, "memory_mb": put.limits.memory, "logs_mb": put.limits.logs}
    given |= {"concurrency": put.limits.concurrency, "instances": put.limits.instances}
    return msgspec.structs.replace(current, **{key: value for key, value in given.items() if value is not msgspec.UNSET})
