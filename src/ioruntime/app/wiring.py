"""Build stores, drivers, services and faces from settings, read top to bottom; and end them in the opposite order."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from ioruntime import __version__
from ioruntime.app.auditing import Auditor
from ioruntime.app.building.core import build_core
from ioruntime.app.building.services import Core
from ioruntime.app.cluster.ears import Ears
from ioruntime.app.cluster.joining import Company, joined
from ioruntime.app.cluster.leading import Work, lead
from ioruntime.app.cluster.opening import LEADING, StoreSet, in_turn, open_cluster, store_set
from ioruntime.app.console import build_sessions, sandbox_views, store_kind
from ioruntime.app.guest import credentials_path, provide_guest, write_credentials
from ioruntime.app.machine import Machine, look_around, try_sandbox
from ioruntime.app.retention import Shelves, keep_tidy
from ioruntime.app.settings import Settings
from ioruntime.app.storage import open_blobs, open_store
from ioruntime.app.system.loader import install
from ioruntime.app.system.natives import NativePackage
from ioruntime.app.telemetry import Telemetry
from ioruntime.core.alarms.reading import Alarms
from ioruntime.core.authenticate import identify
from ioruntime.core.events.journal import Journal
from ioruntime.core.observing.livelogs import LiveLogs
from ioruntime.core.throttle import Guesses
from ioruntime.core.web.responsecache import ResponseCache
from ioruntime.core.web.validators import NAMESPACE, PACKAGE, VALIDATORS
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
from ioruntime.invoker.watching import PoolLogs
from ioruntime.model.identity import Owner
from ioruntime.model.names import SYSTEM_NAMESPACE
from ioruntime.ports.clock import Clock
from ioruntime.ports.fleet import Role
from ioruntime.stores.sql.lease import SqlLease
from ioruntime.stores.sql.wal import keep_log_short

SYSTEM_OWNER = Owner("whisk", "system")
ADOBE_OWNER = Owner("adobe", NAMESPACE)


class Platform:
    """What runs, as the server sees it."""

    def __init__(self, application: Application, hosts: Hosts | None, core: Core, machine: "Machine") -> None:
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
        if Role.CONTROLLER not in self._core.roles:
            self._core.bus.leave(self._core.name)  # the others go on; where all is one process, compositions need it
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
        open_store(settings) as database,
        open_blobs(settings, database) as blobs,
        open_cluster(settings) as cluster,
        asyncio.TaskGroup() as background,
        AsyncExitStack() as opened,
    ):
        stores = store_set(database, blobs, cluster)
        core = build_core(settings, machine, stores, telemetry, url, cluster)
        if cluster is not None:
            cluster.bus.record_with(core.invocations.record_ran)
        await opened.enter_async_context(core.sender)
        await opened.enter_async_context(core.webhooks)
        await opened.enter_async_context(core.forwarding)
        recording = background.create_task(core.recorder.run(), name="record activations")
        try:
            if Role.CONTROLLER in core.roles:
                async with in_turn(settings, cluster):
                    await _provide(settings, url, core, is_new=await stores.namespaces.last_change() == 0)
            async with core.pool, core.service, core.invocations, core.deliveries.opened():
                if cluster is None:
                    await core.recovery.load()
                if Role.INVOKER in core.roles:
                    core.bus.serve(core.name, core.service.handle)
                telemetry.watch(partial(_gauges, core), lambda: list(core.pool.slots()))
                shortening = background.create_task(keep_log_short(database.engine), name="keep the store's log short")
                tidy = partial(_tidy, settings, stores, core.clock)
                recovering = background.create_task(core.recovery.run(), name="run what was accepted")
                try:
                    async with _joined(settings, core, machine, stores), _working(settings, core, stores, background, tidy):
                        faces = _faces(settings, core, machine, telemetry)
                        guesses = Guesses(settings.http.wrong_credentials_per_minute)
                        application = Application((*faces, docs.face(faces, __version__)), telemetry, guesses=guesses)
                        yield Platform(application, _hosts(settings), core, machine)
                finally:
                    recovering.cancel()
                    shortening.cancel()
        finally:
            core.recorder.close()
            await recording


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


@asynccontextmanager
async def _working(
    settings: Settings, core: Core, stores: StoreSet, background: asyncio.TaskGroup, tidy: Work
) -> AsyncGenerator[None]:
    """Do what is to be done without being asked; at the end, end what runs."""
    following = background.create_task(core.forgetter.follow(stores.namespaces), name="follow changes")
    leading = _lead(settings, core, background, (core.triggers.scheduler.run, core.deliveries.deliverer.run, tidy))
    try:
        yield
    finally:
        for task in (*leading, following):
            task.cancel()
        await core.triggers.scheduler.stop()
        core.deliveries.deliverer.stop()
        core.bus.leave(core.name)
        await core.interrupt()
        await core.recorder.flushed()


def _lead(settings: Settings, core: Core, background: asyncio.TaskGroup, works: Sequence[Work]) -> list[asyncio.Task[None]]:
    """Do what one process does for all: this one, or of a cluster whichever gets to."""
    if Role.DELIVERER not in core.roles:
        return []
    if core.cluster is not None:
        leading = lead(SqlLease(settings.store_url(), LEADING), works)
        return [background.create_task(leading, name="lead")]
    return [background.create_task(_done(work), name="work for all") for work in works]


async def _done(work: Work) -> None:
    await work()


def _joined(settings: Settings, core: Core, machine: Machine, stores: StoreSet) -> AbstractAsyncContextManager[object]:
    cluster = core.cluster
    if cluster is None:
        return nullcontext()
    ears = Ears(
        bus=cluster.bus,
        forgetter=core.forgetter,
        namespaces=stores.namespaces,
        recorder=core.recorder,
        invocations=core.invocations,
        deliverer=core.deliveries.deliverer if Role.DELIVERER in core.roles else None,
    )
    company = Company(
        hearing=ears,
        pool=core.pool,
        activations=stores.activations,
        clock=core.clock,
        interrupted=core.invocations.record_interrupted,
        probe=partial(try_sandbox, machine),
    )
    return joined(cluster, company, memory_mb=settings.invoker.total_memory_mb())


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
        ready = core.recorder.has_room and (core.cluster is None or core.cluster.link.is_connected)
        return Readiness(ready=ready, degraded=machine.degraded)

    own = platform.face(platform.PlatformServices(readiness=readiness, metrics=telemetry.metrics))
    if Role.CONTROLLER not in core.roles:
        return (own,)
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
        own,
        *_console_faces(settings, core, machine),
    )


def _console_faces(settings: Settings, core: Core, machine: Machine) -> tuple[Face, ...]:
    if not settings.console.enabled:
        return ()
    services = ConsoleServices(
        sessions=build_sessions(settings.console, settings.keys, core.clock),
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


async def _tidy(settings: Settings, stores: StoreSet, clock: Clock) -> None:
    shelves = Shelves(stores.activations, stores.events, stores.entities, stores.blobs)
    await keep_tidy(shelves, clock, retention_days=settings.retention_days)
