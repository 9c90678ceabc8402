"""Prepare a process for its cluster, as far as that goes before its services are built."""

import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import msgspec

from ioruntime.app.cluster.fleet import LateFleet
from ioruntime.app.cluster.joining import Cluster, name_of
from ioruntime.app.cluster.roles import label_of, roles_of
from ioruntime.app.cluster.stores import SharedActivations, SharedEntities, SharedNamespaces
from ioruntime.app.settings import Settings, SettingsError
from ioruntime.bus.link import Link
from ioruntime.bus.remote import RemoteBus
from ioruntime.core.dispatch.health import Health
from ioruntime.invoker.service import ServiceReporter
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.blobs import BlobStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.entities import EntityStore
from ioruntime.ports.events import EventStore, Lane
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.stores.sql.lease import SqlLease
from ioruntime.stores.sql.stores import SqlStores

_ENVELOPE_BYTES = 256 * 1024
"""Around arguments or a result: the action, its environment, logs are apart."""

LEADING, PROVIDING = 1, 2
"""Numbers of leases."""


class StoreSet(msgspec.Struct, frozen=True):
    """What the services of a process remember with."""

    entities: EntityStore
    namespaces: NamespaceStore
    activations: ActivationStore
    events: EventStore
    blobs: BlobStore


@asynccontextmanager
async def open_cluster(settings: Settings) -> AsyncGenerator[Cluster | None]:
    """Connect to the cluster that the settings name; None: this process is alone.

    Raises:
        UnavailableError: NATS cannot be reached.
        SettingsError: NATS takes only messages that are smaller than the limits allow.
    """
    if settings.bus.url == "local":
        yield None
        return
    label = label_of(settings)
    name = name_of(label)
    async with Link.connect(settings.bus.url, name=name) as link:
        limits = settings.limits.effective()
        needed = max(limits.payload_bytes, limits.result_bytes) + _ENVELOPE_BYTES
        most = link.payload_bytes_most
        if most < needed:
            raise SettingsError(f"NATS takes messages of {most} bytes: its max_payload must be {needed} or more.")
        yield Cluster(link, RemoteBus(link, name), LateFleet(), Health(), name, label, roles_of(settings))


def store_set(stores: SqlStores, blobs: BlobStore, cluster: Cluster | None) -> StoreSet:
    """Return the stores of a database, shared with the cluster if there is one."""
    if cluster is None:
        return StoreSet(stores.entities, stores.namespaces, stores.activations, stores.events, blobs)
    fleet = cluster.fleet
    return StoreSet(
        SharedEntities(stores.entities, fleet),
        SharedNamespaces(stores.namespaces, fleet),
        SharedActivations(stores.activations, fleet),
        stores.events,
        blobs,
    )


class HealthReporter:
    """Tells the health of this invoker how activations ended, and passes everything on."""

    def __init__(self, health: Health, reporter: ServiceReporter) -> None:
        self._health = health
        self._reporter = reporter
        self._failed: set[ActivationId] = set()

    def ran(self, activation: Activation, *, kind: str, cold: bool, wait_ms: int) -> None:
        had_sandbox = activation.activation_id not in self._failed
        self._failed.discard(activation.activation_id)
        self._health.ended(provisioned=had_sandbox, now_s=time.monotonic())
        self._reporter.ran(activation, kind=kind, cold=cold, wait_ms=wait_ms)

    def not_provisioned(self, request: InvocationRequest, error: Exception) -> None:
        self._failed.add(request.activation_id)
        self._reporter.not_provisioned(request, error)

    def crashed(self, request: InvocationRequest, error: Exception, /) -> None:
        self._reporter.crashed(request, error)


def in_turn(settings: Settings, cluster: Cluster | None) -> AbstractAsyncContextManager[object]:
    """Let one process of a cluster after the other bring the store up to date."""
    return nullcontext() if cluster is None else SqlLease(settings.store_url(), PROVIDING).held()


def reporter_of(cluster: Cluster | None, reporter: ServiceReporter) -> ServiceReporter:
    """Let the cluster know how this invoker fares, if there is one."""
    return reporter if cluster is None else HealthReporter(cluster.health, reporter)


def teller(cluster: Cluster | None) -> Callable[[Collection[Lane]], None]:
    """Return what tells the process that delivers events of new ones."""

    def tell(lanes: Collection[Lane]) -> None:
        if cluster is not None and lanes:
            cluster.fleet.due(tuple(lanes))

    return tell
