"""How it goes: activations, failures, cold starts and latencies by the minute, for charts.

Counted as records are kept, for the last three hours; what ended before this process started is read from the store once,
when somebody looks, as far as a page may take. Latencies are counted in classes that are 19 % wide.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from ioruntime.core.activations import Activations
from ioruntime.model.activation import Activation
from ioruntime.model.params import annotation, has_annotation
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.clock import Clock

MINUTE_MS = 60_000
MINUTES = 180
_READ_MOST = 2_000
_NAMESPACES_MOST = 1_000
_CLASSES = 4
"""Of latency, for each doubling."""


class _Minute:
    """Counts of one minute."""

    __slots__ = ("cold", "failed", "latencies", "total")

    def __init__(self) -> None:
        self.total = self.failed = self.cold = 0
        self.latencies: dict[int, int] = {}

    def add(self, activation: Activation) -> None:
        self.total += 1
        self.failed += not activation.success
        self.cold += has_annotation(activation.annotations, "initTime")
        latency = _class_of((activation.duration_ms or 0) + _waited(activation))
        self.latencies[latency] = self.latencies.get(latency, 0) + 1


class Point(msgspec.Struct, frozen=True):
    """One minute of a namespace."""

    at_ms: int
    """Its beginning, epoch milliseconds."""
    total: int = 0
    failed: int = 0
    cold: int = 0
    p50_ms: int | None = None
    p95_ms: int | None = None
    p99_ms: int | None = None
    """From the request on; None when nothing ran."""


class _Space:
    """What is known of one namespace."""

    def __init__(self) -> None:
        self.minutes: dict[int, _Minute] = {}
        self.is_read = False
        """True: what came before this process is in it."""

    def add(self, activation: Activation) -> None:
        at = activation.start_ms // MINUTE_MS
        minute = self.minutes.get(at)
        if minute is None:
            minute = self.minutes[at] = _Minute()
            for stale in [each for each in self.minutes if each < at - MINUTES]:
                del self.minutes[stale]
        minute.add(activation)


class Statistics:
    """The counts of all namespaces that something ran in lately."""

    def __init__(self, activations: Activations, clock: Clock) -> None:
        self._activations = activations
        self._clock = clock
        self._started_ms = clock.now_ms()
        self._spaces: OrderedDict[str, _Space] = OrderedDict()

    def recorded(self, activations: Sequence[Activation]) -> None:
        """Count activations whose records are kept."""
        for activation in activations:
            self._space(activation.namespace).add(activation)

    async def points(self, namespace: str, *, minutes: int) -> Sequence[Point]:
        """Return the last minutes of a namespace, oldest first, without gaps; at most `MINUTES`."""
        space = self._space(namespace)
        now = self._clock.now_ms() // MINUTE_MS
        if not space.is_read:
            space.is_read = True
            for activation in await self._earlier(namespace, now - MINUTES):
                space.add(activation)
        return [_point(at, space.minutes.get(at)) for at in range(now - min(minutes, MINUTES) + 1, now + 1)]

    async def _earlier(self, namespace: str, minute: int) -> Sequence[Activation]:
        wanted = ActivationFilter(namespace=namespace, since_ms=minute * MINUTE_MS, upto_ms=self._started_ms - 1)
        return await self._activations.list(wanted, skip=0, limit=_READ_MOST)

    def _space(self, namespace: str) -> _Space:
        space = self._spaces.get(namespace)
        if space is None:
            space = self._spaces[namespace] = _Space()
            if len(self._spaces) > _NAMESPACES_MOST:
                self._spaces.popitem(last=False)
        else:
            self._spaces.move_to_end(namespace)
        return space


def _point(minute: int, counts: _Minute | None) -> Point:
    at_ms = minute * MINUTE_MS
    if counts is None:
        return Point(at_ms)
    p50, p95, p99 = (_percentile(counts.latencies, counts.total, share) for share in (0.5, 0.95, 0.99))
    return Point(at_ms, counts.total, counts.failed, counts.cold, p50, p95, p99)


def _percentile(latencies: dict[int, int], total: int, share: float) -> int:
    """Return the upper end of the class that the share of all lies below."""
    left = math.ceil(total * share)
    for latency in sorted(latencies):
        left -= latencies[latency]
        if left <= 0:
            return _end_of(latency)
    return 0


def _class_of(took_ms: int) -> int:
    return 0 if took_ms <= 0 else math.floor(math.log2(took_ms) * _CLASSES) + 1


def _end_of(latency: int) -> int:
    return 0 if latency == 0 else max(1, math.ceil(2 ** (latency / _CLASSES)) - 1)


def _waited(activation: Activation) -> int:
    value = annotation(activation.annotations, "waitTime")
    return value if isinstance(value, int) else 0
