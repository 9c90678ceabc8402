"""States of one sandbox, and what may happen to it in each (pure)."""

from enum import StrEnum


class State(StrEnum):
    """How ready a sandbox is."""

    STARTING = "starting"
    PREWARM = "prewarm"
    """Started, without code."""
    RUNNING = "running"
    """Serves at least one activation."""
    IDLE = "idle"
    """Warm: holds its action, serves none."""
    PAUSED = "paused"
    """Warm, without processor time."""
    STOPPING = "stopping"


class Event(StrEnum):
    """What happens to a sandbox."""

    STARTED = "started"
    CLAIMED = "claimed"
    FINISHED = "finished"
    """Its last activation is over."""
    PAUSED = "paused"
    EXPIRED = "expired"
    """Not wanted any more."""
    FAILED = "failed"


class IllegalTransitionError(Exception):
    """A bug: an event that cannot happen in this state."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a {state} sandbox cannot be {event}")


_END = {Event.EXPIRED: State.STOPPING, Event.FAILED: State.STOPPING}

TRANSITIONS: dict[State, dict[Event, State]] = {
    State.STARTING: {Event.STARTED: State.PREWARM} | _END,
    State.PREWARM: {Event.CLAIMED: State.RUNNING} | _END,
    State.RUNNING: {Event.CLAIMED: State.RUNNING, Event.FINISHED: State.IDLE} | _END,
    State.IDLE: {Event.CLAIMED: State.RUNNING, Event.PAUSED: State.PAUSED} | _END,
    State.PAUSED: {Event.CLAIMED: State.RUNNING} | _END,
    State.STOPPING: {},
}

WARM = frozenset({State.IDLE, State.PAUSED})


def advance(state: State, event: Event) -> State:
    """Return the state after `event`.

    Raises:
        IllegalTransitionError: the event cannot happen in this state.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(state, event) from None
