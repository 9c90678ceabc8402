"""Sends a request to the invoker that placement prefers, and to the next when that one takes no more."""

from ioruntime.core.dispatch.placement import order, preference
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.bus import ActivationBus, InvocationRequest


class Dispatcher:
    """Places requests on the invokers that the bus knows."""

    def __init__(self, bus: ActivationBus) -> None:
        self._bus = bus

    def dispatch_now(self, request: InvocationRequest) -> bool:
        """Hand the request to its home invoker where that needs no waiting; False: it was not, so `dispatch` it."""
        path = request.action.path
        preferred = preference(path.namespace, path.key, self._bus.invokers())
        return bool(preferred) and self._bus.send_now(preferred[0], request)

    async def dispatch(self, request: InvocationRequest) -> None:
        """Hand the request to an invoker.

        Raises:
            UnavailableError: none takes it.
        """
        path, memory_mb = request.action.path, request.action.limits.memory_mb
        for invoker in order(path.namespace, path.key, self._bus.loads(), memory_mb=memory_mb):
            try:
                await self._bus.send(invoker, request)
            except UnavailableError:
                continue
            return
        raise UnavailableError
