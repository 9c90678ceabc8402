"""Who waits for which activation in this process."""

import asyncio
from collections.abc import Callable
from functools import partial

from ioruntime.model.activation import Activation, ActivationId


class Pending:
    """Those to tell when an activation that was sent is back."""

    def __init__(self) -> None:
        self._waiting: dict[ActivationId, Callable[[Activation], None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, activation_id: object) -> bool:
        return activation_id in self._waiting

    def expect(self, activation_id: ActivationId) -> asyncio.Future[Activation]:
        """Start to wait. To give up, cancel the future: the activation itself goes on."""
        future: asyncio.Future[Activation] = asyncio.get_running_loop().create_future()
        self._waiting[activation_id] = partial(_resolve, future)
        return future

    def tell(self, activation_id: ActivationId, done: Callable[[Activation], None]) -> None:
        """Have `done` called with the outcome, once; for who has no task to wait in."""
        self._waiting[activation_id] = done

    def settle(self, activation: Activation) -> None:
        """Hand an outcome to whoever still waits for it."""
        done = self._waiting.pop(activation.activation_id, None)
        if done is not None:
            done(activation)

    def drop(self, activation_id: ActivationId) -> None:
        """Forget one that could not be sent."""
        self._waiting.pop(activation_id, None)


def _resolve(future: asyncio.Future[Activation], activation: Activation) -> None:
    if not future.done():
        future.set_result(activation)
