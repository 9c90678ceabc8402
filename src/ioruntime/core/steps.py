"""What sequences and conductors have in common: a way to run a component, a budget, and a tally of what ran."""

from typing import Protocol

import msgspec

from ioruntime.core.resolve import Resolved
from ioruntime.model.activation import Activation, ActivationId, Status, error_result
from ioruntime.model.names import EntityPath


class End(msgspec.Struct, frozen=True):
    """How a composition ended."""

    status: Status
    result: msgspec.Raw

    @classmethod
    def of(cls, activation: Activation) -> "End":
        return cls(activation.status, activation.result)

    @classmethod
    def application_error(cls, text: str) -> "End":
        return cls(Status.APPLICATION_ERROR, error_result(text))

    @classmethod
    def whisk_error(cls, text: str) -> "End":
        return cls(Status.WHISK_ERROR, error_result(text))


class Budget:
    """How many more steps a composition may take, counted over its nesting."""

    def __init__(self, length: int) -> None:
        self.components = length
        self.conductor_runs = 2 * length + 1

    def take_component(self) -> bool:
        """Count a component; False when there were too many."""
        self.components -= 1
        return self.components >= 0

    def take_conductor_run(self) -> bool:
        """Count a run of a conductor; False when there were too many."""
        self.conductor_runs -= 1
        return self.conductor_runs >= 0


class Timing:
    """The tally of a composition: which activations ran, for how long, on how much memory."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self.duration_ms = 0
        self.memory_mb = 0
        self.ids: list[ActivationId] = []

    def add(self, activation: Activation) -> None:
        """Count a component that has ended."""
        self.ids.append(activation.activation_id)
        self.duration_ms += activation.duration_ms or 0
        self.memory_mb = max(self.memory_mb, activation.memory_mb)


class Component(Protocol):
    """Runs the components of one composition in its caller's name."""

    namespace: str
    """What `_`, or no namespace, stands for in the names of components."""
    budget: Budget

    async def run(self, path: EntityPath, arguments: msgspec.Raw, *, as_code: bool = False) -> Activation:
        """Run a component to its end.

        Raises:
            NotFoundError, ForbiddenError, WrongCollectionError: there is no such action for the caller.
            TimeoutError: it took too long; the text is its activation id.
            UnavailableError: no invoker takes it.
        """
        ...

    async def check(self, path: EntityPath) -> Resolved:
        """Return the component that `path` names, without running it.

        Raises:
            NotFoundError, ForbiddenError, WrongCollectionError: there is no such action for the caller.
        """
        ...
