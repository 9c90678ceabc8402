"""Fires triggers when their alarms say so, for all namespaces.

An alarm's next moment is written before its trigger is fired, and only who wrote it fires. So a moment is never fired
twice: not after a crash (one that falls between the write and the fire loses that moment) and not by two processes.
Moments that passed while nobody watched are fired as one, unless they are too old (`schedule.is_due`).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import msgspec

from ioruntime.core.alarms.agenda import Agenda
from ioruntime.core.alarms.alarm import TOPIC, Alarm, advance, content_of, read_alarm
from ioruntime.core.authenticate import identify
from ioruntime.core.firing import Firing
from ioruntime.core.triggers import Triggers
from ioruntime.model.errors import (
    ConcurrentModificationError,
    IoRuntimeError,
    NotFoundError,
    UnavailableError,
    WrongCollectionError,
)
from ioruntime.model.identity import Identity
from ioruntime.model.names import SYSTEM_NAMESPACE, EntityPath
from ioruntime.model.note import Note
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore
from ioruntime.ports.namespaces import NamespaceStore

_Step: TypeAlias = Callable[[], Awaitable[None]]

_AT_ONCE = 50
_WAIT_MOST_S = 30.0
"""The wall clock may be set; so it is looked at this often."""
_RETRY_MS = 1000


class SchedulerReporter(Protocol):
    """Hears of what a schedule could not do."""

    def alarm_failed(self, namespace: str, trigger: str, error: Exception, /) -> None: ...


class Scheduler:
    """Watches the clock."""

    def __init__(
        self,
        *,
        agenda: Agenda,
        entities: EntityStore,
        namespaces: NamespaceStore,
        triggers: Triggers,
        firing: Firing,
        clock: Clock,
        reporter: SchedulerReporter,
    ) -> None:
        self._agenda = agenda
        self._entities = entities
        self._namespaces = namespaces
        self._triggers = triggers
        self._firing = firing
        self._clock = clock
        self._reporter = reporter
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        """Fire until `stop`; what is being fired then is brought to its end."""
        self._ended.clear()
        try:
            await self._persist(self.load)
            while not self._stopping:
                await self._persist(self.tick)
                await self._wait()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Let `run` end, and wait until nothing is being fired any more."""
        self._stopping = True
        self._agenda.wake()
        await self._ended.wait()

    async def load(self) -> None:
        """Enter all alarms of the store.

        Raises:
            UnavailableError: the store cannot be read.
        """
        for note in await self._entities.everywhere(Collection.NOTES):
            if isinstance(note, Note) and note.topic == TOPIC:
                await self._enter(note)

    async def tick(self) -> None:
        """Follow what changed, then fire what is due.

        Raises:
            UnavailableError: the store cannot be read.
        """
        for path in self._agenda.take_changed():
            await self._reread(path)
        now_ms = self._clock.now_ms()
        while due := self._agenda.take_due(now_ms, most=_AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                for note in due:
                    tasks.create_task(self._carry_out(note, now_ms), name=f"alarm {note.path}")

    async def _wait(self) -> None:
        next_ms = self._agenda.next_ms
        wait_s = _WAIT_MOST_S if next_ms is None else min(_WAIT_MOST_S, (next_ms - self._clock.now_ms()) / 1000)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._agenda.woken()

    async def _reread(self, path: EntityPath) -> None:
        self._agenda.drop(path)
        try:
            note = await self._entities.read(path)
        except BaseException:
            self._agenda.forget(path.namespace, path.key)
            raise
        if isinstance(note, Note):
            await self._enter(note)

    async def _enter(self, note: Note) -> None:
        try:
            alarm = read_alarm(note)
            if alarm.next_ms is not None:
                self._agenda.put(note, alarm.next_ms)
            elif alarm.leaves is not None:  # an earlier process fired it and came no further
                await self._clear_away(note, alarm)
        except IoRuntimeError as error:
            self._reporter.alarm_failed(note.path.namespace, note.key, error)

    async def _carry_out(self, note: Note, now_ms: int) -> None:
        try:
            alarm, fires = advance(read_alarm(note), now_ms)
            written = await self._entities.write(msgspec.structs.replace(note, content=content_of(alarm), updated_ms=now_ms))
        except ConcurrentModificationError:  # changed, deleted, or fired by another process
            self._agenda.forget(note.path.namespace, note.path.key)
            return
        except IoRuntimeError as error:
            self._reporter.alarm_failed(note.path.namespace, note.key, error)
            if isinstance(error, UnavailableError):
                self._agenda.put(note, now_ms + _RETRY_MS)
            return
        assert isinstance(written, Note)
        if alarm.next_ms is not None:
            self._agenda.put(written, alarm.next_ms)
        if fires:
            await self._fire(written, alarm)

    async def _fire(self, note: Note, alarm: Alarm) -> None:
        namespace, trigger = note.path.namespace, EntityPath(note.path.namespace, alarm.trigger)
        try:
            identity = await self._identity(namespace)
            payload = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in alarm.payload.items()}
            await self._firing.fire(identity, trigger, payload, headers={}, transaction_id=secrets.token_hex(16))
            if alarm.leaves is not None:
                await self._clear_away(note, alarm)
        except (NotFoundError, WrongCollectionError):  # nothing is left to fire
            await self._delete(note)
        except IoRuntimeError as error:
            self._reporter.alarm_failed(namespace, alarm.trigger, error)

    async def _clear_away(self, note: Note, alarm: Alarm) -> None:
        identity, trigger = await self._identity(note.path.namespace), EntityPath(note.path.namespace, alarm.trigger)
        try:
            await self._triggers.delete(identity, trigger, with_rules=alarm.leaves == "rules")
        except (NotFoundError, WrongCollectionError):
            await self._delete(note)

    async def _delete(self, note: Note) -> None:
        self._agenda.drop(note.path)
        try:
            await self._entities.delete(note)
        except IoRuntimeError as error:
            self._reporter.alarm_failed(note.path.namespace, note.key, error)

    async def _identity(self, namespace: str) -> Identity:
        found = await self._namespaces.by_name(namespace)
        if found is None:
            raise NotFoundError
        return identify(found)

    async def _persist(self, step: _Step) -> None:
        """Do a step; when the store fails, tell and try again, until `stop`."""
        while not self._stopping:
            try:
                await step()
            except IoRuntimeError as error:
                self._reporter.alarm_failed(SYSTEM_NAMESPACE, "*", error)
                await asyncio.sleep(_RETRY_MS / 1000)
            else:
                return
