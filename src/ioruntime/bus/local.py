"""The bus inside one process: a dictionary of handlers, called directly."""

from collections.abc import Mapping

from ioruntime.model.activation import Activation
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.bus import AnswerHandler, InvocationRequest, InvokerName, Load, LostHandler, RequestHandler


class LocalBus:
    """Hands each request to its invoker's handler, and each answer to whoever listens, without a copy."""

    def __init__(self) -> None:
        self._invokers: dict[InvokerName, RequestHandler] = {}
        self._listeners: list[AnswerHandler] = []

    async def send(self, invoker: InvokerName, request: InvocationRequest) -> None:
        """Call the invoker's handler.

        Raises:
            UnavailableError: there is no such invoker, or it takes no more.
        """
        handler = self._invokers.get(invoker)
        if handler is None:
            raise UnavailableError
        handler(request)

    def send_now(self, invoker: InvokerName, request: InvocationRequest) -> bool:
        handler = self._invokers.get(invoker)
        if handler is None:
            return False
        try:
            handler(request)
        except UnavailableError:
            return False
        return True

    def answer(self, request: InvocationRequest, activation: Activation) -> None:  # noqa: ARG002 - other buses route by the request
        for listener in self._listeners:
            listener(activation)

    def serve(self, invoker: InvokerName, handler: RequestHandler) -> None:
        self._invokers[invoker] = handler

    def leave(self, invoker: InvokerName) -> None:
        self._invokers.pop(invoker, None)

    def listen(self, handler: AnswerHandler) -> None:
        self._listeners.append(handler)

    def listen_lost(self, handler: LostHandler) -> None:
        """Lose nothing: within a process, what is sent is there."""

    @property
    def invokers_record(self) -> bool:
        return False

    def invokers(self) -> tuple[InvokerName, ...]:
        return tuple(self._invokers)

    def loads(self) -> Mapping[InvokerName, Load]:
        return dict.fromkeys(self._invokers, Load())
