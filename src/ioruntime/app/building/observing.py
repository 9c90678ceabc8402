"""Everything that hears of activations when their records are kept: followers, charts, log forwarding."""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from ioruntime.core.activations import Activations, Recorder, RecorderReporter
from ioruntime.core.observing.statistics import Statistics
from ioruntime.core.observing.tail import Tail
from ioruntime.model.activation import Activation
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.clock import Clock

Listener = Callable[[Sequence[Activation]], None]


class Observed(msgspec.Struct, frozen=True):
    """Records, and who hears of them."""

    recorder: Recorder
    activations: Activations
    tail: Tail
    statistics: Statistics


def build_observed(store: ActivationStore, reporter: RecorderReporter, clock: Clock, *, also: Listener) -> Observed:
    """Put them together; `also` hears of each batch too."""
    listeners: list[Listener] = [also]
    recorder = Recorder(store, reporter, on_written=partial(_tell_each, listeners))
    activations, tail = Activations(store, recorder), Tail()
    statistics = Statistics(activations, clock)
    listeners += (tail.recorded, statistics.recorded)
    return Observed(recorder, activations, tail, statistics)


def _tell_each(listeners: Sequence[Listener], activations: Sequence[Activation]) -> None:
    for listener in listeners:
        listener(activations)
