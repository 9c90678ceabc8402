"""The fleet of a process: only itself at first, and all processes of the cluster once it has joined them."""

from collections.abc import Collection, Sequence

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.ports.fleet import Fleet, Member


class LateFleet:
    """A `Fleet` that stores and services may hold before the process has joined one."""

    def __init__(self) -> None:
        self._joined: Fleet | None = None

    def join(self, fleet: Fleet | None) -> None:
        """Belong to a fleet from now on; None: to none any more."""
        self._joined = fleet

    def members(self) -> Sequence[Member]:
        return () if self._joined is None else self._joined.members()

    async def forget(self, namespace: str, key: str | None) -> None:
        if self._joined is not None:
            await self._joined.forget(namespace, key)

    async def find(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        return None if self._joined is None else await self._joined.find(namespace, activation_id)

    async def flush(self) -> None:
        if self._joined is not None:
            await self._joined.flush()

    def due(self, lanes: Collection[tuple[str, str]]) -> None:
        """Tell who delivers that events were stored for these registrations."""
        if self._joined is not None:
            self._joined.due(tuple(lanes))

    async def held(self, activation_ids: Collection[ActivationId]) -> set[ActivationId] | None:
        return set() if self._joined is None else await self._joined.held(activation_ids)
