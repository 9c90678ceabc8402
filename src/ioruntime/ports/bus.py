"""How a request reaches an invoker and its activation comes back."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec

from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId


class InvocationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an invoker needs to run one activation and to write its record."""

    activation_id: ActivationId
    transaction_id: str
    namespace: str
    """Of the invoker, which the record will belong to."""
    subject: str
    action: Action
    """Its annotations as stored."""
    arguments: msgspec.Raw
    """Merged and final: a JSON object, or whatever a sequence hands on."""
    environment: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """`init` parameters."""
    api_key: str | None = None
    """`uuid:key`, when the action may have it."""
    blocking: bool = False
    cause: ActivationId | None = None
    received_ms: int
    """Epoch milliseconds at which the platform got the request."""


InvokerName: TypeAlias = str
RequestHandler: TypeAlias = Callable[[InvocationRequest], None]
AnswerHandler: TypeAlias = Callable[[Activation], None]


class ActivationBus(Protocol):
    """Carries requests to invokers and finished activations back to the controller that sent them."""

    async def send(self, invoker: InvokerName, request: InvocationRequest) -> None:
        """Hand a request to an invoker.

        Raises:
            UnavailableError: there is no such invoker, or it takes no more.
        """
        ...

    def answer(self, request: InvocationRequest, activation: Activation) -> None:
        """Bring the outcome back to whoever sent the request."""
        ...

    def serve(self, invoker: InvokerName, handler: RequestHandler) -> None:
        """Give the requests for `invoker` to `handler`, which takes each at once or raises `UnavailableError`."""
        ...

    def listen(self, handler: AnswerHandler) -> None:
        """Give the outcomes of what this process sent to `handler`."""
        ...

    def invokers(self) -> tuple[InvokerName, ...]:
        """Name the invokers that take requests now."""
        ...
