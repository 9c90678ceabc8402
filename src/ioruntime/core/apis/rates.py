"""How often an API may be called: read from its document *(pure)*, and counted for each caller."""

from collections import OrderedDict
from typing import Any, Literal

import msgspec

from ioruntime.model.errors import InvalidError, ThrottledError

_CALLERS_MOST = 10_000
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_FIELD = "x-gateway-rate-limit"


class Rate(msgspec.Struct, frozen=True):
    """So many calls in so much time, each caller by itself."""

    calls: int
    period_s: int


class _RateLimit(msgspec.Struct, frozen=True):
    unit: Literal["second", "minute", "hour", "day"]
    units: int
    rate: int


def rates_of(value: Any) -> tuple[Rate, ...]:
    """Read `x-gateway-rate-limit` of a document or an operation.

    Raises:
        InvalidError: it is not a list of `{unit, units, rate}` with numbers above 0.
    """
    try:
        read = msgspec.convert([] if value is None else value, list[_RateLimit])
    except msgspec.ValidationError as error:
        raise InvalidError(f"{_FIELD} of the swagger document must be a list of unit, units and rate: {error}") from error
    if any(each.rate < 1 or each.units < 1 for each in read):
        raise InvalidError(f"{_FIELD} of the swagger document must have numbers above 0 as units and rate.")
    return tuple(Rate(each.rate, each.units * _SECONDS[each.unit]) for each in read)


class Rates:
    """Counts calls of one process by leaky buckets: a caller who waited long may call `calls` times at once.

    Of more callers than it remembers it forgets those that called longest ago.
    """

    def __init__(self, callers_most: int = _CALLERS_MOST) -> None:
        self._full_until_s: OrderedDict[tuple[object, ...], float] = OrderedDict()
        """When each bucket will be empty again."""
        self._callers_most = callers_most

    def count(self, rate: Rate, caller: tuple[object, ...], now_s: float) -> None:
        """Count one call.

        Args:
            caller: whose bucket it fills; the same caller has one for each rate.

        Raises:
            ThrottledError: the bucket is full; nothing was counted.
        """
        key = (rate, *caller)
        drip_s = rate.period_s / rate.calls
        empty_s = max(self._full_until_s.get(key, now_s), now_s) + drip_s
        over_s = empty_s - now_s - rate.period_s
        if over_s > _TOLERANCE_S:
            raise ThrottledError("Too many requests", retry_after_s=over_s)
        self._full_until_s[key] = empty_s
        self._full_until_s.move_to_end(key)
        if len(self._full_until_s) > self._callers_most:
            self._full_until_s.popitem(last=False)


_TOLERANCE_S = 1e-6
"""What adding up fractions of seconds may go wrong by."""
