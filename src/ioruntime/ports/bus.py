"""How a request reaches an invoker and its activation comes back."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import msgspec

from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId, Status
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation
from ioruntime.ports.sandbox import Network


class Allowance(msgspec.Struct, frozen=True):
    """What a namespace has of its own that an invoker must know."""

    result_bytes: int
    truncation_bytes: int
    """What is left of a result that is too large."""
    warm_count: int = 0
    """How many idle sandboxes of the action stay for `warm_s`, though others would go."""
    warm_s: int = 0


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
    """The composition that this is a component of."""
    binding: EntityPath | None = None
    """The package binding through which the action was reached."""
    network: Network | None = None
    """What the operator lets the namespace reach; None: what all may."""
    attempt: int = 0
    """From 1, when the action asks for retries; 0: it does not."""
    retry_of: ActivationId | None = None
    """The first attempt, of a later one."""
    received_ms: int
    """Epoch milliseconds at which the platform got the request."""
    kept: bool = True
    """False: nobody wants a record of it."""
    allowance: Allowance | None = None
    """None: as all namespaces."""

    @property
    def path(self) -> EntityPath:
        """How the action was reached."""
        if self.binding is None:
            return self.action.path
        return EntityPath(self.binding.namespace, self.action.path.name, self.binding.name)

    @property
    def is_accepted(self) -> bool:
        """Whether it is on stable storage, with nobody waiting for its answer."""
        return self.kept and not self.blocking

    def record(
        self,
        status: Status,
        result: msgspec.Raw,
        *,
        start_ms: int,
        duration_ms: int,
        logs: tuple[str, ...] = (),
        annotations: tuple[Annotation, ...] = (),
    ) -> Activation:
        """Build the record of this request's activation.

        Args:
            status, result: how it ended.
            start_ms: when it was handed to what runs it, epoch milliseconds.
            duration_ms: from then to its end.
            annotations: beside those that follow from the request; `kind` and `limits` among them when they differ.
        """
        action = self.action
        noted = [Annotation("path", str(action.path)), Annotation("waitTime", max(0, start_ms - self.received_ms))]
        given = {each.key for each in annotations}
        if "kind" not in given:
            noted.append(Annotation("kind", action.exec.kind))
        noted.extend(annotations)
        if "limits" not in given:
            noted.append(Annotation("limits", action.limits))
        if self.cause is not None:
            noted.append(Annotation("causedBy", "sequence"))
        if self.attempt:
            noted.append(Annotation("attempt", self.attempt))
        if self.binding is not None:
            noted.append(Annotation("binding", str(self.binding)))
        return Activation(
            activation_id=self.activation_id,
            namespace=self.namespace,
            name=action.path.name,
            package=action.path.package if self.binding is None else self.binding.name,
            version=action.version,
            subject=self.subject,
            start_ms=start_ms,
            end_ms=start_ms + duration_ms,
            duration_ms=duration_ms,
            cause=self.cause or self.retry_of,
            status=status,
            result=result,
            logs=logs,
            annotations=tuple(noted),
        )


InvokerName: TypeAlias = str
RequestHandler: TypeAlias = Callable[[InvocationRequest], None]
LostHandler: TypeAlias = Callable[[InvocationRequest], None]
AnswerHandler: TypeAlias = Callable[[Activation], None]


class Load(msgspec.Struct, frozen=True):
    """What is known of an invoker that takes work."""

    memory_mb: int = 0
    """Of all its sandboxes together."""
    free_mb: int = 0
    """Not used by activations that run; what was sent since it said so is taken off."""
    waiting: int = 0
    """Activations that wait for a sandbox."""


class ActivationBus(Protocol):
    """Carries requests to invokers and finished activations back to the controller that sent them."""

    async def send(self, invoker: InvokerName, request: InvocationRequest) -> None:
        """Hand a request to an invoker.

        Raises:
            UnavailableError: there is no such invoker, or it takes no more.
        """
        ...

    def send_now(self, invoker: InvokerName, request: InvocationRequest) -> bool:
        """Do what `send` does where that needs no waiting; False: nothing was handed over, so call `send`."""
        ...

    def answer(self, request: InvocationRequest, activation: Activation) -> None:
        """Bring the outcome back to whoever sent the request."""
        ...

    def serve(self, invoker: InvokerName, handler: RequestHandler) -> None:
        """Give the requests for `invoker` to `handler`, which takes each at once or raises `UnavailableError`."""
        ...

    def leave(self, invoker: InvokerName) -> None:
        """Take no more requests for `invoker`."""
        ...

    def listen(self, handler: AnswerHandler) -> None:
        """Give the outcomes of what this process sent to `handler`."""
        ...

    def listen_lost(self, handler: LostHandler) -> None:
        """Give requests of this process to `handler` that no invoker has any more and that did not come back."""
        ...

    @property
    def invokers_record(self) -> bool:
        """Whether who runs an activation records it; False leaves that to who sent it."""
        ...

    def invokers(self) -> tuple[InvokerName, ...]:
        """Name the invokers that take requests now."""
        ...

    def loads(self) -> Mapping[InvokerName, Load]:
        """Tell what each of them could take."""
        ...
