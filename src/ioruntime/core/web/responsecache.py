"""Answers of web actions that may be given again (pure; time is an argument).

An action says with `Cache-Control: max-age` how long its answer holds, and with `Vary` which request headers it depends
on. Everything is kept within a number of bytes; what was not asked for the longest goes first.
"""

import re
from collections import OrderedDict
from collections.abc import Hashable

import msgspec

from ioruntime.core.web.exchange import Headers, WebRequest, WebResponse

MOST_S = 1800
_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 410})
_FORBIDDING = frozenset({"no-store", "no-cache", "private"})
_AGE = re.compile(r'(max-age|s-maxage)\s*=\s*"?([0-9]{1,9})"?', re.ASCII)
_OVERHEAD_BYTES = 500
"""What an entry takes beside its content, about."""
_VARIANTS_MOST = 16
"""Of one URL: looking for one takes that long."""


class _Variant(msgspec.Struct, frozen=True):
    response: WebResponse
    asked: Headers
    """The request headers that the answer depends on, as they were."""
    stored_s: float
    expires_s: float
    size_bytes: int


class ResponseCache:
    """Remembers answers by their key and the headers that they vary by."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._size_bytes = 0
        self._entries: OrderedDict[Hashable, tuple[_Variant, ...]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<ResponseCache [{len(self._entries)} URLs, {self._size_bytes} bytes]>"

    def find(self, key: Hashable, request: WebRequest, now_s: float) -> WebResponse | None:
        """Return the answer to give again, with its `Age`; None when there is none."""
        variants = self._entries.get(key)
        if variants is None:
            return None
        fresh = tuple(each for each in variants if each.expires_s > now_s)
        if len(fresh) < len(variants):
            self._set(key, fresh)
        for each in fresh:
            if each.asked == _named(request, [name for name, _ in each.asked]):
                self._entries.move_to_end(key)
                age = ("age", str(int(now_s - each.stored_s)))
                return msgspec.structs.replace(each.response, headers=(*each.response.headers, age))
        return None

    def keep(self, key: Hashable, request: WebRequest, response: WebResponse, now_s: float) -> None:
        """Remember an answer, if it says that it may be."""
        lifetime_s = lifetime(response)
        if not lifetime_s or self._most_bytes <= 0:
            return
        asked = _named(request, _vary(response))
        size = len(response.body) + _OVERHEAD_BYTES + len(str(key)) + sum(len(n) + len(v) for n, v in (*response.headers, *asked))
        if size > self._most_bytes // 8:
            return
        variant = _Variant(response, asked, now_s, now_s + lifetime_s, size)
        others = tuple(each for each in self._entries.get(key, ()) if each.asked != asked)
        self._set(key, (*others, variant)[-_VARIANTS_MOST:])
        while self._size_bytes > self._most_bytes:
            self._set(next(iter(self._entries)), ())

    def _set(self, key: Hashable, variants: tuple[_Variant, ...]) -> None:
        self._size_bytes -= sum(each.size_bytes for each in self._entries.pop(key, ()))
        if variants:
            self._size_bytes += sum(each.size_bytes for each in variants)
            self._entries[key] = variants


def lifetime(response: WebResponse) -> int:
    """Return for how many seconds an answer holds for everybody; 0 when it may not be kept."""
    names = {name for name, _ in response.headers}
    if response.status not in _STATUSES or names & {"set-cookie", "content-encoding"} or "*" in _vary(response):
        return 0
    control = _list(response, "cache-control")
    if not _FORBIDDING.isdisjoint(directive.partition("=")[0].strip() for directive in control):
        return 0
    ages = {match[1]: int(match[2]) for directive in control if (match := _AGE.fullmatch(directive))}
    return min(ages.get("s-maxage", ages.get("max-age", 0)), MOST_S)


def _vary(response: WebResponse) -> list[str]:
    return sorted(set(_list(response, "vary")))


def _list(response: WebResponse, name: str) -> list[str]:
    values = (part for key, value in response.headers if key == name for part in value.split(","))
    return [part.strip().lower() for part in values if part.strip()]


def _named(request: WebRequest, names: list[str]) -> Headers:
    return tuple((name, ", ".join(value for key, value in request.headers if key == name)) for name in names)
