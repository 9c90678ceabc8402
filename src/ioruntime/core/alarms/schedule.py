"""When a schedule fires (pure; time is an argument).

Every schedule is a fixed series of moments, so the next one never depends on when the last one was carried out: nothing
drifts, and after a stop the series goes on where the clock says. Times are epoch milliseconds.
"""

from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from croniter import CroniterBadDateError, croniter

MINUTE_MS = 60_000


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """At the moments that match an expression of 5 fields, or 6 with the seconds first."""

    expression: str
    timezone: str = "UTC"
    start_ms: int | None = None
    """Not before."""
    stop_ms: int | None = None
    """Not after."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """At the start, and every so many minutes after it."""

    minutes: int
    start_ms: int
    stop_ms: int | None = None


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """At one moment."""

    date_ms: int


Schedule: TypeAlias = Cron | Interval | Once


def next_fire_ms(schedule: Schedule, after_ms: int) -> int | None:
    """Return the first moment later than `after_ms`, None when there is no more."""
    match schedule:
        case Once(date_ms=date_ms):
            return date_ms if date_ms > after_ms else None
        case Interval(minutes=minutes, start_ms=start_ms, stop_ms=stop_ms):
            step_ms = minutes * MINUTE_MS
            passed = max(0, (after_ms - start_ms) // step_ms + 1)
            return _until(start_ms + passed * step_ms, stop_ms)
        case Cron(start_ms=start_ms, stop_ms=stop_ms):
            after_ms = after_ms if start_ms is None else max(after_ms, start_ms - 1)
            return _until(_next_match_ms(schedule, after_ms), stop_ms)


def is_due(schedule: Schedule, now_ms: int, *, late_most_ms: int) -> bool:
    """Tell whether a schedule whose moment has come is still to be fired.

    However many moments were missed, they count as one. A single date is never too late; of a series, the last moment
    that was missed must not be older than `late_most_ms`.
    """
    if isinstance(schedule, Once):
        return True
    recent_ms = next_fire_ms(schedule, now_ms - late_most_ms - 1)
    return recent_ms is not None and recent_ms <= now_ms


def _until(moment_ms: int | None, stop_ms: int | None) -> int | None:
    return None if moment_ms is None or (stop_ms is not None and moment_ms > stop_ms) else moment_ms


def _next_match_ms(cron: Cron, after_ms: int) -> int | None:
    moment = datetime.fromtimestamp(after_ms // 1000, ZoneInfo(cron.timezone))
    hour = cron.expression.split()[-4]
    try:
        moment = croniter(cron.expression, moment, second_at_beginning=True).get_next(datetime)
        while moment.fold and not hour.startswith("*"):  # the clock is put back: this hour was there already
            moment = croniter(cron.expression, moment.replace(minute=59, second=59), second_at_beginning=True).get_next(datetime)
    except (CroniterBadDateError, OverflowError):
        return None
    return int(moment.timestamp()) * 1000
