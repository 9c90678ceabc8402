"""What the parameters of a feed may be, and how an alarm changes."""

from typing import Any

import msgspec
import pytest

from ioruntime.core.alarms.alarm import Alarm, Stopped, advance, content_of, create, pause, read_alarm, resume, update
from ioruntime.core.alarms.parameters import FeedName
from ioruntime.core.alarms.schedule import MINUTE_MS
from ioruntime.model.errors import CorruptError, InvalidError
from ioruntime.model.note import Note

NOW = 1_774_699_200_000
"""2026-03-28T12:00:00Z"""
LATER, LATEST = "2026-03-28T13:00:00Z", "2026-03-28T14:00:00Z"


@pytest.mark.parametrize(
    ("feed", "parameters", "text"),
    [
        pytest.param("alarm", {}, "alarms trigger feed is missing the cron parameter", id="no cron"),
        pytest.param("alarm", {"cron": "often"}, "cron pattern 'often' is not valid", id="nonsense"),
        pytest.param("alarm", {"cron": "* * * *"}, "cron pattern '* * * *' is not valid", id="4 fields"),
        pytest.param("alarm", {"cron": "* * * * * * 2030"}, "cron pattern '* * * * * * 2030' is not valid", id="7 fields"),
        pytest.param("alarm", {"cron": "61 * * * *"}, "cron pattern '61 * * * *' is not valid", id="minute 61"),
        pytest.param("alarm", {"cron": "R * * * *"}, "cron pattern 'R * * * *' is not valid", id="a random minute"),
        pytest.param("alarm", {"cron": "@daily"}, "cron pattern '@daily' is not valid", id="a nickname"),
        pytest.param("alarm", {"cron": 5}, "cron pattern '5' is not valid", id="a number"),
        pytest.param("alarm", {"cron": "0 0 30 2 *"}, "cron pattern '0 0 30 2 *' never fires", id="never"),
        pytest.param(
            "alarm",
            {"cron": "0 15 * * *", "stopDate": LATER},
            "the first scheduled trigger fire is not until after the stop date",
            id="stops before it begins",
        ),
        pytest.param(
            "alarm",
            {"cron": "* * * * *", "timezone": "Mars/Base"},
            "timezone parameter 'Mars/Base' is not a known timezone",
            id="unknown zone",
        ),
        pytest.param(
            "alarm",
            {"cron": "* * * * *", "timezone": "../UTC"},
            "timezone parameter '../UTC' is not a known timezone",
            id="zone that is a path",
        ),
        pytest.param(
            "alarm", {"cron": "* * * * *", "strict": "very"}, "strict parameter 'very' must be one of [false, true]", id="strict"
        ),
        pytest.param("interval", {}, "interval trigger feed is missing the minutes parameter", id="no minutes"),
        pytest.param("interval", {"minutes": 1.5}, "the minutes parameter must be an integer", id="half a minute"),
        pytest.param("interval", {"minutes": "x"}, "the minutes parameter must be an integer", id="no number"),
        pytest.param("interval", {"minutes": True}, "the minutes parameter must be an integer", id="true"),
        pytest.param("interval", {"minutes": 0}, "the minutes parameter must be an integer greater than zero", id="zero"),
        pytest.param("interval", {"minutes": -1}, "the minutes parameter must be an integer greater than zero", id="negative"),
        pytest.param(
            "interval", {"minutes": 10**12}, "the minutes parameter must be an integer not greater than 527040", id="too many"
        ),
        pytest.param(
            "interval",
            {"minutes": 1, "startDate": "2020-01-01T00:00:00Z"},
            "startDate parameter '2020-01-01T00:00:00Z' must be in the future",
            id="past start",
        ),
        pytest.param(
            "interval",
            {"minutes": 1, "startDate": LATEST, "stopDate": LATER},
            f"stopDate parameter '{LATER}' must be greater than the startDate parameter '{LATEST}'",
            id="stop before start",
        ),
        pytest.param("once", {}, "alarms once trigger feed is missing the date parameter", id="no date"),
        pytest.param("once", {"date": "soon"}, "date parameter 'soon' is not a valid Date", id="no real date"),
        pytest.param("once", {"date": [1]}, "date parameter '[1]' is not a valid Date", id="a list"),
        pytest.param("once", {"date": True}, "date parameter 'True' is not a valid Date", id="a boolean"),
        pytest.param("once", {"date": 1e300}, "date parameter '1e+300' is not a valid Date", id="too far away"),
        pytest.param("once", {"date": NOW}, f"date parameter '{NOW}' must be in the future", id="now is too late"),
        pytest.param(
            "once",
            {"date": LATER, "deleteAfterFire": "maybe"},
            "deleteAfterFire parameter must be one of [false, true, rules].",
            id="what to delete",
        ),
        pytest.param(
            "once",
            {"date": LATER, "trigger_payload": [1]},
            "the trigger_payload parameter must be a string or an object",
            id="payload",
        ),
    ],
)
def test_refused(feed: FeedName, parameters: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        create(feed, "t", parameters, NOW)
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("feed", "parameters", "minutes"),
    [
        pytest.param("alarm", {"cron": "*/5 * * * *"}, 5, id="cron"),
        pytest.param(
            "alarm", {"cron": "0 13 * * *", "timezone": "Europe/Berlin"}, 24 * 60 - 60 + 0, id="zone, clock put forward"
        ),
        pytest.param("alarm", {"cron": "*/5 * * * *", "startDate": LATER}, 60, id="not before the start"),
        pytest.param("alarm", {"cron": "*/5 * * * *", "strict": True, "stopDate": LATER}, 5, id="strict, with a stop"),
        pytest.param("interval", {"minutes": "3"}, 0.5, id="an interval begins soon"),
        pytest.param("interval", {"minutes": 3.0, "startDate": "2026-03-28T13:00:00"}, 60, id="without zone it is UTC"),
        pytest.param("once", {"date": NOW + MINUTE_MS}, 1, id="milliseconds"),
        pytest.param("once", {"date": "2026-03-28T14:00:00+01:00", "deleteAfterFire": True}, 60, id="an offset"),
        pytest.param("once", {"date": "2026-03-29"}, 12 * 60, id="a day"),
    ],
)
def test_first_moment(feed: FeedName, parameters: dict[str, Any], minutes: float) -> None:
    assert create(feed, "t", parameters, NOW).next_ms == NOW + minutes * MINUTE_MS


