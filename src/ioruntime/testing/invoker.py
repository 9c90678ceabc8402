"""An invoker that runs nothing: a function says how each activation ends."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from ioruntime.model.activation import Activation, Status
from ioruntime.model.params import Annotation
from ioruntime.ports.bus import ActivationBus, InvocationRequest

Answer: TypeAlias = Callable[[InvocationRequest], Activation | None]
"""How an activation ends; None: not yet."""


class FakeInvoker:
    """Takes requests from the bus and answers each at once, as `answer` says; it may be changed at any time."""

    def __init__(self, bus: ActivationBus, answer: Answer | None = None, *, name: str = "invoker0") -> None:
        self._bus = bus
        self.answer: Answer = answer or echo
        self.requests: list[InvocationRequest] = []
        """All that came, in order."""
        bus.serve(name, self._take)

    def finish(self, request: InvocationRequest, activation: Activation) -> None:
        """Answer a request that `answer` left open."""
        self._bus.answer(request, activation)

    def _take(self, request: InvocationRequest) -> None:
        self.requests.append(request)
        activation = self.answer(request)
        if activation is not None:
            self.finish(request, activation)


def echo(request: InvocationRequest) -> Activation:
    """End with the arguments as the result."""
    return ended(request, request.arguments)


def ended(request: InvocationRequest, result: Any, *, status: Status = Status.SUCCESS, logs: tuple[str, ...] = ()) -> Activation:
    """Build the record of an activation that took one millisecond.

    Args:
        result: what the action answered; `msgspec.Raw` as it is, anything else encoded.
    """
    encoded = result if isinstance(result, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(result))
    annotations = (Annotation("timeout", False),)
    return request.record(status, encoded, start_ms=request.received_ms, duration_ms=1, logs=logs, annotations=annotations)
