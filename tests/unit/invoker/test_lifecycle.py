"""States of a sandbox."""

import pytest

from ioruntime.invoker.lifecycle import TRANSITIONS, Event, IllegalTransitionError, State, advance


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_row(state: State) -> None:
    assert state in TRANSITIONS


@pytest.mark.parametrize("state", [s for s in State if s is not State.STOPPING])
def test_every_live_state_can_fail(state: State) -> None:
    assert advance(state, Event.FAILED) is State.STOPPING


def test_an_illegal_event_names_state_and_event() -> None:
    with pytest.raises(IllegalTransitionError, match="a prewarm sandbox cannot be finished"):
        advance(State.PREWARM, Event.FINISHED)


def test_nothing_leaves_stopping() -> None:
    for event in Event:
        with pytest.raises(IllegalTransitionError):
            advance(State.STOPPING, event)
