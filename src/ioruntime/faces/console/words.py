"""How values read for people (pure): sizes, durations, moments, JSON."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

_KIBI = 1024
_SECOND_MS = 1000
_MINUTE_MS = 60_000


def size(count: int) -> str:
    """Write a number of bytes."""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < _KIBI:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= _KIBI
    return f"{value:.1f} GB"


def duration(took_ms: int | None) -> str:
    """Write milliseconds in the unit that needs the fewest digits."""
    if took_ms is None:
        return "–"
    if took_ms < _SECOND_MS:
        return f"{took_ms} ms"
    if took_ms < _MINUTE_MS:
        return f"{took_ms / _SECOND_MS:.2f} s"
    return f"{took_ms // _MINUTE_MS} min {took_ms % _MINUTE_MS // _SECOND_MS} s"


def moment(epoch_ms: int) -> str:
    """Write a moment, in UTC."""
    return _utc(epoch_ms).strftime("%Y-%m-%d %H:%M:%S")


def iso(epoch_ms: int) -> str:
    """Write a moment for programs."""
    return _utc(epoch_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def pretty(value: Any) -> str:
    """Write JSON with indents; what is none comes back as it is."""
    try:
        encoded = bytes(value) if isinstance(value, msgspec.Raw | bytes) else msgspec.json.encode(value)
        return msgspec.json.format(encoded, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return str(value)


def compact(value: Any) -> str:
    """Write a value as a field holds it: text as it is, the rest as JSON."""
    return value if isinstance(value, str) and not _reads_as_json(value) else msgspec.json.encode(value).decode()


def value_of(text: str) -> Any:
    """Undo `compact`: JSON where it is some, else the text itself."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text


def _reads_as_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _utc(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def count(number: int) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}"


FILTERS: dict[str, Callable[..., Any]] = {
    "size": size,
    "duration": duration,
    "moment": moment,
    "iso": iso,
    "pretty": pretty,
    "compact": compact,
    "count": count,
}
