"""When a registration is unstable, and when it is switched off."""

import msgspec
import pytest

from ioruntime.core.events.delivering.health import WINDOW_MS, assess, counted_since
from ioruntime.model.event import Health, IntegrationStatus, Registration
from ioruntime.model.identity import Owner
from ioruntime.ports.events import SLOT_MS, Count

NOW_MS = 100 * WINDOW_MS
FINE = Registration(registration_id="r", id="1", owner=Owner("o", "i"), namespace="n", client_id="c", name="name")
SHAKY = msgspec.structs.replace(FINE, health=Health.UNSTABLE, unstable_since_ms=NOW_MS - WINDOW_MS + 1)


@pytest.mark.parametrize(
    ("registration", "count", "expected"),
    [
        pytest.param(FINE, Count(9, 9), Health.ACTIVE, id="nine attempts say nothing"),
        pytest.param(FINE, Count(10, 7), Health.ACTIVE, id="less than four of five fail"),
        pytest.param(FINE, Count(10, 8), Health.UNSTABLE, id="four of five fail"),
        pytest.param(SHAKY, Count(10, 8), Health.UNSTABLE, id="not yet a day later"),
        pytest.param(SHAKY, Count(100, 1), Health.ACTIVE, id="it went well again"),
    ],
)
def test_health(registration: Registration, count: Count, expected: Health) -> None:
    found = assess(registration, count, NOW_MS)
    assert (found.health, found.status) == (expected, IntegrationStatus.ENABLED)
    assert (found.unstable_since_ms is None) == (expected is Health.ACTIVE)


def test_who_is_unstable_for_a_day_is_switched_off() -> None:
    found = assess(SHAKY, Count(10, 10), NOW_MS + 1)
    assert (found.health, found.status) == (Health.DISABLED, IntegrationStatus.DISABLED)
    assert assess(found, Count(), NOW_MS * 2) is found


def test_a_day_counts_at_the_most_and_nothing_that_was_forgiven() -> None:
    assert counted_since(FINE, NOW_MS) == NOW_MS - WINDOW_MS
    forgiven = msgspec.structs.replace(FINE, counted_from_ms=NOW_MS - SLOT_MS + 1)
    assert counted_since(forgiven, NOW_MS) == NOW_MS
