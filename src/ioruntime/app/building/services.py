"""The services of one process, by name."""

import msgspec

from ioruntime.app.cluster.joining import Cluster
from ioruntime.app.events.delivering import Deliveries
from ioruntime.app.events.registering import Events
from ioruntime.app.events.sender import LateSender
from ioruntime.app.listener import Forgetter
from ioruntime.app.system.natives import Natives
from ioruntime.app.tokens import Tokens
from ioruntime.app.triggers import TriggerServices
from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.apis.apis import Apis
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.forwarding.forwarding import LogForwarding
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.observing.statistics import Statistics
from ioruntime.core.observing.tail import Tail
from ioruntime.core.packages import Packages
from ioruntime.core.recovery import Recovery
from ioruntime.core.resolve import Resolver
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.service import InvokerService
from ioruntime.model.limits import Limits
from ioruntime.ports.bus import ActivationBus
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore
from ioruntime.ports.fleet import Role

ALONE = "local"
"""The invoker of a process that is alone."""


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """The services of one process."""

    cluster: Cluster | None
    entities: EntityStore
    limits: Limits
    admission: Admission
    clock: Clock
    tokens: Tokens
    bus: ActivationBus
    pool: Pool
    service: InvokerService
    recorder: Recorder
    tail: Tail
    statistics: Statistics
    sender: LateSender
    webhooks: LateSender
    forwarding: LogForwarding
    apis: Apis
    forgetter: Forgetter
    authenticator: Authenticator
    resolver: Resolver
    namespaces: Namespaces
    packages: Packages
    catalog: Catalog
    invocations: Invocations
    recovery: Recovery
    activations: Activations
    triggers: TriggerServices
    events: Events
    deliveries: Deliveries
    natives: Natives

    @property
    def name(self) -> str:
        """Among the invokers of the bus."""
        return ALONE if self.cluster is None else self.cluster.name

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(Role) if self.cluster is None else self.cluster.roles

    async def interrupt(self) -> None:
        """End what runs: compositions first, so that they start nothing more."""
        await self.invocations.interrupt()
        await self.service.interrupt()
