"""An alarm: the schedule of one trigger, kept as a note of the trigger's namespace (pure; time is an argument)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ioruntime.core.alarms.parameters import (
    FeedName,
    after_fire,
    check_future,
    first_fire_ms,
    pick,
    read_payload,
    schedule_of,
)
from ioruntime.core.alarms.schedule import MINUTE_MS, is_due, next_fire_ms
from ioruntime.model.errors import CorruptError, InvalidError
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note, note_path

TOPIC = "alarm"
LATE_MOST_MS = 10 * MINUTE_MS
"""How old the last missed moment of a series may be to be fired after all, as one."""
_INTERVAL_DELAY_MS = MINUTE_MS // 2
"""From the creation of an interval without a start to its first moment."""


class Stopped(StrEnum):
    """Why an alarm does not fire any more."""

    PAUSED = "paused"
    FIRED = "the date has been fired"
    ENDED = "no moment is left before the stop date"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a schedule; its trigger is in the note's namespace."""

    feed: FeedName
    trigger: str
    config: dict[str, Any]
    """The feed's parameters, as the client sent them."""
    payload: dict[str, Any]
    next_ms: int | None
    """Epoch milliseconds; None while it is stopped."""
    changed_ms: int
    """When it was last created, changed, stopped or set going."""
    stopped: Stopped | None = None

    @property
    def leaves(self) -> str | None:
        """What is to be deleted now: `true` the trigger, `rules` its rules too; None: nothing."""
        leaves = after_fire(self.config) if self.stopped is Stopped.FIRED else "false"
        return None if leaves == "false" else leaves


def alarm_path(trigger: EntityPath) -> EntityPath:
    """Return where the schedule of a trigger is noted."""
    return note_path(trigger.namespace, TOPIC, trigger.name)


def read_alarm(note: Note) -> Alarm:
    """Read a note.

    Raises:
        CorruptError: it is not an alarm.
    """
    try:
        return msgspec.convert(note.content, Alarm)
    except msgspec.ValidationError as error:
        raise CorruptError from error


def content_of(alarm: Alarm) -> dict[str, Any]:
    """Write an alarm as the content of a note."""
    return msgspec.to_builtins(alarm)


def create(feed: FeedName, trigger: str, parameters: Mapping[str, Any], now_ms: int) -> Alarm:
    """Make an alarm of a feed's parameters.

    Raises:
        InvalidError: one is missing or wrong, or it would never fire.
    """
    config = pick(feed, parameters)
    check_future(config, now_ms)
    if feed == "interval":
        config.setdefault("startDate", now_ms + _INTERVAL_DELAY_MS)
    payload = read_payload(parameters.get("trigger_payload"))
    next_ms = first_fire_ms(schedule_of(feed, config), config, now_ms)
    return Alarm(feed=feed, trigger=trigger, config=config, payload=payload, next_ms=next_ms, changed_ms=now_ms)


def update(alarm: Alarm, parameters: Mapping[str, Any], now_ms: int) -> Alarm:
    """Change what the parameters name; a paused alarm stays paused, an ended one may go on.

    Raises:
        InvalidError: nothing that can be changed is named, a value is wrong, or it would never fire.
    """
    given = pick(alarm.feed, parameters)
    payload = parameters.get("trigger_payload")
    if not given and payload is None:
        raise InvalidError("no updatable parameters were specified")
    check_future(given, now_ms)
    changed = msgspec.structs.replace(
        alarm,
        config=alarm.config | given,
        payload=alarm.payload if payload is None else read_payload(payload),
        changed_ms=now_ms,
    )
    if not given:
        return changed
    next_ms = first_fire_ms(schedule_of(changed.feed, changed.config), changed.config, now_ms)
    if alarm.stopped is Stopped.PAUSED:
        return changed
    return msgspec.structs.replace(changed, next_ms=next_ms, stopped=None)


def pause(alarm: Alarm, now_ms: int) -> Alarm:
    """Stop it for the time being; what has stopped already stays as it is."""
    if alarm.stopped is not None:
        return alarm
    return msgspec.structs.replace(alarm, next_ms=None, stopped=Stopped.PAUSED, changed_ms=now_ms)


def resume(alarm: Alarm, now_ms: int) -> Alarm:
    """Set a paused alarm going from now on; moments that passed meanwhile are not fired.

    Raises:
        InvalidError: it would never fire again.
    """
    if alarm.stopped is None:
        return alarm
    next_ms = first_fire_ms(schedule_of(alarm.feed, alarm.config), alarm.config, now_ms)
    return msgspec.structs.replace(alarm, next_ms=next_ms, stopped=None, changed_ms=now_ms)


def advance(alarm: Alarm, now_ms: int) -> tuple[Alarm, bool]:
    """Return the alarm after the moment that has come, and whether to fire; False when that moment is too long ago."""
    schedule = schedule_of(alarm.feed, alarm.config)
    fires = is_due(schedule, now_ms, late_most_ms=LATE_MOST_MS)
    next_ms = next_fire_ms(schedule, now_ms)
    if next_ms is not None:
        return msgspec.structs.replace(alarm, next_ms=next_ms), fires
    stopped = Stopped.FIRED if alarm.feed == "once" else Stopped.ENDED
    return msgspec.structs.replace(alarm, next_ms=None, stopped=stopped, changed_ms=now_ms), fires
