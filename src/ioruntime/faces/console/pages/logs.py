"""Lines of an activation's log, taken apart (pure)."""

import re
from collections.abc import Iterable, Iterator

import msgspec

_LINE = re.compile(r"(\S+Z)\s+(stdout|stderr): ?(.*)", re.DOTALL)
_TIME = slice(11, 23)


class Line(msgspec.Struct, frozen=True):
    """One line."""

    at: str
    """Time of day, UTC; empty when the line does not say."""
    stream: str
    text: str


def lines_of(logs: Iterable[str]) -> Iterator[Line]:
    """Read lines of the form `2026-01-02T03:04:05.678Z stdout: text`; others are text."""
    for each in logs:
        match = _LINE.fullmatch(each)
        yield Line("", "stdout", each) if match is None else Line(match[1][_TIME], match[2], match[3])
