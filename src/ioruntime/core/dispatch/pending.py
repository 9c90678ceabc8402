"""Who waits for which activation in this process."""

import asyncio

from ioruntime.model.activation import Activation, ActivationId


class Pending:
    """Futures of activations that were sent and are not back yet."""

    def __init__(self) -> None:
        self._futures: dict[ActivationId, asyncio.Future[Activation]] = {}

    def __len__(self) -> int:
        return len(self._futures)

    def expect(self, activation_id: ActivationId) -> asyncio.Future[Activation]:
        """Start to wait. To give up, cancel the future: the activation itself goes on."""
        future = asyncio.get_running_loop().create_future()
        self._futures[activation_id] = future
        return future

    def settle(self, activation: Activation) -> None:
        """Hand an outcome to whoever still waits for it."""
        future = self._futures.pop(activation.activation_id, None)
        if future is not None and not future.done():
            future.set_result(activation)

    def drop(self, activation_id: ActivationId) -> None:
        """Forget one that could not be sent."""
        self._futures.pop(activation_id, None)
