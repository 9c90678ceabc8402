"""What the core needs remembered of activations."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.ports.bus import InvocationRequest


class ActivationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records of a namespace; all bounds are inclusive, on the start, in epoch milliseconds."""

    namespace: str
    name: str | None = None
    """`name` matches it in whatever package; `package/name` both."""
    since_ms: int | None = None
    upto_ms: int | None = None


class ActivationStore(Protocol):
    """Records of activations, and requests that were accepted but are not recorded yet."""

    async def record(self, activations: Sequence[Activation]) -> None:
        """Store records and forget the accepted requests they answer, in one transaction; on stable storage when it returns.

        A record whose id is there already is ignored; so is one whose namespace is gone.
        """
        ...

    async def accept(self, requests: Sequence[InvocationRequest], *, begun: Collection[ActivationId] = ()) -> None:
        """Remember requests until their record comes; on stable storage when it returns.

        Args:
            begun: those whose code may run from now on, or runs already; they need no `begin`.
        """
        ...

    async def begin(self, activation_ids: Sequence[ActivationId]) -> None:
        """Remember that the code of accepted requests may run from now on; on stable storage when it returns."""
        ...

    async def begun(self) -> frozenset[ActivationId]:
        """Return those of `accepted` whose code may have run."""
        ...

    async def accepted(self) -> Sequence[InvocationRequest]:
        """Return what was accepted and has no record, in the order received."""
        ...

    async def read(self, namespace: str, activation_id: ActivationId) -> Activation | None: ...

    async def list(
        self, wanted: ActivationFilter, *, skip: int = 0, limit: int = 200, full: bool = False
    ) -> Sequence[Activation]:
        """List newest start first, of equal starts the last recorded first; results and logs are empty unless `full`."""
        ...

    async def count(self, wanted: ActivationFilter) -> int: ...

    async def delete_before(self, start_ms: int, *, most: int) -> int:
        """Delete at most `most` records that started earlier, and give their disk space back; return how many."""
        ...


class BeginMarks(Protocol):
    """Where it is remembered that an accepted activation's code may have run."""

    async def begin(self, activation_ids: Sequence[ActivationId]) -> None:
        """Remember them; on stable storage when it returns."""
        ...


class ActivationRecorder(Protocol):
    """Takes finished activations; who hands one over need not wait."""

    def record(self, activation: Activation) -> None:
        """Remember the record: readable at once in this process, on disk soon."""
        ...
