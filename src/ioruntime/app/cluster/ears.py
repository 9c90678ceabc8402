"""What one process does when the others of its cluster ask."""

from collections.abc import Collection, Sequence

from ioruntime.app.listener import Forgetter
from ioruntime.bus.remote import RemoteBus
from ioruntime.core.activations import Recorder
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.invocation import Invocations
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.ports.events import Lane
from ioruntime.ports.fleet import Member
from ioruntime.ports.namespaces import NamespaceStore


class Ears:
    """The `Hearing` of one process."""

    def __init__(
        self,
        *,
        bus: RemoteBus,
        forgetter: Forgetter,
        namespaces: NamespaceStore,
        recorder: Recorder,
        invocations: Invocations,
        deliverer: Deliverer | None,
    ) -> None:
        """
        Args:
            deliverer: None where events are not delivered.
        """
        self._bus = bus
        self._forgetter = forgetter
        self._namespaces = namespaces
        self._recorder = recorder
        self._invocations = invocations
        self._deliverer = deliverer

    async def forget(self, namespace: str, key: str | None) -> None:
        await self._forgetter.hear(self._namespaces, namespace, key)

    def find(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        return self._recorder.find(namespace, activation_id)

    async def flush(self) -> None:
        await self._recorder.flushed()

    def held(self, activation_ids: Collection[ActivationId]) -> Collection[ActivationId]:
        return [each for each in activation_ids if self._holds(each)]

    def due(self, lanes: Sequence[tuple[str, str]]) -> None:
        if self._deliverer is not None:
            self._deliverer.wake([Lane(*lane) for lane in lanes])

    def gone(self, member: Member) -> None:
        self._bus.gone(member)

    def seen(self, members: Sequence[Member]) -> None:
        self._bus.see(members)

    def _holds(self, activation_id: ActivationId) -> bool:
        """Tell whether it runs here, is composed here, waits here for another attempt, or has its record here.

        That a controller sent it does not count: it knows no better than who asks.
        """
        return (
            activation_id in self._bus.held()
            or self._invocations.composes(activation_id)
            or self._invocations.sees_to(activation_id)
            or self._recorder.holds(activation_id)
        )
