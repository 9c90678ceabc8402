"""Rules: create, update, read, delete, list, switch on and off (OpenWhisk API contract, section 12).

A rule keeps its own status, which counts only while its trigger exists: without it the rule reads as inactive.
"""

from collections.abc import Sequence

import msgspec

from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.packages import EntityListener
from ioruntime.core.resolve import Resolver
from ioruntime.model.action import FIRST_VERSION, check_version, next_version
from ioruntime.model.errors import (
    AlreadyExistsError,
    InvalidError,
    MalformedBodyError,
    NotFoundError,
    WrongCollectionError,
)
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits, effective
from ioruntime.model.names import EntityPath, check_size
from ioruntime.model.params import Annotation
from ioruntime.model.trigger import Rule, RuleStatus, Trigger
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore

_INCOMPLETE = "rule requires a valid trigger and a valid action"
_NO_TRIGGER = "Only rules with existing triggers can be activated"


class RulePut(msgspec.Struct, frozen=True):
    """What a client sends to create or update a rule; absent fields keep their value. A `status` is not read here."""

    trigger: str | msgspec.UnsetType = msgspec.UNSET
    """`/ns/name`; `_` is the caller's own namespace."""
    action: str | msgspec.UnsetType = msgspec.UNSET
    """`/ns/name` or `/ns/package/name`."""
    annotations: tuple[Annotation, ...] | msgspec.UnsetType = msgspec.UNSET
    version: str | msgspec.UnsetType = msgspec.UNSET
    publish: bool | msgspec.UnsetType = msgspec.UNSET


class Rules:
    """The rules of all namespaces."""

    def __init__(
        self, *, entities: EntityStore, resolver: Resolver, limits: Limits, clock: Clock, listener: EntityListener
    ) -> None:
        self._entities = entities
        self._resolver = resolver
        self._limits = limits
        self._clock = clock
        self._listener = listener

    async def put(self, identity: Identity, path: EntityPath, put: RulePut, *, overwrite: bool) -> Rule:
        """Create an active rule, or update the one that is there when `overwrite`; its status stays as it reads.

        Raises:
            ForbiddenError: the path, or the trigger, is not the caller's, or the action not for the caller.
            InvalidError: a field is missing or wrong, or names what does not exist.
            TooLargeError: the annotations are over their limit.
            ConflictError: it exists and not `overwrite`, a name belongs to another collection, or it changed meanwhile.
        """
        check_own(identity, path)
        if put.annotations:
            allowed = effective(self._limits, identity.namespace.overrides)
            check_size("annotations", len(msgspec.json.encode(put.annotations)), allowed.parameters_bytes)
        trigger, action = _named(identity, put.trigger), _named(identity, put.action)
        found = await self._entities.read(path)
        if found is not None and not isinstance(found, Rule):
            raise WrongCollectionError
        if found is not None and not overwrite:
            raise AlreadyExistsError
        if found is None:
            if trigger is None or action is None:
                raise InvalidError(_INCOMPLETE)
            base = Rule(path=path, trigger=trigger, action=action)
        else:
            base = await self._as_it_reads(found)
            base = msgspec.structs.replace(base, trigger=trigger or base.trigger, action=action or base.action)
        await self._check_ends(identity, base)
        return await self._write(_merge(base, put, self._clock.now_ms()))

    async def read(self, identity: Identity, path: EntityPath) -> Rule:
        """Return a rule with the status that counts.

        Raises:
            ForbiddenError: it is not the caller's.
            NotFoundError: there is none.
            WrongCollectionError: the name belongs to another collection.
        """
        return await self._as_it_reads(await self._read(identity, path))

    async def delete(self, identity: Identity, path: EntityPath) -> Rule:
        """Delete a rule, whatever its status, and return what it was, inactive.

        Raises:
            ForbiddenError, NotFoundError, WrongCollectionError: as `read`.
        """
        rule = await self._read(identity, path)
        await self._entities.delete(rule)
        self._listener.entity_changed(path.namespace, path.key)
        return msgspec.structs.replace(rule, status=RuleStatus.INACTIVE)

    async def set_status(self, identity: Identity, path: EntityPath, status: RuleStatus) -> None:
        """Switch a rule on or off; that is no new version of it.

        Raises:
            ForbiddenError, WrongCollectionError: as `read`.
            NotFoundError: there is none, or it is to be active and its trigger is gone.
        """
        rule = await self._read(identity, path)
        if status is RuleStatus.ACTIVE and not await self._has_trigger(rule):
            raise NotFoundError(_NO_TRIGGER)
        if rule.status is not status:
            await self._write(msgspec.structs.replace(rule, status=status))

    async def list(self, identity: Identity, namespace: str, *, skip: int, limit: int) -> Sequence[Rule]:
        """List newest first, each with the status it keeps, whether or not that counts.

        Raises:
            ForbiddenError: the namespace is another one.
        """
        check_namespace(identity, namespace)
        found = await self._entities.list(namespace, Collection.RULES, skip=skip, limit=limit)
        return [entity for entity in found if isinstance(entity, Rule)]

    async def count(self, identity: Identity, namespace: str) -> int:
        """Count what `list` would show."""
        check_namespace(identity, namespace)
        return await self._entities.count(namespace, Collection.RULES)

    async def _read(self, identity: Identity, path: EntityPath) -> Rule:
        check_own(identity, path)
        found = await self._entities.read(path)
        if found is None:
            raise NotFoundError
        if not isinstance(found, Rule):
            raise WrongCollectionError
        return found

    async def _write(self, rule: Rule) -> Rule:
        stored = await self._entities.write(rule)
        self._listener.entity_changed(rule.path.namespace, rule.path.key)
        assert isinstance(stored, Rule)
        return stored

    async def _as_it_reads(self, rule: Rule) -> Rule:
        if rule.status is RuleStatus.INACTIVE or await self._has_trigger(rule):
            return rule
        return msgspec.structs.replace(rule, status=RuleStatus.INACTIVE)

    async def _has_trigger(self, rule: Rule) -> bool:
        return isinstance(await self._entities.read(rule.trigger), Trigger)

    async def _check_ends(self, identity: Identity, rule: Rule) -> None:
        check_own(identity, rule.trigger)
        trigger = await self._entities.read(rule.trigger)
        if trigger is None:
            raise InvalidError(f"trigger /{rule.trigger} does not exist")
        if not isinstance(trigger, Trigger):
            raise WrongCollectionError
        try:
            await self._resolver.runnable(identity, rule.action)
        except NotFoundError as error:
            raise InvalidError(f"action /{rule.action} does not exist") from error


def _named(identity: Identity, text: str | msgspec.UnsetType) -> EntityPath | None:
    if text is msgspec.UNSET:
        return None
    try:
        return EntityPath.parse(text, own_namespace=identity.name)
    except InvalidError as error:
        raise MalformedBodyError(str(error)) from error


def _merge(base: Rule, put: RulePut, now_ms: int) -> Rule:
    """Overlay a rule, new (revision 0) or stored, with what the client sent."""
    version = next_version(base.version) if base.revision else FIRST_VERSION
    return msgspec.structs.replace(
        base,
        version=version if put.version is msgspec.UNSET else check_version(put.version),
        publish=base.publish if put.publish is msgspec.UNSET else put.publish,
        annotations=base.annotations if put.annotations is msgspec.UNSET else put.annotations,
        updated_ms=max(now_ms, base.updated_ms),
    )
