"""When schedules fire."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioruntime.core.alarms.schedule import MINUTE_MS, Cron, Interval, Once, Schedule, is_due, next_fire_ms


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOON = ms("2026-03-28T12:00:00Z")


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        pytest.param(Cron(expression="*/5 * * * *"), "2026-03-28T12:00:00Z", "2026-03-28T12:05:00Z", id="5 fields"),
        pytest.param(Cron(expression="*/5 * * * *"), "2026-03-28T11:59:59.999Z", "2026-03-28T12:00:00Z", id="just before"),
        pytest.param(Cron(expression="30 0 * * * *"), "2026-03-28T12:00:00Z", "2026-03-28T12:00:30Z", id="seconds come first"),
        pytest.param(Cron(expression="0 9 * * MON"), "2026-03-28T12:00:00Z", "2026-03-30T09:00:00Z", id="names of days"),
        pytest.param(
            Cron(expression="0 9 * * *", timezone="America/New_York"), "2026-01-10T12:00:00Z", "2026-01-10T14:00:00Z", id="zone"
        ),
        pytest.param(
            Cron(expression="0 12 * * *", timezone="Europe/Berlin"),
            "2026-03-28T11:00:00Z",
            "2026-03-29T10:00:00Z",
            id="noon stays noon when the clock is put forward",
        ),
        pytest.param(
            Cron(expression="30 2 * * *", timezone="Europe/Berlin"),
            "2026-03-28T12:00:00Z",
            "2026-03-29T01:00:00Z",
            id="a time that is left out comes when the gap ends",
        ),
        pytest.param(
            Cron(expression="30 2 * * *", timezone="Europe/Berlin"),
            "2026-10-25T00:30:00Z",
            "2026-10-26T01:30:00Z",
            id="a time that comes twice counts once",
        ),
        pytest.param(
            Cron(expression="30 * * * *", timezone="Europe/Berlin"),
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            id="unless it is every hour's",
        ),
        pytest.param(Cron(expression="* * * * *", start_ms=NOON), "2026-03-28T08:00:00Z", "2026-03-28T12:00:00Z", id="start"),
        pytest.param(Cron(expression="0 * * * *", stop_ms=NOON), "2026-03-28T11:30:00Z", "2026-03-28T12:00:00Z", id="at stop"),
        pytest.param(Cron(expression="0 * * * *", stop_ms=NOON), "2026-03-28T12:00:00Z", None, id="past stop"),
        pytest.param(Cron(expression="0 0 30 2 *"), "2026-03-28T12:00:00Z", None, id="a day that never comes"),
        pytest.param(Cron(expression="0 0 29 2 *"), "2026-03-28T12:00:00Z", "2028-02-29T00:00:00Z", id="a rare day"),
        pytest.param(Interval(minutes=7, start_ms=NOON), "2026-03-28T08:00:00Z", "2026-03-28T12:00:00Z", id="interval's start"),
        pytest.param(Interval(minutes=7, start_ms=NOON), "2026-03-28T12:00:00Z", "2026-03-28T12:07:00Z", id="next interval"),
        pytest.param(Interval(minutes=7, start_ms=NOON), "2026-03-28T12:13:59Z", "2026-03-28T12:14:00Z", id="on the grid"),
        pytest.param(Interval(minutes=7, start_ms=NOON, stop_ms=NOON + 1), "2026-03-28T12:00:00Z", None, id="interval's stop"),
        pytest.param(Once(date_ms=NOON), "2026-03-28T11:59:59.999Z", "2026-03-28T12:00:00Z", id="once"),
        pytest.param(Once(date_ms=NOON), "2026-03-28T12:00:00Z", None, id="only once"),
    ],
)
def test_next_fire(schedule: Schedule, after: str, expected: str | None) -> None:
    assert next_fire_ms(schedule, ms(after)) == (None if expected is None else ms(expected))


@pytest.mark.parametrize(
    ("schedule", "late_minutes", "expected"),
    [
        pytest.param(Interval(minutes=60, start_ms=NOON), 0, True, id="on time"),
        pytest.param(Interval(minutes=60, start_ms=NOON), 10, True, id="late, but not too late"),
        pytest.param(Interval(minutes=60, start_ms=NOON), 11, False, id="too late"),
        pytest.param(Interval(minutes=60, start_ms=NOON), 125, True, id="only the last of those missed counts"),
        pytest.param(Interval(minutes=60, start_ms=NOON, stop_ms=NOON), 125, False, id="the stop was long ago"),
        pytest.param(Cron(expression="0 * * * *"), 10, True, id="cron, not too late"),
        pytest.param(Cron(expression="0 * * * *"), 11, False, id="cron, too late"),
        pytest.param(Once(date_ms=NOON), 1_000_000, True, id="a date is never too late"),
    ],
)
def test_missed_moments(schedule: Schedule, late_minutes: int, expected: bool) -> None:
    assert is_due(schedule, NOON + late_minutes * MINUTE_MS, late_most_ms=10 * MINUTE_MS) is expected


moments = st.integers(min_value=0, max_value=ms("2100-01-01T00:00:00Z"))
intervals = st.builds(Interval, minutes=st.integers(1, 10_000), start_ms=moments)
crons = st.builds(
    Cron,
    expression=st.sampled_from(["* * * * *", "*/7 3 * * *", "0 0 1 * *", "15 30 4 * * SUN", "0 2 * * *"]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns"]),
)


@given(intervals | crons, moments)
def test_the_next_moment_is_later_and_the_first(schedule: Schedule, after_ms: int) -> None:
    found = next_fire_ms(schedule, after_ms)
    assert found is not None
    assert found > after_ms
    assert next_fire_ms(schedule, found - 1) == found
