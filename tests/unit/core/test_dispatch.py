"""Which invoker gets an activation, and which are fit to."""

import pytest

from ioruntime.core.dispatch.health import PROBE_EVERY_S, Health, is_gone
from ioruntime.core.dispatch.placement import order, preference
from ioruntime.ports.bus import Load
from ioruntime.ports.fleet import Condition

NAMES = ("one", "two", "three")
HOME, SECOND, THIRD = preference("ns", "a", NAMES)
ROOM, BUSY = Load(memory_mb=1024, free_mb=512), Load(memory_mb=1024, free_mb=0)


def queue(waiting: int, *, memory_mb: int = 1024) -> Load:
    return Load(memory_mb=memory_mb, free_mb=0, waiting=waiting)


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        pytest.param({HOME: ROOM, SECOND: ROOM, THIRD: ROOM}, [HOME, SECOND, THIRD], id="home first"),
        pytest.param({HOME: BUSY, SECOND: ROOM, THIRD: ROOM}, [SECOND, HOME, THIRD], id="a full home sends to the second"),
        pytest.param({HOME: BUSY, SECOND: BUSY, THIRD: ROOM}, [THIRD, HOME, SECOND], id="and that one to the third"),
        pytest.param({HOME: queue(1), SECOND: ROOM, THIRD: ROOM}, [SECOND, HOME, THIRD], id="a queue is no room"),
        pytest.param({HOME: BUSY, SECOND: BUSY, THIRD: BUSY}, [HOME, SECOND, THIRD], id="where all are full, home"),
        pytest.param({HOME: queue(9), SECOND: queue(3), THIRD: queue(5)}, [SECOND, THIRD, HOME], id="the shortest queue"),
        pytest.param({HOME: queue(3), SECOND: queue(5, memory_mb=8192)}, [SECOND, HOME], id="a queue for more memory is shorter"),
        pytest.param({SECOND: ROOM, THIRD: ROOM}, [SECOND, THIRD], id="home is away"),
        pytest.param({}, [], id="nobody"),
    ],
)
def test_order(loads: dict[str, Load], expected: list[str]) -> None:
    assert order("ns", "a", loads, memory_mb=256) == expected


def test_failures_make_unhealthy_and_a_sandbox_that_comes_up_fit_again() -> None:
    health = Health()
    for _ in range(3):
        health.ended(provisioned=False, now_s=10.0)
    assert health.condition is Condition.UP
    health.ended(provisioned=False, now_s=10.0)
    assert repr(health) == "<Health [unhealthy, 4 of 4 failed]>"
    assert not health.wants_probe(10.0)
    assert health.wants_probe(10.0 + PROBE_EVERY_S)
    health.probed(works=False, now_s=15.0)
    assert not health.wants_probe(16.0)
    health.probed(works=True, now_s=20.0)
    assert repr(health) == "<Health [up, 0 of 0 failed]>"


def test_single_failures_among_many_successes_do_not_matter() -> None:
    health = Health()
    for number in range(100):
        health.ended(provisioned=number % 5 != 0, now_s=1.0)
    assert health.condition is Condition.UP


def test_draining_is_for_good() -> None:
    health = Health()
    health.drain()
    health.probed(works=True, now_s=1.0)
    assert health.condition is Condition.DRAINING


def test_silence_of_the_whole_time_is_gone() -> None:
    assert not is_gone(1.0, 3.9, gone_s=3.0)
    assert is_gone(1.0, 4.0, gone_s=3.0)
