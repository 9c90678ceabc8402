"""The feed actions of the package `alarms`: a trigger's schedule is created, read, changed, stopped and deleted here.

They run inside the platform and act in the caller's namespace only, whatever key the call brings along.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from ioruntime.core.alarms.alarm import (
    Alarm,
    alarm_path,
    content_of,
    create,
    pause,
    read_alarm,
    resume,
    update,
)
from ioruntime.core.alarms.parameters import FeedName
from ioruntime.core.composing import NativeHandler
from ioruntime.core.entitlement import check_own
from ioruntime.core.packages import EntityListener
from ioruntime.model.errors import ConcurrentModificationError, ConflictError, InvalidError, IoRuntimeError, NotFoundError
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note
from ioruntime.model.trigger import Trigger
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore

_FEEDS: tuple[FeedName, ...] = ("alarm", "interval", "once")
_DONE = {"status": "success"}


class AlarmFeed:
    """Carries out what the life of a trigger asks of its feed."""

    def __init__(self, *, entities: EntityStore, clock: Clock, listener: EntityListener) -> None:
        self._entities = entities
        self._clock = clock
        self._listener = listener

    def natives(self) -> dict[str, NativeHandler]:
        """Return the handlers of the three actions, by the name their `NativeExec` has."""
        return {f"alarms.{feed}": partial(self._answer, feed) for feed in _FEEDS}

    async def _answer(self, feed: FeedName, identity: Identity, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            trigger = _trigger_path(identity, parameters)
            return await self._carry_out(feed, trigger, parameters)
        except IoRuntimeError as error:
            return {"error": str(error)}

    async def _carry_out(self, feed: FeedName, trigger: EntityPath, parameters: dict[str, Any]) -> dict[str, Any]:
        now_ms = self._clock.now_ms()
        match parameters.get("lifecycleEvent", "CREATE"):
            case "CREATE":
                await self._create(feed, trigger, parameters, now_ms)
            case "READ":
                return _document(trigger, read_alarm(await self._read(trigger)))
            case "UPDATE":
                note = await self._read(trigger)
                await self._write(note, update(read_alarm(note), parameters, now_ms))
            case "DELETE":
                await self._delete(trigger)
            case "PAUSE":
                note = await self._read(trigger)
                await self._write(note, pause(read_alarm(note), now_ms))
            case "UNPAUSE":
                note = await self._read(trigger)
                await self._write(note, resume(read_alarm(note), now_ms))
            case _:
                raise InvalidError("unsupported lifecycleEvent")
        return _DONE

    async def _create(self, feed: FeedName, trigger: EntityPath, parameters: dict[str, Any], now_ms: int) -> None:
        if not isinstance(await self._entities.read(trigger), Trigger):
            raise NotFoundError(f"trigger '/{trigger}' does not exist")
        alarm = create(feed, trigger.name, parameters, now_ms)
        try:
            await self._write(Note(path=alarm_path(trigger), content={}), alarm)
        except ConcurrentModificationError as error:
            raise ConflictError(f"trigger '/{trigger}' has a schedule already") from error

    async def _read(self, trigger: EntityPath) -> Note:
        note = await self._entities.read(alarm_path(trigger))
        if not isinstance(note, Note):
            raise NotFoundError(f"trigger '/{trigger}' has no schedule")
        return note

    async def _write(self, note: Note, alarm: Alarm) -> None:
        changed = msgspec.structs.replace(note, content=content_of(alarm), updated_ms=self._clock.now_ms())
        await self._entities.write(changed)
        self._listener.entity_changed(note.path.namespace, note.path.key)

    async def _delete(self, trigger: EntityPath) -> None:
        note = await self._read(trigger)
        await self._entities.delete(note)
        self._listener.entity_changed(note.path.namespace, note.path.key)


def _trigger_path(identity: Identity, parameters: dict[str, Any]) -> EntityPath:
    name = parameters.get("triggerName")
    if not isinstance(name, str) or not name:
        raise InvalidError("no trigger name parameter was provided")
    trigger = EntityPath.parse(name if "/" in name else f"_/{name}", own_namespace=identity.name)
    if trigger.package is not None:
        raise InvalidError(f"'{name}' does not name a trigger: it has too many parts")
    check_own(identity, trigger)
    return trigger


def _document(trigger: EntityPath, alarm: Alarm) -> dict[str, Any]:
    """Describe a schedule as OpenWhisk's alarms provider does."""
    config = {"name": trigger.name, "namespace": trigger.namespace, "payload": alarm.payload} | alarm.config
    changed = datetime.fromtimestamp(alarm.changed_ms // 1000, UTC).isoformat().replace("+00:00", "Z")
    status: dict[str, Any] = {"active": alarm.stopped is None, "dateChanged": alarm.changed_ms, "dateChangedISO": changed}
    if alarm.stopped is not None:
        status["reason"] = {"kind": "AUTO", "message": str(alarm.stopped)}
    return {"config": config, "status": status}