@pytest.mark.parametrize(
    ("given", "payload"),
    [("text", {"payload": "text"}), ({"a": [1]}, {"a": [1]}), (None, {}), ("", {})],
    ids=["text", "object", "nothing", "empty text"],
)
def test_payload(given: Any, payload: dict[str, Any]) -> None:
    assert create("once", "t", {"date": LATER, "trigger_payload": given}, NOW).payload == payload


def alarm(**parameters: Any) -> Alarm:
    return create("interval", "t", {"minutes": 10, "startDate": LATER} | parameters, NOW)


HOUR = 60 * MINUTE_MS
START = NOW + HOUR


def test_advance_keeps_to_the_grid() -> None:
    changed, fires = advance(alarm(), START + 1234)
    assert (changed.next_ms, fires) == (START + 10 * MINUTE_MS, True)


def test_advance_takes_many_missed_moments_as_one() -> None:
    changed, fires = advance(alarm(), START + 25 * MINUTE_MS)
    assert (changed.next_ms, fires) == (START + 30 * MINUTE_MS, True)


def test_advance_skips_what_is_too_old() -> None:
    changed, fires = advance(alarm(minutes=60), START + 30 * MINUTE_MS)
    assert (changed.next_ms, fires) == (START + HOUR, False)


def test_advance_ends_at_the_stop() -> None:
    changed, fires = advance(alarm(stopDate=START + MINUTE_MS), START)
    assert (changed.next_ms, changed.stopped, fires) == (None, Stopped.ENDED, True)
    assert changed.leaves is None


@pytest.mark.parametrize(("after", "leaves"), [(None, None), ("false", None), (True, "true"), ("Rules", "rules")])
def test_once_tells_what_goes(after: Any, leaves: str | None) -> None:
    before = create("once", "t", {"date": LATER} | ({} if after is None else {"deleteAfterFire": after}), NOW)
    assert before.leaves is None
    changed, fires = advance(before, START)
    assert (changed.stopped, changed.leaves, fires) == (Stopped.FIRED, leaves, True)


def test_pause_and_resume() -> None:
    paused = pause(alarm(), NOW + 1)
    assert (paused.next_ms, paused.stopped, paused.changed_ms) == (None, Stopped.PAUSED, NOW + 1)
    assert pause(paused, NOW + 2) == paused
    resumed = resume(paused, START + 1)
    assert (resumed.next_ms, resumed.stopped) == (START + 10 * MINUTE_MS, None)
    assert resume(resumed, START + 2) == resumed


def test_a_date_that_is_past_cannot_be_resumed() -> None:
    fired, _ = advance(create("once", "t", {"date": LATER}, NOW), START)
    with pytest.raises(InvalidError, match="must be in the future"):
        resume(fired, START)


def test_update_changes_what_it_names() -> None:
    changed = update(alarm(trigger_payload="old"), {"minutes": 90, "cron": "ignored"}, START)
    assert (changed.next_ms, changed.payload) == (START + 90 * MINUTE_MS, {"payload": "old"})
    assert changed.config == {"minutes": 90, "startDate": LATER}
    assert update(alarm(), {"trigger_payload": {"a": 1}}, NOW).payload == {"a": 1}


def test_update_wakes_the_ended_and_leaves_the_paused() -> None:
    ended, _ = advance(alarm(stopDate=START + MINUTE_MS), START)
    assert update(ended, {"stopDate": START + HOUR}, START).next_ms == START + 10 * MINUTE_MS
    paused = update(pause(alarm(), NOW), {"minutes": 1}, NOW)
    assert (paused.next_ms, paused.stopped, paused.config["minutes"]) == (None, Stopped.PAUSED, 1)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        pytest.param({}, "no updatable parameters were specified", id="nothing"),
        pytest.param({"cron": "* * * * *"}, "no updatable parameters were specified", id="another feed's"),
        pytest.param({"startDate": 5}, "startDate parameter '5' must be in the future", id="past"),
        pytest.param(
            {"stopDate": NOW + 1},
            f"stopDate parameter '{NOW + 1}' must be greater than the startDate parameter '{LATER}'",
            id="stop before the start that was there",
        ),
    ],
)
def test_update_refuses(parameters: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        update(alarm(), parameters, NOW)
    assert str(refusal.value) == text


def test_a_note_holds_an_alarm() -> None:
    before = pause(alarm(trigger_payload={"a": None}), NOW)
    written = msgspec.json.decode(msgspec.json.encode(Note.of("guest", "alarm", "t", content_of(before))), type=Note)
    assert read_alarm(written) == before
    with pytest.raises(CorruptError):
        read_alarm(Note.of("guest", "alarm", "t", {"feed": "weather"}))
