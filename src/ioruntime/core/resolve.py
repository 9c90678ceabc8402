"""From a name to an action that can run, with the parameters of its package; cached until somebody changes it."""

from typing import Any

import msgspec

from ioruntime.core.entitlement import check_own, check_readable
from ioruntime.core.packages import bound_target
from ioruntime.model.action import Action
from ioruntime.model.errors import InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.exec import NativeExec, SequenceExec
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import (
    Arguments,
    annotation,
    environment_of,
    has_annotation,
    is_truthy,
    merge_parameters,
    read_arguments,
)
from ioruntime.ports.entities import EntityStore

_NOT_ALLOWED = "Request defines parameters that are not allowed (e.g., reserved properties)."


class Resolved(msgspec.Struct, frozen=True):
    """An action ready to be invoked."""

    action: Action
    package: Package | None
    defaults: Arguments
    """Merged package and action parameters, encoded; without the `init` ones."""
    environment: dict[str, str]
    """`init` parameters as environment variables."""
    final: frozenset[str]
    """Keys that a call must not bring: those with a value, when the action says `final`."""
    wants_api_key: bool
    is_composed: bool
    """Run by the core rather than by an invoker: a sequence, a conductor, or an action of the platform itself."""
    binding: Package | None = None
    """Through which the action was reached."""

    def arguments(self, payload: Arguments) -> msgspec.Raw:
        """Overlay the defaults with what the call brings.

        Raises:
            InvalidError: the call redefines a final parameter.
        """
        if self.final and not self.final.isdisjoint(payload):
            raise InvalidError(_NOT_ALLOWED)
        return self.merge(payload)

    def arguments_of(self, body: bytes) -> msgspec.Raw | None:
        """Return a body that needs no merging as the arguments it is; None: it does.

        Raises:
            InvalidError: the body is no JSON object.
        """
        if self.defaults or self.environment or self.final or not body.isascii():
            return None
        read_arguments(body)
        return msgspec.Raw(body or b"{}")

    def merge(self, payload: Arguments) -> msgspec.Raw:
        """Overlay the defaults with whatever the payload brings, as between the components of a composition."""
        merged = self.defaults | payload
        for key in self.environment:
            merged.pop(key, None)
        return msgspec.Raw(_ENCODER.encode(merged))

    def environment_with(self, payload: Arguments) -> dict[str, str]:
        """Overlay the environment with values that the call brings for `init` keys."""
        given = {key: msgspec.json.decode(payload[key]) for key in self.environment if key in payload}
        return self.environment | environment_of(given) if given else self.environment


class Resolver:
    """Reads actions with their packages, and remembers them until `forget`."""

    def __init__(self, entities: EntityStore) -> None:
        self._entities = entities
        self._cache: dict[str, dict[str, Resolved]] = {}
        self._bound: dict[tuple[str, str], set[EntityPath]] = {}
        """Cached paths that lead through a binding, by namespace and key of the binding's target."""
        self._generation = 0

    @property
    def generation(self) -> int:
        """Grows whenever something is forgotten: what was returned before may be out of date then."""
        return self._generation

    async def action(self, path: EntityPath) -> Resolved:
        """Return the action at `path`.

        Raises:
            NotFoundError: there is none, or its package is gone.
            WrongCollectionError: it is a package.
        """
        cached = self._cache.get(path.namespace, {}).get(path.key)
        return cached if cached is not None else await self._load(path)

    async def runnable(self, identity: Identity, path: EntityPath) -> Resolved:
        """Return the action at `path` when the caller may invoke it.

        Raises:
            NotFoundError: the caller has no such action.
            WrongCollectionError: the caller has a package of this name.
            ForbiddenError: it is another's and not in a published package, or does not exist there.
        """
        try:
            resolved = await self.action(path)
        except (NotFoundError, WrongCollectionError):
            check_own(identity, path)
            raise
        check_readable(identity, path, resolved.binding or resolved.package)
        return resolved

    def forget(self, namespace: str, key: str | None) -> None:
        """Drop an entity, with the actions inside when it is a package; None drops the whole namespace."""
        self._generation += 1
        self._forget_bound(namespace, key)
        if key is None:
            self._cache.pop(namespace, None)
            return
        actions = self._cache.get(namespace, {})
        for stale in [k for k in actions if k == key or k.startswith(f"{key}/")]:
            del actions[stale]

    def _forget_bound(self, namespace: str, key: str | None) -> None:
        package = None if key is None else key.partition("/")[0]
        for target in [t for t in self._bound if t[0] == namespace and package in {None, t[1]}]:
            for path in self._bound.pop(target):
                self._cache.get(path.namespace, {}).pop(path.key, None)

    async def _load(self, path: EntityPath) -> Resolved:
        generation = self._generation
        named = await self._package(path)
        package, real = named, path
        if named is not None and named.binding is not None:
            package = await bound_target(self._entities, named)
            real = EntityPath(package.path.namespace, path.name, package.path.name)
        action = await self._entities.read(real)
        if action is None:
            raise NotFoundError
        if not isinstance(action, Action):
            raise WrongCollectionError
        resolved = resolve(action, package, binding=named if named is not package else None)
        if generation == self._generation:
            self._remember(path, resolved)
        return resolved

    def _remember(self, path: EntityPath, resolved: Resolved) -> None:
        self._cache.setdefault(path.namespace, {})[path.key] = resolved
        if resolved.binding is not None and resolved.package is not None:
            target = resolved.package.path
            self._bound.setdefault((target.namespace, target.name), set()).add(path)

    async def _package(self, path: EntityPath) -> Package | None:
        if path.package is None:
            return None
        found = await self._entities.read(EntityPath(path.namespace, path.package))
        if not isinstance(found, Package):
            raise NotFoundError
        return found


def is_conductor(action: Action) -> bool:
    """Tell whether an action says what runs next; a sequence never does, whatever its annotations."""
    return not isinstance(action.exec, SequenceExec | NativeExec) and is_truthy(annotation(action.annotations, "conductor"))


def is_composed(action: Action) -> bool:
    """Tell whether an action is run by the core rather than by an invoker."""
    return isinstance(action.exec, SequenceExec | NativeExec) or is_conductor(action)


def resolve(action: Action, package: Package | None, *, binding: Package | None = None) -> Resolved:
    """Merge an action with its package, and with the binding through which it was reached."""
    layers = [layer.parameters for layer in (package, binding, action) if layer is not None]
    parameters = merge_parameters(*layers)
    init: dict[str, Any] = {p.key: p.value for p in parameters if p.init is True}
    plain = {p.key: p.value for p in parameters if p.init is not True}
    is_final = annotation(action.annotations, "final") is True
    return Resolved(
        action=action,
        package=package,
        binding=binding,
        defaults={key: msgspec.Raw(_ENCODER.encode(value)) for key, value in plain.items()},
        environment=environment_of(init),
        final=frozenset(p.key for p in parameters if p.value is not None) if is_final else frozenset(),
        wants_api_key=not has_annotation(action.annotations, "provide-api-key")
        or is_truthy(annotation(action.annotations, "provide-api-key")),
        is_composed=is_composed(action),
    )


_ENCODER = msgspec.json.Encoder()
