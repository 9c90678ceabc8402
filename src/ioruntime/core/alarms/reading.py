"""Reading schedules: when a trigger fires next, for people."""

from collections.abc import Sequence

from ioruntime.core.alarms.alarm import Alarm, alarm_path, read_alarm
from ioruntime.core.alarms.parameters import schedule_of
from ioruntime.core.alarms.schedule import next_fire_ms
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note
from ioruntime.ports.entities import EntityStore


class Alarms:
    """The schedules of all triggers, as they are stored."""

    def __init__(self, entities: EntityStore) -> None:
        self._entities = entities

    async def of(self, trigger: EntityPath) -> Alarm | None:
        """Return the schedule of a trigger; None when nothing fires it by the clock.

        Raises:
            CorruptError: what is stored is none.
        """
        found = await self._entities.read(alarm_path(trigger))
        return read_alarm(found) if isinstance(found, Note) else None


def upcoming_ms(alarm: Alarm, *, most: int) -> Sequence[int]:
    """Return the next moments of a schedule, the earliest first (pure)."""
    if alarm.next_ms is None:
        return ()
    schedule = schedule_of(alarm.feed, alarm.config)
    moments = [alarm.next_ms]
    while len(moments) < most and (later := next_fire_ms(schedule, moments[-1])) is not None:
        moments.append(later)
    return moments
