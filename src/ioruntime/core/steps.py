"""What sequences and conductors have in common: how they run components, what they may still do, a tally of what ran."""

from typing import Protocol

import msgspec

from ioruntime.core.resolve import Resolved
from ioruntime.model.activation import Activation, ActivationId, Status, error_result
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Arguments


def fields_of(value: msgspec.Raw) -> Arguments:
    """Return the members of an object; of anything else, and of what cannot be read, none (pure)."""
    try:
        return msgspec.json.decode(value, type=Arguments)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


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


class Counter:
    """Counts down what may still be done."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self) -> bool:
        """Count one; False when there is none left."""
        if self.left == 0:
            return False
        self.left -= 1
        return True


class Conducted(msgspec.Struct, frozen=True):
    """What the outermost conductor may still do, with all that it runs."""

    components: Counter
    runs: Counter
    """Of conductors' own code."""

    @classmethod
    def of(cls, length: int) -> "Conducted":
        return cls(Counter(length), Counter(2 * length + 1))


class Budget(msgspec.Struct, frozen=True):
    """How many more steps a composition may take; it shares counters with those that it is part of."""

    length: int
    """How many components a composition may have."""
    actions: Counter
    """Of a sequence, those of the sequences inside it included; these themselves are not counted."""
    levels: int
    """How many more sequences may be inside each other: through bindings one can come to hold itself."""
    conducted: Conducted
    is_conducted: bool = False
    """Whether a conductor is above."""

    @classmethod
    def of(cls, length: int) -> "Budget":
        """Begin with what nothing else has started."""
        return cls(length, Counter(length), length, Conducted.of(length))

    def inside_sequence(self) -> "Budget":
        """Return what a component of a sequence may take: a conductor there begins anew unless one is above."""
        conducted = self.conducted if self.is_conducted else Conducted.of(self.length)
        return Budget(self.length, self.actions, self.levels - 1, conducted, self.is_conducted)

    def inside_conductor(self) -> "Budget":
        """Return what a component of a conductor may take: a sequence there begins anew."""
        return Budget(self.length, Counter(self.length), self.length, self.conducted, is_conducted=True)


class Tally:
    """Which components a composition has run, for how long, and on how much memory at most."""

    def __init__(self) -> None:
        self.duration_ms = 0
        self.memory_mb = 0
        self.ids: list[ActivationId] = []

    def add(self, activation: Activation) -> None:
        """Count a component that has ended."""
        self.ids.append(activation.activation_id)
        self.duration_ms += activation.duration_ms or 0
        self.memory_mb = max(self.memory_mb, activation.memory_mb)


class LateError(Exception):
    """A component did not end in time; it may still run."""

    def __init__(self, activation_id: ActivationId) -> None:
        super().__init__(activation_id)
        self.activation_id = activation_id


class Composition(Protocol):
    """One run of a sequence or conductor, in its caller's name."""

    namespace: str
    """What `_`, or no namespace, stands for in the names of components."""
    budget: Budget

    async def resolve(self, path: EntityPath) -> Resolved:
        """Return the component that `path` names.

        Raises:
            NotFoundError, ForbiddenError, WrongCollectionError: there is no such action for the caller.
            UnavailableError: the store does not answer.
        """
        ...

    async def run(self, component: Resolved, arguments: msgspec.Raw) -> Activation:
        """Run a component to its end, and tally it.

        Raises:
            LateError: it took too long.
            UnavailableError: no invoker takes it.
        """
        ...

    async def conduct(self, arguments: msgspec.Raw) -> Activation:
        """Run a conductor's own code once, and tally it.

        Raises:
            LateError, UnavailableError: as `run`.
        """
        ...
