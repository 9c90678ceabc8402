"""What follows from an answer, and when."""

import msgspec
import pytest

from ioruntime.core.events.delivering.schedule import TRYING_MS, Verdict, judge
from ioruntime.model.event import Delivery, Event

MINUTE_MS = 60_000
EVENT = Event(event_id="e", provider="p", event_code="c", content=msgspec.Raw(b"{}"), received_ms=0)


def delivery(attempt: int = 0) -> Delivery:
    return Delivery(position=1, namespace="n", registration_id="r", event=EVENT, attempt=attempt, next_ms=0, since_ms=0)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_2xx_is_the_end(status: int) -> None:
    assert judge(delivery(), status, 5) == Verdict()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599, 602, 604, 611])
def test_what_may_go_better_is_tried_again(status: int) -> None:
    assert judge(delivery(), status, 5) == Verdict(5 + MINUTE_MS)


@pytest.mark.parametrize("status", [100, 301, 400, 401, 404, 410, 505, 601])
def test_what_will_not_go_better_is_dead(status: int) -> None:
    assert judge(delivery(), status, 5) == Verdict(is_dead=True)


def test_waits_grow_to_a_quarter_of_an_hour() -> None:
    delays = [judge(delivery(attempt), 500, 0).next_ms for attempt in range(7)]
    assert delays == [minutes * MINUTE_MS for minutes in (1, 2, 4, 8, 15, 15, 15)]


def test_a_day_is_the_end_of_trying() -> None:
    last_ms = TRYING_MS - 15 * MINUTE_MS
    assert judge(delivery(9), 500, last_ms) == Verdict(TRYING_MS)
    assert judge(delivery(9), 500, last_ms + 1) == Verdict(is_dead=True)


def test_tries_of_a_day() -> None:
    now_ms, attempts = 0, 0
    while (next_ms := judge(delivery(attempts), 503, now_ms).next_ms) is not None:
        now_ms, attempts = next_ms, attempts + 1
    assert attempts == 4 + (24 * 60 - 15) // 15
