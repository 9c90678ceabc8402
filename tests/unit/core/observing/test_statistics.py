"""Counts by the minute: what is in them, how far back, and what percentiles mean."""

from typing import Any

import pytest

from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.observing.statistics import MINUTE_MS, MINUTES, Statistics
from ioruntime.model.activation import Activation, Status, new_activation_id
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.params import Annotation
from ioruntime.stores.memory import MemoryStores

pytestmark = pytest.mark.anyio
NOW_MS = 1_000 * MINUTE_MS


class FixedClock:
    def now_ms(self) -> int:
        return NOW_MS

    def monotonic_s(self) -> float:
        return 0.0


class Silent:
    def store_failed(self, error: Exception, *, pending: int) -> None:
        raise error


def activation(start_ms: int, duration_ms: int = 10, *, status: Status = Status.SUCCESS, **annotations: Any) -> Activation:
    return Activation(
        activation_id=new_activation_id(),
        namespace="ns",
        name="a",
        version="0.0.1",
        subject="ns",
        start_ms=start_ms,
        duration_ms=duration_ms,
        status=status,
        annotations=tuple(Annotation(key, value) for key, value in annotations.items()),
    )


async def statistics(*earlier: Activation) -> Statistics:
    stores = MemoryStores()
    await stores.namespaces.create(Namespace(name="ns", owner=Owner("o", "i"), auth=AuthKey.generate()))
    await stores.activations.record(earlier)
    return Statistics(Activations(stores.activations, Recorder(stores.activations, Silent())), FixedClock())


async def test_minutes_have_no_gaps_and_say_what_failed_and_started_cold() -> None:
    counting = await statistics()
    failed = activation(NOW_MS - MINUTE_MS, status=Status.APPLICATION_ERROR)
    counting.recorded([activation(NOW_MS, initTime=5), activation(NOW_MS + 1), failed])
    points = await counting.points("ns", minutes=3)
    assert [(point.total, point.failed, point.cold) for point in points] == [(0, 0, 0), (1, 1, 0), (2, 0, 1)]
    assert points[0].p50_ms is None


async def test_what_ran_before_the_process_started_is_read_once() -> None:
    counting = await statistics(activation(NOW_MS - MINUTE_MS), activation(NOW_MS - 2 * MINUTES * MINUTE_MS))
    for _ in range(2):
        assert sum(point.total for point in await counting.points("ns", minutes=MINUTES)) == 1


async def test_a_percentile_is_at_most_a_class_above_what_was_measured() -> None:
    counting = await statistics()
    counting.recorded([activation(NOW_MS, took_ms) for took_ms in range(1, 101)])
    (point,) = await counting.points("ns", minutes=1)
    for found, measured in ((point.p50_ms, 50), (point.p95_ms, 95), (point.p99_ms, 99)):
        assert found is not None
        assert measured <= found <= measured * 1.2


async def test_waiting_counts_as_latency() -> None:
    counting = await statistics()
    counting.recorded([activation(NOW_MS, 0, waitTime=1_000)])
    (point,) = await counting.points("ns", minutes=1)
    assert point.p50_ms is not None
    assert point.p50_ms >= 1_000


async def test_old_minutes_are_dropped() -> None:
    counting = await statistics()
    counting.recorded([activation(NOW_MS - (MINUTES + at) * MINUTE_MS) for at in range(50, 0, -1)])
    counting.recorded([activation(NOW_MS)])
    assert len(counting._spaces["ns"].minutes) == 1
