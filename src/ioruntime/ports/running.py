"""What the core needs to see of activations that run: what they have written so far."""

from collections.abc import Sequence
from typing import Protocol

from ioruntime.model.activation import ActivationId


class RunningLogs(Protocol):
    """The logs of activations that run on the invokers that this process can see."""

    def lines(self, namespace: str, activation_id: ActivationId, *, after: int) -> Sequence[str] | None:
        """Return what an activation of a namespace has written, without its first `after` lines.

        None: it does not run here now, not yet or not any more, or it is another namespace's.
        """
        ...

    def running(self, namespace: str) -> Sequence[ActivationId]:
        """Name the activations of a namespace that run now."""
        ...
