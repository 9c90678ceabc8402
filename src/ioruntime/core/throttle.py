"""How many invocations a namespace may start in a minute and have in flight, and how often fire (pure; time is an argument).

Rates are counted over a sliding minute in steps of one second, not over calendar minutes; a step leaves when all of it
is a minute old, so no 60 seconds ever see more than the limit. Refused requests do not count: a client that is throttled
recovers as soon as its accepted requests are a minute old.
"""

import ipaddress
from collections import deque

from ioruntime.model.errors import ThrottledError

_WINDOW_S = 60
_SOURCES_MOST = 10_000


class SlidingMinute:
    """Counts what happened within the last 60 seconds."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, int]] = deque()
        self._total = 0

    def count(self, now_s: float) -> int:
        """Return how many were added in the last minute."""
        oldest = int(now_s) - _WINDOW_S
        while self._steps and self._steps[0][0] < oldest:
            self._total -= self._steps.popleft()[1]
        return self._total

    def add(self, now_s: float) -> None:
        second = int(now_s)
        if self._steps and self._steps[-1][0] == second:
            self._steps[-1] = (second, self._steps[-1][1] + 1)
        else:
            self._steps.append((second, 1))
        self._total += 1

    def retry_after_s(self, now_s: float) -> float:
        """Return how long until the oldest step leaves the window."""
        if not self._steps:
            return 1.0
        return max(1.0, self._steps[0][0] + _WINDOW_S + 1 - now_s)


class Throttle:
    """The counters of all namespaces, in this process."""

    def __init__(self) -> None:
        self._minutes: dict[str, SlidingMinute] = {}
        self._fires: dict[str, SlidingMinute] = {}
        self._in_flight: dict[str, int] = {}

    def start(self, namespace: str, now_s: float, *, per_minute: int, concurrent: int) -> None:
        """Count one invocation; `end` must follow when it is over.

        Raises:
            ThrottledError: it would be over a limit; nothing was counted.
        """
        self.check(namespace, now_s, per_minute=per_minute, concurrent=concurrent)
        self._minutes[namespace].add(now_s)
        self._in_flight[namespace] = self.in_flight(namespace) + 1

    def check(self, namespace: str, now_s: float, *, per_minute: int, concurrent: int) -> None:
        """Let pass what `start` would; count nothing.

        Raises:
            ThrottledError: it would be over a limit.
        """
        in_flight = self.in_flight(namespace)
        if in_flight >= concurrent:
            raise ThrottledError.concurrency(in_flight + 1, concurrent)
        _check_rate(self._minutes, namespace, now_s, per_minute)

    def fire(self, namespace: str, now_s: float, *, per_minute: int) -> None:
        """Count one firing of a trigger, apart from invocations.

        Raises:
            ThrottledError: it would be over the limit; nothing was counted.
        """
        _check_rate(self._fires, namespace, now_s, per_minute)
        self._fires[namespace].add(now_s)

    def resume(self, namespace: str) -> None:
        """Count one in flight that was let pass by an earlier process; `end` must follow when it is over."""
        self._in_flight[namespace] = self.in_flight(namespace) + 1

    def end(self, namespace: str) -> None:
        """Count one invocation out of flight."""
        left = self._in_flight.get(namespace, 0) - 1
        if left > 0:
            self._in_flight[namespace] = left
        else:
            self._in_flight.pop(namespace, None)

    def in_flight(self, namespace: str) -> int:
        return self._in_flight.get(namespace, 0)

    def forget(self, namespace: str) -> None:
        """Drop the rate counters of a namespace that is gone."""
        self._minutes.pop(namespace, None)
        self._fires.pop(namespace, None)


def _check_rate(minutes: dict[str, SlidingMinute], namespace: str, now_s: float, per_minute: int) -> None:
    minute = minutes.get(namespace)
    if minute is None:
        minute = minutes[namespace] = SlidingMinute()
    count = minute.count(now_s)
    if count >= per_minute:
        raise ThrottledError.rate(count + 1, per_minute, retry_after_s=minute.retry_after_s(now_s))


class Guesses:
    """Counts wrong credentials by the address that they came from; right ones never meet it."""

    def __init__(self, per_minute: int, *, sources_most: int = _SOURCES_MOST) -> None:
        """Allow so many in a minute, 0 any number; remember so many addresses, and forget the oldest when there are more."""
        self._per_minute = per_minute
        self._sources_most = sources_most
        self._minutes: dict[str, SlidingMinute] = {}

    def count(self, address: str, now_s: float) -> None:
        """Count one.

        Args:
            address: IPv4 or IPv6; a whole /64 network of IPv6, which one customer has, counts as one.

        Raises:
            ThrottledError: too many came from there within a minute.
        """
        source = source_of(address)
        minute = self._minutes.pop(source, None) or SlidingMinute()
        while len(self._minutes) >= self._sources_most:
            del self._minutes[next(iter(self._minutes))]
        self._minutes[source] = minute
        if self._per_minute and minute.count(now_s) >= self._per_minute:
            text = f"Too many requests with wrong credentials from this address (allowed: {self._per_minute} in a minute)."
            raise ThrottledError(text, retry_after_s=minute.retry_after_s(now_s))
        minute.add(now_s)


def source_of(address: str) -> str:
    """Return who counts as one: an IPv4 address, or the /64 network that one customer of IPv6 has."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
