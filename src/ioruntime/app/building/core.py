"""Build the services of one process out of its settings, stores and drivers; none of them runs yet."""

from collections.abc import Mapping

from ioruntime.app.building.failing import Failing
from ioruntime.app.building.observing import build_observed
from ioruntime.app.building.services import Core
from ioruntime.app.clock import SystemClock
from ioruntime.app.cluster.joining import Cluster
from ioruntime.app.cluster.opening import StoreSet, reporter_of, teller
from ioruntime.app.events.delivering import DeliveryParts, Outside, build_deliveries
from ioruntime.app.events.registering import EventMemory, EventParts, build_events
from ioruntime.app.events.sender import LateSender
from ioruntime.app.listener import Forgetter
from ioruntime.app.machine import Machine
from ioruntime.app.secrets import build_sealer
from ioruntime.app.settings import InvokerSettings, Settings
from ioruntime.app.system.natives import Natives
from ioruntime.app.telemetry import Telemetry
from ioruntime.app.tokens import build_tokens
from ioruntime.app.triggers import TriggerMemory, TriggerParts, build_triggers
from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.alarms.feed import AlarmFeed
from ioruntime.core.apis.apis import Apis
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.composing import NativeHandler
from ioruntime.core.events.registering.registrations import Place
from ioruntime.core.failing.failures import Failures
from ioruntime.core.forwarding.forwarding import LogForwarding
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.packages import Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.core.web.validators import AdobeValidator
from ioruntime.invoker.code import CodeCache
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.service import InvokerService, ServiceReporter
from ioruntime.model.kinds import NoInterpreterError
from ioruntime.ports.bus import ActivationBus
from ioruntime.ports.clock import Clock
from ioruntime.ports.sandbox import SandboxSpec


def build_core(
    settings: Settings, machine: Machine, stores: StoreSet, telemetry: Telemetry, url: str, cluster: Cluster | None
) -> Core:
    limits, clock, throttle, bus = settings.limits.effective(), SystemClock(), Throttle(), _bus(cluster)
    tokens = build_tokens(settings.auth, settings.keys, build_sealer(settings.secrets, settings.keys))
    sender, webhooks = (LateSender(private_hosts=each.private_hosts) for each in (settings.forwarding, settings.events))
    forwarding = LogForwarding(entities=stores.entities, sender=sender, clock=clock)
    observed = build_observed(stores.activations, telemetry, clock, also=forwarding.written)
    recorder, authenticator = observed.recorder, Authenticator(stores.namespaces, tokens.verifier, clock)
    resolver, event_memory = Resolver(stores.entities), EventMemory(stores.entities)
    apis = Apis(entities=stores.entities, namespaces=stores.namespaces, resolver=resolver, clock=clock, url=url)
    admission, memory = Admission(throttle, clock, limits), TriggerMemory(stores.entities)
    pool = _build_pool(settings.invoker, machine, clock, telemetry, memory_mb=limits.memory_mb.default)
    service = _build_service(settings, machine, stores, bus, pool, reporter_of(cluster, telemetry))
    others = (memory, apis, forwarding, event_memory)
    forgetter = Forgetter(
        authenticator=authenticator, resolver=resolver, throttle=throttle, recorder=recorder, pool=pool, others=others
    )
    natives = AdobeValidator(authenticator.bearer).natives() | _alarm_feed(stores, clock, forgetter).natives()
    failing = Failing(stores, resolver, recorder, telemetry)
    invocations = _build_invocations(stores, resolver, bus, recorder, admission, natives, failing.failures)
    packages = Packages(entities=stores.entities, limits=limits, clock=clock, listener=forgetter)
    fired = TriggerParts(stores, memory, resolver, invocations, recorder, admission, clock, forgetter)
    triggers = build_triggers(fired, telemetry)
    place = Place(url, settings.events.private_hosts)
    events = build_events(EventParts(stores.entities, event_memory, resolver, clock, forgetter, place))
    outside, tell = Outside(webhooks, tokens.clients, settings.keys, url, settings.events.publish_requests), teller(cluster)
    deliveries = DeliveryParts(stores, events.registrations, authenticator, resolver, invocations, clock, outside, tell)
    return Core(
        cluster=cluster,
        entities=stores.entities,
        limits=limits,
        admission=admission,
        clock=clock,
        tokens=tokens,
        bus=bus,
        pool=pool,
        service=service,
        recorder=recorder,
        tail=observed.tail,
        statistics=observed.statistics,
        sender=sender,
        webhooks=webhooks,
        forwarding=forwarding,
        apis=apis,
        forgetter=forgetter,
        authenticator=authenticator,
        resolver=resolver,
        namespaces=Namespaces(stores.namespaces, clock=clock, listener=forgetter, key_grace_s=settings.auth.key_grace_s),
        packages=packages,
        catalog=_build_catalog(settings, machine, stores, packages, forgetter),
        invocations=invocations,
        recovery=failing.connect(invocations, triggers.firing),
        activations=observed.activations,
        natives=Natives(entities=stores.entities, packages=packages, clock=clock, listener=forgetter),
        triggers=triggers,
        events=events,
        deliveries=build_deliveries(deliveries, telemetry),
    )


