"""What the processes of a cluster tell each other beside requests and answers."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from ioruntime.model.activation import Activation, ActivationId


class Role(StrEnum):
    """What a process does."""

    CONTROLLER = "controller"
    INVOKER = "invoker"
    DELIVERER = "deliverer"


class Condition(StrEnum):
    """Whether an invoker takes work."""

    UP = "up"
    DRAINING = "draining"
    """It finishes what it has."""
    UNHEALTHY = "unhealthy"
    """Its sandboxes failed; it takes work again when one has started."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A process, as it describes itself."""

    name: str
    """Of this run of the process; never used again."""
    label: str
    """As the operator knows it, the same after a restart."""
    roles: tuple[Role, ...]
    condition: Condition = Condition.UP
    memory_mb: int = 0
    """Of all its sandboxes together."""
    free_mb: int = 0
    """Of that, not used by activations that run now."""
    running: int = 0
    waiting: int = 0
    """Activations that wait for a sandbox."""


class Fleet(Protocol):
    """The processes that work together, as this one sees them; alone, there is only itself."""

    def members(self) -> Sequence[Member]:
        """Return who is there, by name, this process included."""
        ...

    async def forget(self, namespace: str, key: str | None) -> None:
        """Have every other process forget an entity, or a namespace when `key` is None; return when they have."""
        ...

    async def find(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        """Return a record that another process has not written to the store yet."""
        ...

    async def flush(self) -> None:
        """Have every other process write what it has recorded to the store; return when they have."""
        ...

    def due(self, lanes: Sequence[tuple[str, str]]) -> None:
        """Tell who delivers that events were stored for these registrations, by namespace and id."""
        ...

    async def held(self, activation_ids: Collection[ActivationId]) -> set[ActivationId] | None:
        """Return which of these some process still has, this one included; None when it cannot be known now."""
        ...
