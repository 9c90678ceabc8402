"""What the annotations `retry` and `dead-letter` may say, and what follows."""

from typing import Any

import pytest

from ioruntime.model.activation import Status
from ioruntime.model.errors import InvalidError
from ioruntime.model.handling import DeadLetter, Handling, Retry, is_handled, read_handling
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation


def read(**values: Any) -> Handling:
    annotations = [Annotation(key.replace("_", "-"), value) for key, value in values.items()]
    return read_handling(annotations, own_namespace="me")


def test_an_action_that_asks_for_nothing_gets_nothing() -> None:
    assert not is_handled((Annotation("web-export", True),))
    assert read() == Handling(None, None)
    assert read().delay_s(Status.WHISK_ERROR, 1) is None


def test_what_is_not_said_has_a_default() -> None:
    assert read(retry={"attempts": 3}).retry == Retry(attempts=3, backoff_s=1.0, on=("platform",))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"trigger": "bell"}, DeadLetter("trigger", EntityPath("me", "bell")), id="a trigger"),
        pytest.param({"action": "pkg/a"}, DeadLetter("action", EntityPath("me", "a", "pkg")), id="an action in a package"),
        pytest.param({"action": "/_/a"}, DeadLetter("action", EntityPath("me", "a")), id="the own namespace by its sign"),
        pytest.param({"action": "/me/pkg/a"}, DeadLetter("action", EntityPath("me", "a", "pkg")), id="by its name"),
    ],
)
def test_a_dead_letter_has_an_address(value: Any, expected: DeadLetter) -> None:
    assert read(dead_letter=value).dead_letter == expected


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({"retry": 3}, "The annotation 'retry'", id="no object"),
        pytest.param({"retry": {}}, "missing required field `attempts`", id="no attempts"),
        pytest.param({"retry": {"attempts": 0}}, "attempts", id="no attempt at all"),
        pytest.param({"retry": {"attempts": 11}}, "attempts", id="too many"),
        pytest.param({"retry": {"attempts": "3"}}, "attempts", id="a text"),
        pytest.param({"retry": {"attempts": 2, "backoff_s": -1}}, "backoff_s", id="back in time"),
        pytest.param({"retry": {"attempts": 2, "backoff_s": 3601}}, "backoff_s", id="more than an hour"),
        pytest.param({"retry": {"attempts": 2, "on": []}}, "on", id="for no reason"),
        pytest.param({"retry": {"attempts": 2, "on": ["bug"]}}, "on", id="an unknown reason"),
        pytest.param({"retry": {"attempts": 2, "jitter": 1}}, "jitter", id="an unknown field"),
        pytest.param({"dead_letter": "bell"}, "either 'trigger' or 'action'", id="a bare name"),
        pytest.param({"dead_letter": {"trigger": "a", "action": "b"}}, "either 'trigger' or 'action'", id="two addresses"),
        pytest.param({"dead_letter": {"action": "/you/a"}}, "in another namespace", id="somebody else's"),
        pytest.param({"dead_letter": {"action": "a b/$"}}, "which is no name", id="no name"),
        pytest.param({"dead_letter": {"action": ""}}, "which is no name", id="an empty name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_annotation_s_name(values: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidError, match=text) as caught:
        read(**values)
    assert f"'{next(iter(values)).replace('_', '-')}'" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "attempt", "expected"),
    [
        pytest.param(Status.APPLICATION_ERROR, 1, 2.0, id="the second after the backoff"),
        pytest.param(Status.APPLICATION_ERROR, 3, 8.0, id="each later one after twice as long"),
        pytest.param(Status.APPLICATION_ERROR, 5, None, id="none after the last"),
        pytest.param(Status.DEVELOPER_ERROR, 1, None, id="none for another reason"),
        pytest.param(Status.SUCCESS, 1, None, id="none after a success"),
    ],
)
def test_the_delay_before_the_next_attempt(status: Status, attempt: int, expected: float | None) -> None:
    handling = read(retry={"attempts": 5, "backoff_s": 2, "on": ["application", "platform"]})
    assert handling.delay_s(status, attempt) == expected


def test_no_delay_is_longer_than_an_hour() -> None:
    assert read(retry={"attempts": 10, "backoff_s": 3000}).delay_s(Status.WHISK_ERROR, 9) == 3600
