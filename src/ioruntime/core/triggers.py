"""Triggers: create, update, read, delete and list (OpenWhisk API contract, section 11), and the rules that hang on them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ioruntime.core.alarms.alarm import alarm_path
from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.packages import EntityListener
from ioruntime.model.action import FIRST_VERSION, check_version, next_version
from ioruntime.model.errors import AlreadyExistsError, InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits, effective
from ioruntime.model.names import EntityPath, check_entity_name, check_size
from ioruntime.model.note import Note
from ioruntime.model.params import Annotation, Parameter, annotation, has_annotation, merge_parameters
from ioruntime.model.trigger import Rule, RuleStatus, Trigger
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, Entity, EntityStore

_FEED = "feed"
_NO_FEED = "Feed name is not valid"
_ALL = 1_000_000


class TriggerPut(msgspec.Struct, frozen=True):
    """What a client sends to create or update a trigger; absent fields keep their value."""

    parameters: tuple[Parameter, ...] | msgspec.UnsetType = msgspec.UNSET
    annotations: tuple[Annotation, ...] | msgspec.UnsetType = msgspec.UNSET
    limits: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    """Triggers have none; what is sent is not kept."""
    version: str | msgspec.UnsetType = msgspec.UNSET
    publish: bool | msgspec.UnsetType = msgspec.UNSET


class RuleIndex:
    """Triggers, and the rules of each, read once and remembered until `forget`."""

    def __init__(self, entities: EntityStore) -> None:
        self._entities = entities
        self._cache: dict[str, dict[EntityPath, tuple[Rule, ...]]] = {}
        self._triggers: dict[str, dict[EntityPath, Trigger]] = {}
        self._generation = 0

    async def trigger(self, path: EntityPath) -> Trigger:
        """Return a trigger.

        Raises:
            NotFoundError: there is none.
            WrongCollectionError: the name belongs to another collection.
        """
        known = self._triggers.get(path.namespace, {}).get(path)
        return known if known is not None else await self._load_trigger(path)

    async def of(self, trigger: EntityPath) -> tuple[Rule, ...]:
        """Return the rules that name this trigger, by name, active or not."""
        cached = self._cache.get(trigger.namespace)
        return (cached if cached is not None else await self._load(trigger.namespace)).get(trigger, ())

    def forget(self, namespace: str, key: str | None) -> None:
        """Drop what is known of a namespace when an entity in it changed; notes say nothing of rules."""
        if key is None or not key.startswith(":"):
            self._generation += 1
            self._cache.pop(namespace, None)
            self._triggers.pop(namespace, None)

    async def _load_trigger(self, path: EntityPath) -> Trigger:
        generation = self._generation
        trigger = _trigger_of(await self._entities.read(path))
        if generation == self._generation:
            self._triggers.setdefault(path.namespace, {})[path] = trigger
        return trigger

    async def _load(self, namespace: str) -> dict[EntityPath, tuple[Rule, ...]]:
        generation = self._generation
        rules = [each for each in await self._entities.list(namespace, Collection.RULES, limit=_ALL) if isinstance(each, Rule)]
        by_trigger: dict[EntityPath, tuple[Rule, ...]] = {}
        for rule in sorted(rules, key=lambda rule: rule.path.name):
            by_trigger[rule.trigger] = (*by_trigger.get(rule.trigger, ()), rule)
        if generation == self._generation:
            self._cache[namespace] = by_trigger
        return by_trigger


class Triggers:
    """The triggers of all namespaces."""

    def __init__(
        self, *, entities: EntityStore, rules: RuleIndex, limits: Limits, clock: Clock, listener: EntityListener
    ) -> None:
        self._entities = entities
        self._rules = rules
        self._limits = limits
        self._clock = clock
        self._listener = listener

    async def put(self, identity: Identity, path: EntityPath, put: TriggerPut, *, overwrite: bool) -> Trigger:
        """Create a trigger, or update the one that is there when `overwrite`.

        Rules of an earlier trigger of the same name are inactive from then on.

        Raises:
            ForbiddenError: the path is not the caller's.
            TooLargeError: parameters or annotations are over their limit.
            InvalidError: a field is wrong.
            ConflictError: it exists and not `overwrite`, is no trigger, or changed meanwhile.
        """
        check_own(identity, path)
        allowed = effective(self._limits, identity.namespace.overrides)
        for field, value in (("parameters", put.parameters), ("annotations", put.annotations)):
            if value:
                check_size(field, len(msgspec.json.encode(value)), allowed.parameters_bytes)
        found = await self._entities.read(path)
        if found is not None and not isinstance(found, Trigger):
            raise WrongCollectionError
        if found is not None and not overwrite:
            raise AlreadyExistsError
        if found is None:
            _check_feed(put.annotations or ())
        trigger = _merge(found or Trigger(path=path), put, self._clock.now_ms())
        if found is None:
            await self._switch_off(path)
        stored = await self._entities.write(trigger)
        self._listener.entity_changed(path.namespace, path.key)
        assert isinstance(stored, Trigger)
        return stored

    async def read(self, identity: Identity, path: EntityPath) -> Trigger:
        """Return a trigger.

        Raises:
            ForbiddenError: it is not the caller's.
            NotFoundError: there is none.
            WrongCollectionError: the name belongs to another collection.
        """
        check_own(identity, path)
        return _trigger_of(await self._entities.read(path))

    async def remembered(self, identity: Identity, path: EntityPath) -> Trigger:
        """Return a trigger to fire, without a look into the store where this process knows it.

        Raises:
            ForbiddenError, NotFoundError, WrongCollectionError: as `read`.
        """
        check_own(identity, path)
        return await self._rules.trigger(path)

    async def rules(self, path: EntityPath) -> tuple[Rule, ...]:
        """Return the rules of a trigger that exists, by name."""
        return await self._rules.of(path)

    async def delete(self, identity: Identity, path: EntityPath, *, with_rules: bool = False) -> Trigger:
        """Delete a trigger and the schedule that fires it; return what it was. Its rules stay, unless `with_rules`.

        Raises:
            ForbiddenError, NotFoundError, WrongCollectionError: as `read`.
        """
        trigger = await self.read(identity, path)
        if with_rules:
            for rule in await self._stored_rules(path):
                await self._entities.delete(rule)
                self._listener.entity_changed(rule.path.namespace, rule.path.key)
        await self._entities.delete(trigger)
        self._listener.entity_changed(path.namespace, path.key)
        schedule = await self._entities.read(alarm_path(path))
        if isinstance(schedule, Note):
            await self._entities.delete(schedule)
            self._listener.entity_changed(path.namespace, schedule.path.key)
        return trigger

    async def list(self, identity: Identity, namespace: str, *, skip: int, limit: int) -> Sequence[Trigger]:
        """List newest first.

        Raises:
            ForbiddenError: the namespace is another one.
        """
        check_namespace(identity, namespace)
        found = await self._entities.list(namespace, Collection.TRIGGERS, skip=skip, limit=limit)
        return [entity for entity in found if isinstance(entity, Trigger)]

    async def count(self, identity: Identity, namespace: str) -> int:
        """Count what `list` would show."""
        check_namespace(identity, namespace)
        return await self._entities.count(namespace, Collection.TRIGGERS)

    async def _switch_off(self, path: EntityPath) -> None:
        # Here rather than on delete: however the trigger went, a new one finds no rule active.
        for rule in await self._stored_rules(path):
            if rule.status is RuleStatus.ACTIVE:
                await self._entities.write(msgspec.structs.replace(rule, status=RuleStatus.INACTIVE))
                self._listener.entity_changed(rule.path.namespace, rule.path.key)

    async def _stored_rules(self, path: EntityPath) -> Sequence[Rule]:
        found = await self._entities.list(path.namespace, Collection.RULES, limit=_ALL)
        return [entity for entity in found if isinstance(entity, Rule) and entity.trigger == path]


def _trigger_of(found: Entity | None) -> Trigger:
    if found is None:
        raise NotFoundError
    if not isinstance(found, Trigger):
        raise WrongCollectionError
    return found


def _check_feed(annotations: Sequence[Annotation]) -> None:
    if not has_annotation(annotations, _FEED):
        return
    name = annotation(annotations, _FEED)
    segments = name.removeprefix("/").split("/") if isinstance(name, str) else []
    if not 1 <= len(segments) <= 3:
        raise InvalidError(_NO_FEED)
    try:
        for segment in segments:
            check_entity_name(segment)
    except InvalidError as error:
        raise InvalidError(_NO_FEED) from error


def _merge(base: Trigger, put: TriggerPut, now_ms: int) -> Trigger:
    """Overlay a trigger, new (revision 0) or stored, with what the client sent."""
    version = next_version(base.version) if base.revision else FIRST_VERSION
    return msgspec.structs.replace(
        base,
        version=version if put.version is msgspec.UNSET else check_version(put.version),
        publish=base.publish if put.publish is msgspec.UNSET else put.publish,
        parameters=base.parameters if put.parameters is msgspec.UNSET else merge_parameters(put.parameters),
        annotations=base.annotations if put.annotations is msgspec.UNSET else put.annotations,
        updated_ms=max(now_ms, base.updated_ms),
    )
