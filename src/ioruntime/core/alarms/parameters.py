"""From the parameters of a feed action to a schedule (pure). Texts of refusals are those of OpenWhisk's alarms provider."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from ioruntime.core.alarms.schedule import Cron, Interval, Once, Schedule, next_fire_ms
from ioruntime.model.errors import InvalidError

FeedName: TypeAlias = Literal["alarm", "interval", "once"]
Config: TypeAlias = Mapping[str, Any]

KEYS: dict[FeedName, tuple[str, ...]] = {
    "alarm": ("cron", "timezone", "strict", "startDate", "stopDate"),
    "interval": ("minutes", "startDate", "stopDate"),
    "once": ("date", "deleteAfterFire"),
}
"""What each feed reads, beside `trigger_payload`."""

_DATES = ("date", "startDate", "stopDate")
_AFTER_FIRE = ("false", "true", "rules")
_MINUTES_MOST = 60 * 24 * 366
_PATTERN_MOST = 200
_RANDOM = re.compile(r"(?<![a-z])[rh](?![a-z])", re.IGNORECASE)
"""Letters that mean chance to the reader of expressions, and a different moment at every look."""
_NEVER = "the first scheduled trigger fire is not until after the stop date"
_LAST_MS = 253_402_214_400_000
"""A day before the year 10000."""


def pick(feed: FeedName, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is set of a feed's own parameters."""
    return {key: parameters[key] for key in KEYS[feed] if parameters.get(key) not in (None, "")}


def check_future(given: Config, now_ms: int) -> None:
    """Let pass dates that are yet to come.

    Raises:
        InvalidError: one of them is no date, or past.
    """
    for key in _DATES:
        if key in given and _epoch_ms(key, given[key]) <= now_ms:
            raise InvalidError(f"{key} parameter '{given[key]}' must be in the future")


def schedule_of(feed: FeedName, config: Config) -> Schedule:
    """Read a feed's parameters.

    Raises:
        InvalidError: one is missing or wrong.
    """
    match feed:
        case "alarm":
            return _cron(config)
        case "interval":
            return _interval(config)
        case "once":
            return _once(config)


def first_fire_ms(schedule: Schedule, config: Config, now_ms: int) -> int:
    """Return when a schedule fires next.

    Raises:
        InvalidError: never.
    """
    found = next_fire_ms(schedule, now_ms)
    if found is not None:
        return found
    match schedule:
        case Cron(stop_ms=None):
            raise InvalidError(f"cron pattern '{config['cron']}' never fires")
        case Once():
            raise InvalidError(f"date parameter '{config['date']}' must be in the future")
        case _:
            raise InvalidError(_NEVER)


def read_payload(value: Any) -> dict[str, Any]:
    """Read what the trigger is fired with: an object, or a text, which becomes its `payload`.

    Raises:
        InvalidError: it is neither.
    """
    match value:
        case None:
            return {}
        case str():
            return {"payload": value} if value else {}
        case dict():
            return value  # pyright: ignore[reportUnknownVariableType] - any JSON
        case _:
            raise InvalidError("the trigger_payload parameter must be a string or an object")


def _cron(config: Config) -> Cron:
    if "cron" not in config:
        raise InvalidError("alarms trigger feed is missing the cron parameter")
    expression, strict = config["cron"], config.get("strict", False)
    if not _is_pattern(expression):
        raise InvalidError(f"cron pattern '{expression}' is not valid")
    if strict not in (True, False, "true", "false"):
        raise InvalidError(f"strict parameter '{strict}' must be one of [false, true]")
    start_ms, stop_ms = _bounds(config)
    timezone = _timezone(config.get("timezone", "UTC"))
    return Cron(expression=expression, timezone=timezone, start_ms=start_ms, stop_ms=stop_ms)


def _is_pattern(expression: Any) -> bool:
    if not isinstance(expression, str) or len(expression) > _PATTERN_MOST or _RANDOM.search(expression):
        return False
    if len(expression.split()) not in {5, 6}:
        return False
    try:
        croniter(expression, second_at_beginning=True)
    except (CroniterError, ValueError, KeyError, AttributeError, IndexError):
        return False
    return True


def _timezone(name: Any) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise InvalidError(f"timezone parameter '{name}' is not a known timezone") from error


def _interval(config: Config) -> Interval:
    if "minutes" not in config:
        raise InvalidError("interval trigger feed is missing the minutes parameter")
    minutes = _whole(config["minutes"])
    if minutes is None:
        raise InvalidError("the minutes parameter must be an integer")
    if minutes < 1:
        raise InvalidError("the minutes parameter must be an integer greater than zero")
    if minutes > _MINUTES_MOST:
        raise InvalidError(f"the minutes parameter must be an integer not greater than {_MINUTES_MOST}")
    start_ms, stop_ms = _bounds(config)
    assert start_ms is not None
    return Interval(minutes=minutes, start_ms=start_ms, stop_ms=stop_ms)


def _whole(value: Any) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", value, re.ASCII):
            return int(value)
        case _:
            return None


def _once(config: Config) -> Once:
    if "date" not in config:
        raise InvalidError("alarms once trigger feed is missing the date parameter")
    if after_fire(config) not in _AFTER_FIRE:
        raise InvalidError("deleteAfterFire parameter must be one of [false, true, rules].")
    return Once(date_ms=_epoch_ms("date", config["date"]))


def after_fire(config: Config) -> str:
    """Return what goes when a single date has been fired: nothing (`false`), the trigger, or also its `rules`."""
    return str(config.get("deleteAfterFire", "false")).strip().lower()


def _bounds(config: Config) -> tuple[int | None, int | None]:
    start_ms, stop_ms = (_epoch_ms(key, config[key]) if key in config else None for key in ("startDate", "stopDate"))
    if start_ms is not None and stop_ms is not None and stop_ms <= start_ms:
        start, stop = config["startDate"], config["stopDate"]
        raise InvalidError(f"stopDate parameter '{stop}' must be greater than the startDate parameter '{start}'")
    return start_ms, stop_ms


def _epoch_ms(key: str, value: Any) -> int:
    """Read a date: ISO 8601, without a zone in UTC; or epoch milliseconds."""
    try:
        moment_ms = _moment_ms(value)
    except (ValueError, OverflowError) as error:
        raise InvalidError(f"{key} parameter '{value}' is not a valid Date") from error
    if moment_ms is None or not 0 <= moment_ms < _LAST_MS:
        raise InvalidError(f"{key} parameter '{value}' is not a valid Date")
    return moment_ms


def _moment_ms(value: Any) -> int | None:
    match value:
        case bool():
            return None
        case int() | float():
            return int(value)
        case str():
            moment = datetime.fromisoformat(value.strip())
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        case _:
            return None
