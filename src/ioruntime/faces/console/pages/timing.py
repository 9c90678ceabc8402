"""Where the time of an activation went (pure): waiting, initialising, running; as bars of one scale."""

import msgspec

from ioruntime.model.activation import Activation
from ioruntime.model.params import annotation

_LEAST_PERCENT = 0.4
"""So that what took no time can still be seen."""


class Part(msgspec.Struct, frozen=True):
    """One stage; percentages of the whole."""

    key: str
    title: str
    took_ms: int
    from_percent: float
    width_percent: float


def parts_of(activation: Activation) -> tuple[Part, ...]:
    """Split an activation's time; a stage that it did not have is left out."""
    waited, initialised = _number(activation, "waitTime"), _number(activation, "initTime")
    duration = activation.duration_ms or 0
    stages = [
        ("queue", "Wait for a sandbox", waited),
        ("init", "Initialise", initialised),
        ("run", "Run", max(0, duration - (initialised or 0))),
    ]
    total = max(1, sum(took or 0 for _, _, took in stages))
    parts: list[Part] = []
    at = 0
    for key, title, took in stages:
        if took is not None:
            width = max(_LEAST_PERCENT, 100 * took / total)
            parts.append(Part(key, title, took, min(100 * at / total, 100 - _LEAST_PERCENT), width))
            at += took
    return tuple(parts)


def is_cold(activation: Activation) -> bool:
    """Tell whether a sandbox was initialised for it."""
    return _number(activation, "initTime") is not None


def waited_ms(activation: Activation) -> int | None:
    """Return how long it waited for a sandbox; None when its record does not say."""
    return _number(activation, "waitTime")


def total_ms(activation: Activation) -> int:
    """Return how long it took from the request on."""
    return (waited_ms(activation) or 0) + (activation.duration_ms or 0)


def _number(activation: Activation, key: str) -> int | None:
    value = annotation(activation.annotations, key)
    return int(value) if isinstance(value, int | float) else None
