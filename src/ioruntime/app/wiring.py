"""Build stores, drivers, services and faces from settings, read top to bottom; and end them in the opposite order."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from ioruntime import __version__
from ioruntime.app.auditing import Auditor
from ioruntime.app.clock import SystemClock
from ioruntime.app.console import build_sessions, sandbox_views, store_kind
from ioruntime.app.events.delivering import Deliveries, DeliveryParts, Outside, build_deliveries
from ioruntime.app.events.registering import EventMemory, EventParts, Events, build_events
from ioruntime.app.events.sender import LateSender
from ioruntime.app.failing import Failing
from ioruntime.app.guest import credentials_path, provide_guest, write_credentials
from ioruntime.app.listener import Forgetter
from ioruntime.app.machine import Machine, look_around
from ioruntime.app.observing import build_observed
from ioruntime.app.retention import Shelves, keep_tidy
from ioruntime.app.secrets import build_sealer
from ioruntime.app.settings import InvokerSettings, Settings
from ioruntime.app.storage import open_blobs, open_store
from ioruntime.app.system.loader import install
from ioruntime.app.system.natives import NativePackage, Natives
from ioruntime.app.telemetry import Telemetry
from ioruntime.app.tokens import Tokens, build_tokens
from ioruntime.app.triggers import TriggerMemory, TriggerParts, TriggerServices, build_triggers
from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.alarms.feed import AlarmFeed
from ioruntime.core.alarms.reading import Alarms
from ioruntime.core.apis.apis import Apis
from ioruntime.core.authenticate import Authenticator, identify
from ioruntime.core.catalog import Catalog
from ioruntime.core.composing import NativeHandler
from ioruntime.core.events.journal import Journal
from ioruntime.core.events.registering.registrations import Place
from ioruntime.core.failing.failures import Failures
from ioruntime.core.forwarding.forwarding import LogForwarding
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.observing.livelogs import LiveLogs
from ioruntime.core.observing.statistics import Statistics
from ioruntime.core.observing.tail import Tail
from ioruntime.core.packages import Packages
from ioruntime.core.recovery import Recovery
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Guesses, Throttle
from ioruntime.core.web.responsecache import ResponseCache
from ioruntime.core.web.validators import NAMESPACE, PACKAGE, VALIDATORS, AdobeValidator
from ioruntime.core.webactions import CACHE_BYTES, WebActions
from ioruntime.faces.adobe import routes as adobe
from ioruntime.faces.adobe.errors import GatewayError, gateway_form
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.adobe.services import AdobeServices
from ioruntime.faces.console import routes as console
from ioruntime.faces.console.services import ConsoleServices, EventSide, PlatformView
from ioruntime.faces.docs import routes as docs
from ioruntime.faces.events import publishing
from ioruntime.faces.events import routes as events
from ioruntime.faces.events.services import EventServices
from ioruntime.faces.gateway import routes as gateway
from ioruntime.faces.gateway.services import GatewayServices, no_host
from ioruntime.faces.http.application import Application, Face
from ioruntime.faces.ims import routes as ims
from ioruntime.faces.ims.services import ImsServices
from ioruntime.faces.platform import routes as platform
from ioruntime.faces.platform.routes import Readiness
from ioruntime.faces.rest import routes as rest
from ioruntime.faces.rest.services import RestServices
from ioruntime.faces.web import routes as web
from ioruntime.faces.web.hosts import Hosts
from ioruntime.faces.web.services import WebServices
from ioruntime.faces.web.short import Served, ShortPaths
from ioruntime.invoker.code import CodeCache
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.service import InvokerService
from ioruntime.invoker.watching import PoolLogs
from ioruntime.model.identity import Owner
from ioruntime.model.kinds import NoInterpreterError
from ioruntime.model.limits import Limits
from ioruntime.model.names import SYSTEM_NAMESPACE
from ioruntime.ports.activations import BeginMarks
from ioruntime.ports.blobs import BlobStore
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore
from ioruntime.ports.sandbox import SandboxSpec
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.stores.sql.wal import keep_log_short

SYSTEM_OWNER = Owner("whisk", "system")
ADOBE_OWNER = Owner("adobe", NAMESPACE)
_INVOKER = "local"


class Platform:
    """What runs, as the server sees it."""

    def __init__(self, application: Application, hosts: Hosts | None, core: "Core", machine: "Machine") -> None:
        self.application = application
        self.served: Served = application if hosts is None else ShortPaths(application, hosts, application.faces)
        """The application as clients reach it."""
        self.machine = machine
        self._core = core

    async def warm(self) -> None:
        """Wait until the first prewarmed sandboxes are up."""
        await self._core.pool.prewarmed()

    def release(self) -> None:
        """Let go of requests that only wait for something to happen, and end the answers that have no end of their own."""
        self._core.deliveries.arrivals.close()
        self._core.tail.close()

    async def drained(self) -> None:
        """Fire no more alarms, deliver nothing more, and wait until no activation runs; compositions first."""
        self._core.recovery.stop()
        await self._core.triggers.scheduler.stop()
        self._core.deliveries.deliverer.stop()
        await self._core.deliveries.deliverer.drained()
        await self._core.invocations.drained()
        await self._core.service.drained()

    async def interrupt(self) -> None:
        """End the activations that run, each with its record and its answer."""
        await self._core.interrupt()


@asynccontextmanager
async def open_platform(settings: Settings, url: str) -> AsyncGenerator[Platform]:
    """Run one process's services while the context lasts.

    Args:
        settings: what the operator set.
        url: where clients reach this server.

    Raises:
        UnavailableError, SchemaError: the store cannot be used.
    """
    machine = look_around(settings, url)
    telemetry = Telemetry()
    async with (
        open_store(settings) as stores,
        open_blobs(settings, stores) as blobs,
        asyncio.TaskGroup() as background,
        AsyncExitStack() as opened,
    ):
        core = _build_core(settings, machine, stores, blobs, telemetry, url)
        await opened.enter_async_context(core.sender)
        await opened.enter_async_context(core.webhooks)
        await opened.enter_async_context(core.forwarding)
        recording = background.create_task(core.recorder.run(), name="record activations")
        try:
            await _provide(settings, url, core, is_new=await stores.namespaces.last_change() == 0)
            async with core.pool, core.service, core.invocations, core.deliveries.opened():
                await core.recovery.load()
                core.bus.serve(_INVOKER, core.service.handle)
                telemetry.watch(partial(_gauges, core), lambda: list(core.pool.slots()))
                following = background.create_task(core.forgetter.follow(stores.namespaces), name="follow changes")
                tidying = background.create_task(_tidy(settings, stores, blobs, core.clock), name="keep tidy")
                shortening = background.create_task(keep_log_short(stores.engine), name="keep the store's log short")
                recovering = background.create_task(core.recovery.run(), name="run what was accepted")
                background.create_task(core.triggers.scheduler.run(), name="fire alarms")
                background.create_task(core.deliveries.deliverer.run(), name="deliver events")
                try:
                    faces = _faces(settings, core, machine, telemetry)
                    guesses = Guesses(settings.http.wrong_credentials_per_minute)
                    application = Application((*faces, docs.face(faces, __version__)), telemetry, guesses=guesses)
                    yield Platform(application, _hosts(settings), core, machine)
                finally:
                    recovering.cancel()
                    await core.triggers.scheduler.stop()
                    core.deliveries.deliverer.stop()
                    core.bus.leave(_INVOKER)
                    following.cancel()
                    tidying.cancel()
                    shortening.cancel()
                    await core.interrupt()
        finally:
            core.recorder.close()
            await recording


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """The services of one process."""

    entities: EntityStore
    limits: Limits
    admission: Admission
    clock: Clock
    tokens: Tokens
    bus: LocalBus
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

    async def interrupt(self) -> None:
        """End what runs: compositions first, so that they start nothing more."""
        await self.invocations.interrupt()
        await self.service.interrupt()


def _build_core(
    settings: Settings, machine: Machine, stores: SqlStores, blobs: BlobStore, telemetry: Telemetry, url: str
) -> Core:
    limits, clock, bus = settings.limits.effective(), SystemClock(), LocalBus()
    tokens = build_tokens(settings.auth, settings.keys, build_sealer(settings.secrets, settings.keys))
    event_memory = EventMemory(stores.entities)
    sender, webhooks = (LateSender(private_hosts=each.private_hosts) for each in (settings.forwarding, settings.events))
    forwarding = LogForwarding(entities=stores.entities, sender=sender, clock=clock)
    observed = build_observed(stores.activations, telemetry, clock, also=forwarding.written)
    recorder = observed.recorder
    authenticator = Authenticator(stores.namespaces, tokens.verifier, clock)
    resolver, throttle = Resolver(stores.entities), Throttle()
    apis = Apis(entities=stores.entities, namespaces=stores.namespaces, resolver=resolver, clock=clock, url=url)
    admission, memory = Admission(throttle, clock, limits), TriggerMemory(stores.entities)
    pool = _build_pool(settings.invoker, machine, clock, telemetry, memory_mb=limits.memory_mb.default)
    code, others = CodeCache(blobs, settings.data_dir / "unpacked"), (memory, apis, forwarding, event_memory)
    service = _build_service(settings, machine, bus, pool, code, stores.activations, telemetry)
    forgetter = Forgetter(
        authenticator=authenticator, resolver=resolver, throttle=throttle, recorder=recorder, pool=pool, others=others
    )
    natives = AdobeValidator(authenticator.bearer).natives() | _alarm_feed(stores, clock, forgetter).natives()
    failing = Failing(stores, resolver, recorder, telemetry)
    invocations = _build_invocations(stores, resolver, bus, recorder, admission, natives, failing.failures)
    packages = Packages(entities=stores.entities, limits=limits, clock=clock, listener=forgetter)
    parts = TriggerParts(stores, memory, resolver, invocations, recorder, admission, clock, forgetter)
    triggers = build_triggers(parts, telemetry)
    place = Place(url, settings.events.private_hosts)
    events = build_events(EventParts(stores.entities, event_memory, resolver, clock, forgetter, place))
    outside = Outside(webhooks, tokens.clients, settings.keys, url, settings.events.publish_requests)
    deliveries = DeliveryParts(stores, events.registrations, authenticator, resolver, invocations, clock, outside)
    return Core(
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
        catalog=_build_catalog(settings, machine, stores, blobs, packages, forgetter),
        invocations=invocations,
        recovery=failing.connect(invocations, triggers.firing),
        activations=observed.activations,
        natives=Natives(entities=stores.entities, packages=packages, clock=clock, listener=forgetter),
        triggers=triggers,
        events=events,
        deliveries=build_deliveries(deliveries, telemetry),
    )


def _alarm_feed(stores: SqlStores, clock: Clock, listener: Forgetter) -> AlarmFeed:
    return AlarmFeed(entities=stores.entities, clock=clock, listener=listener)


def _build_invocations(
    stores: SqlStores,
    resolver: Resolver,
    bus: LocalBus,
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


def _build_catalog(
    settings: Settings, machine: Machine, stores: SqlStores, blobs: BlobStore, packages: Packages, listener: Forgetter
) -> Catalog:
    return Catalog(
        entities=stores.entities,
        packages=packages,
        blobs=blobs,
        kinds=machine.kinds,
        limits=settings.limits.effective(),
        clock=SystemClock(),
        listener=listener,
    )


def _build_service(
    settings: Settings, machine: Machine, bus: LocalBus, pool: Pool, code: CodeCache, marks: BeginMarks, telemetry: Telemetry
) -> InvokerService:
    return InvokerService(
        bus=bus,
        pool=pool,
        code=code,
        kinds=machine.kinds,
        interpreters=machine.interpreters,
        clock=SystemClock(),
        reporter=telemetry,
        marks=marks,
        result_bytes_most=settings.limits.effective().result_bytes,
        queue_most=settings.invoker.queue_most,
    )


def _build_pool(settings: InvokerSettings, machine: Machine, clock: Clock, telemetry: Telemetry, *, memory_mb: int) -> Pool:
    """Build the pool; `memory_mb` is what an action has that asks for nothing, hence what is prewarmed."""
    return Pool(
        machine.driver,
        memory_mb=settings.total_memory_mb(),
        clock=clock,
        prewarm=_prewarm(settings, machine, memory_mb),
        idle_s=settings.idle_s,
        pause_grace_s=settings.pause_grace_s,
        on_start_failed=telemetry.start_failed,
    )


async def _provide(settings: Settings, url: str, core: Core, *, is_new: bool) -> None:
    """Bring the store to what a server needs: its first namespace, and the shipped actions."""
    guest = await provide_guest(settings, core.namespaces, is_new=is_new)
    if guest is None:
        credentials_path(settings).unlink(missing_ok=True)
    else:
        write_credentials(settings, url, guest, core.tokens)
    system = await core.namespaces.create(SYSTEM_OWNER, name=SYSTEM_NAMESPACE)
    await install(core.catalog, core.packages, identify(system))
    await core.natives.install(identify(system))
    await _install_validators(core)


async def _install_validators(core: Core) -> None:
    identity = identify(await core.namespaces.create(ADOBE_OWNER, name=NAMESPACE))
    actions: dict[str, dict[str, Any]] = {name: {"description": text} for name, text in VALIDATORS.items()}
    await core.natives.install(identity, {PACKAGE: NativePackage("Checks of requests by Adobe's tokens", actions)})


def _web_actions(settings: Settings, core: Core) -> WebActions:
    return WebActions(
        authenticator=core.authenticator,
        resolver=core.resolver,
        invocations=core.invocations,
        admission=core.admission,
        clock=core.clock,
        cache=ResponseCache(most_bytes=CACHE_BYTES) if settings.web.cache else None,
        adobe=settings.limits.profile == "adobe",
    )


def _hosts(settings: Settings) -> Hosts | None:
    """Return the hosts that stand for namespaces, None where there are none."""
    web = settings.web
    return Hosts(web.host, web.redirect, web.named_hosts) if web.host is not None or web.hosts else None


def _web_faces(settings: Settings, core: Core, web_actions: WebActions) -> tuple[Face, ...]:
    hosts = _hosts(settings)
    web_services = WebServices(
        authenticator=core.authenticator,
        web=web_actions,
        resolver=core.resolver,
        hosts=hosts,
        scheme=None if settings.public_url is None else settings.public_url.partition(":")[0],
        gateway_headers=settings.limits.profile == "adobe",
    )
    api_services = GatewayServices(
        clock=core.clock,
        apis=core.apis,
        authenticator=core.authenticator,
        web=web_actions,
        namespace_of_host=no_host if hosts is None else hosts.namespace_of,
    )
    return (web.face(web_services), gateway.management_face(api_services), gateway.serving_face(api_services))


def _faces(settings: Settings, core: Core, machine: Machine, telemetry: Telemetry) -> tuple[Face, ...]:
    def readiness() -> Readiness:
        return Readiness(ready=core.recorder.has_room, degraded=machine.degraded)

    return (
        rest.face(
            RestServices(
                authenticator=core.authenticator,
                resolver=core.resolver,
                invocations=core.invocations,
                catalog=core.catalog,
                packages=core.packages,
                activations=core.activations,
                live=LiveLogs(PoolLogs(core.pool), core.activations, core.tail, is_expected=core.invocations.is_expected),
                forwarding=core.forwarding,
                triggers=core.triggers.triggers,
                rules=core.triggers.rules,
                firing=core.triggers.firing,
                limits=core.limits,
                kinds=machine.kinds,
                build=f"ioruntime {__version__}",
                buildno=__version__,
            )
        ),
        adobe.face(
            AdobeServices(
                authenticator=core.authenticator,
                namespaces=core.namespaces,
                catalog=core.catalog,
                resolver=core.resolver,
                invocations=core.invocations,
                registrations=core.events.registrations,
                limits=core.limits,
                audit=Auditor(settings.log.audit_file),
                base_url=settings.public_url,
            )
        ),
        events.face(
            EventServices(
                gate=Gatekeeper(core.authenticator),
                registrations=core.events.registrations,
                providers=core.events.providers,
                error_form=gateway_form,
                error=GatewayError,
                base_url=settings.public_url,
            )
        ),
        _publishing_face(core),
        *_web_faces(settings, core, _web_actions(settings, core)),
        ims.face(ImsServices(issuer=core.tokens.issuer, clients=core.tokens.clients, base_url=settings.public_url)),
        platform.face(platform.PlatformServices(readiness=readiness, metrics=telemetry.metrics)),
        *_console_faces(settings, core, machine),
    )


def _console_faces(settings: Settings, core: Core, machine: Machine) -> tuple[Face, ...]:
    if not settings.console.enabled:
        return ()
    services = ConsoleServices(
        sessions=build_sessions(settings.console, settings.data_dir, core.clock),
        authenticator=core.authenticator,
        namespaces=core.namespaces,
        resolver=core.resolver,
        catalog=core.catalog,
        packages=core.packages,
        invocations=core.invocations,
        activations=core.activations,
        tail=core.tail,
        statistics=core.statistics,
        events=EventSide(
            providers=core.events.providers,
            registrations=core.events.registrations,
            store=core.deliveries.store,
            deliverer=core.deliveries.deliverer,
            journal=Journal(core.deliveries.store, core.clock, core.deliveries.arrivals),
        ),
        platform=partial(_platform_view, settings, core, machine),
        triggers=core.triggers.triggers,
        alarms=Alarms(core.entities),
        rules=core.triggers.rules,
        firing=core.triggers.firing,
        limits=core.limits,
        kinds=machine.kinds,
        clock=core.clock,
        version=__version__,
        base_url=settings.public_url,
    )
    return (console.face(services),)


def _platform_view(settings: Settings, core: Core, machine: Machine) -> PlatformView:
    return PlatformView(
        invokers=core.bus.invokers(),
        isolation=machine.driver.name,
        sandboxes=sandbox_views(core.pool.slots()),
        queues={name.replace("_", " ").capitalize(): number for name, number in _gauges(core).items()},
        store={"Database": store_kind(settings), "Data directory": str(settings.data_dir.absolute())},
        degraded=machine.degraded,
    )


def _publishing_face(core: Core) -> Face:
    return publishing.face(
        publishing.PublishingServices(
            gate=Gatekeeper(core.authenticator),
            ingress=core.deliveries.ingress,
            registrations=core.events.registrations,
            store=core.deliveries.store,
            deliverer=core.deliveries.deliverer,
            arrivals=core.deliveries.arrivals,
            clock=core.clock,
            public_key=core.deliveries.keys.public,
            accept=core.deliveries.validation.accept,
            error_form=gateway_form,
            error=GatewayError,
        )
    )


def _gauges(core: Core) -> dict[str, float]:
    return {
        "activations_in_flight": core.service.in_flight,
        "activations_waiting": core.pool.waiting,
        "records_pending": core.recorder.pending,
    }


async def _tidy(settings: Settings, stores: SqlStores, blobs: BlobStore, clock: Clock) -> None:
    shelves = Shelves(stores.activations, stores.events, stores.entities, blobs)
    await keep_tidy(shelves, clock, retention_days=settings.retention_days)


def _prewarm(settings: InvokerSettings, machine: Machine, memory_mb: int) -> dict[SandboxSpec, int]:
    wanted: dict[SandboxSpec, int] = {}
    for name in settings.prewarm_kinds:
        try:
            interpreter = machine.interpreters[machine.kinds.runs_as(machine.kinds.accept(name))]
        except NoInterpreterError:
            continue
        wanted[SandboxSpec(interpreter, memory_mb)] = settings.prewarm
    return wanted