def _bus(cluster: Cluster | None) -> ActivationBus:
    return LocalBus() if cluster is None else cluster.bus


def _alarm_feed(stores: StoreSet, clock: Clock, listener: Forgetter) -> AlarmFeed:
    return AlarmFeed(entities=stores.entities, clock=clock, listener=listener)


def _build_invocations(
    stores: StoreSet,
    resolver: Resolver,
    bus: ActivationBus,
    recorder: Recorder,
    admission: Admission,
    natives: Mapping[str, NativeHandler],
    failures: Failures,
) -> Invocations:
    return Invocations(
        resolver=resolver,
        bus=bus,
        store=stores.activations,
        recorder=recorder,
        admission=admission,
        clock=SystemClock(),
        natives=natives,
        failures=failures,
    )


def _build_catalog(settings: Settings, machine: Machine, stores: StoreSet, packages: Packages, listener: Forgetter) -> Catalog:
    return Catalog(
        entities=stores.entities,
        packages=packages,
        blobs=stores.blobs,
        kinds=machine.kinds,
        limits=settings.limits.effective(),
        clock=SystemClock(),
        listener=listener,
    )


def _build_service(
    settings: Settings,
    machine: Machine,
    stores: StoreSet,
    bus: ActivationBus,
    pool: Pool,
    reporter: ServiceReporter,
) -> InvokerService:
    return InvokerService(
        bus=bus,
        pool=pool,
        code=CodeCache(stores.blobs, settings.data_dir / "unpacked"),
        kinds=machine.kinds,
        interpreters=machine.interpreters,
        clock=SystemClock(),
        reporter=reporter,
        marks=stores.activations,
        result_bytes_most=settings.limits.effective().result_bytes,
        queue_most=settings.invoker.queue_most,
    )


def _build_pool(settings: InvokerSettings, machine: Machine, clock: Clock, telemetry: Telemetry, *, memory_mb: int) -> Pool:
    """Build the pool; `memory_mb` is what an action has that asks for nothing, hence what is prewarmed."""
    return Pool(
        machine.driver,
        memory_mb=settings.total_memory_mb(),
        clock=clock,
        prewarm=_prewarm(settings, machine, memory_mb) if machine.runs_actions else {},
        idle_s=settings.idle_s,
        pause_grace_s=settings.pause_grace_s,
        on_start_failed=telemetry.start_failed,
    )


def _prewarm(settings: InvokerSettings, machine: Machine, memory_mb: int) -> dict[SandboxSpec, int]:
    wanted: dict[SandboxSpec, int] = {}
    for name in settings.prewarm_kinds:
        try:
            interpreter = machine.interpreters[machine.kinds.runs_as(machine.kinds.accept(name))]
        except NoInterpreterError:
            continue
        wanted[SandboxSpec(interpreter, memory_mb)] = settings.prewarm
    return wanted
