"""Build stores, drivers, services and faces from settings, read top to bottom; and end them in the opposite order."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from ioruntime.app.clock import SystemClock
from ioruntime.app.guest import provide_guest, write_credentials
from ioruntime.app.listener import Forgetter
from ioruntime.app.retention import keep_tidy
from ioruntime.app.settings import Settings, runtimes_directory
from ioruntime.app.system.loader import install
from ioruntime.app.telemetry import Telemetry
from ioruntime.app.tokens import build_verifier
from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.authenticate import Authenticator, identify
from ioruntime.core.catalog import Catalog
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.packages import Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.faces.adobe import routes as adobe
from ioruntime.faces.http.application import Application
from ioruntime.faces.ims import routes as ims
from ioruntime.faces.platform import routes as platform
from ioruntime.faces.rest import routes as rest
from ioruntime.invoker.code import CodeCache
from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.guard import GuardedDriver
from ioruntime.invoker.drivers.process import ProcessDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.invoker.interpreters import discover, load_families
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.service import InvokerService
from ioruntime.model.identity import Owner
from ioruntime.model.kinds import Kinds, NoInterpreterError
from ioruntime.model.names import SYSTEM_NAMESPACE
from ioruntime.ports.sandbox import Interpreter, SandboxDriver, SandboxSpec
from ioruntime.stores.blobs import FileBlobs
from ioruntime.stores.sql.stores import SqlStores

SYSTEM_OWNER = Owner("whisk", "system")
_INVOKER = "local"


class Platform:
    """Everything that one process runs."""

    def __init__(self, application: Application, service: InvokerService, pool: Pool, found: tuple[str, ...], degraded: tuple[str, ...]) -> None:
        self.application = application
        self.found = found
        """Sentences on what this machine has."""
        self.degraded = degraded
        """Sentences on what it has not, and how to get it."""
        self._service = service
        self._pool = pool

    async def warm(self) -> None:
        """Wait until the first prewarmed sandboxes are up."""
        await self._pool.prewarmed()

    async def drain(self, grace_s: float) -> None:
        """Let running activations finish; after the grace time end them, each with its record."""
        try:
            async with asyncio.timeout(grace_s):
                await self._service.drained()
        except TimeoutError:
            await self._service.interrupt()


@asynccontextmanager
async def open_platform(settings: Settings, url: str) -> AsyncGenerator[Platform]:
    """Run one process's services while the context lasts.

    Args:
        settings: what the operator set.
        url: where clients reach this server.

    Raises:
        UnavailableError, SchemaError: the store cannot be used.
    """
    limits = settings.limits.effective()
    clock, telemetry = SystemClock(), Telemetry()
    interpreters = _interpreters(settings, url)
    kinds = Kinds.of(load_families(), interpreters)
    driver = build_driver(settings)
    verifier = build_verifier(settings)

    async with (
        SqlStores.open(settings.store_url()) as stores,
        FileBlobs(settings.data_dir / "blobs") as blobs,
        verifier.opened(),
        asyncio.TaskGroup() as background,
    ):
        recorder = Recorder(stores.activations, telemetry)
        authenticator = Authenticator(stores.namespaces, verifier)
        resolver = Resolver(stores.entities)
        throttle = Throttle()
        bus = LocalBus()
        pool = Pool(
            driver,
            memory_mb=settings.invoker.total_memory_mb(),
            clock=clock,
            prewarm=_prewarm(settings, kinds, interpreters, limits.memory_mb.default),
            idle_s=settings.invoker.idle_s,
            pause_grace_s=settings.invoker.pause_grace_s,
            on_start_failed=telemetry.start_failed,
        )
        forgetter = Forgetter(authenticator=authenticator, resolver=resolver, throttle=throttle, recorder=recorder, pool=pool)
        namespaces = Namespaces(stores.namespaces, clock=clock, listener=forgetter)
        packages = Packages(entities=stores.entities, limits=limits, clock=clock, listener=forgetter)
        catalog = Catalog(
            entities=stores.entities, packages=packages, blobs=blobs, kinds=kinds, limits=limits, clock=clock, listener=forgetter
        )
        invocations = Invocations(
            bus=bus, store=stores.activations, recorder=recorder, throttle=throttle, clock=clock, limits=limits
        )
        activations = Activations(stores.activations, recorder)

        recording = background.create_task(recorder.run(), name="record activations")
        is_new = await stores.namespaces.last_change() == 0
        guest = await provide_guest(settings, namespaces, is_new=is_new)
        if guest is not None:
            write_credentials(settings, url, guest, verifier.clients, verifier.issuer)
        await install(catalog, packages, identify(await namespaces.create(SYSTEM_OWNER, name=SYSTEM_NAMESPACE)))
        await invocations.recover()

        async with pool, InvokerService(
            bus=bus,
            pool=pool,
            code=CodeCache(blobs, settings.data_dir / "unpacked"),
            kinds=kinds,
            interpreters=interpreters,
            clock=clock,
            reporter=telemetry,
            result_bytes_most=limits.result_bytes,
            queue_most=settings.invoker.queue_most,
        ) as service:
            bus.serve(_INVOKER, service.handle)
            telemetry.watch(
                lambda: {"activations_in_flight": service.in_flight, "activations_waiting": pool.waiting, "records_pending": recorder.pending},
                lambda: list(pool.slots()),
            )
            following = background.create_task(forgetter.follow(stores.namespaces), name="follow changes")
            tidying = background.create_task(keep_tidy(stores.activations, stores.entities, blobs, clock, retention_days=settings.retention_days), name="keep tidy")
            degraded = driver.degradations()
            rest_services = rest.RestServices(
                authenticator=authenticator,
                resolver=resolver,
                invocations=invocations,
                catalog=catalog,
                packages=packages,
                activations=activations,
                limits=limits,
                kinds=kinds,
            )
            adobe_services = adobe.AdobeServices(
                authenticator=authenticator,
                namespaces=namespaces,
                resolver=resolver,
                invocations=invocations,
                catalog=catalog,
                packages=packages,
                limits=limits,
                base_url=settings.public_url,
            )
            faces = (
                rest.face(rest_services),
                adobe.face(adobe_services),
                ims.face(ims.ImsServices(clients=verifier.clients, issuer=verifier.issuer)),
                platform.face(
                    platform.PlatformServices(
                        readiness=lambda: platform.Readiness(ready=recorder.has_room, degraded=degraded), metrics=telemetry.metrics
                    )
                ),
            )
            try:
                yield Platform(Application(faces, telemetry), service, pool, _found(driver, interpreters), degraded)
            finally:
                bus.leave(_INVOKER)
                following.cancel()
                tidying.cancel()
                await service.interrupt()
        recorder.close()
        await recording


def build_driver(settings: Settings) -> SandboxDriver:
    """Build the isolation driver that the settings name."""
    driver_settings = DriverSettings(
        state_dir=settings.data_dir / "sandboxes", network=settings.invoker.network, tmp_mb=settings.invoker.tmp_mb
    )
    match settings.invoker.driver:
        case "bubblewrap":
            return GuardedDriver(BubblewrapDriver(driver_settings))
        case "process":
            return GuardedDriver(ProcessDriver(driver_settings))


def _interpreters(settings: Settings, url: str) -> dict[str, Interpreter]:
    added = (("__OW_API_HOST", url), ("__OW_ALLOW_CONCURRENT", "true"))
    found = discover(runtimes_directory(settings))
    return {kind: msgspec.structs.replace(i, environment=(*i.environment, *added)) for kind, i in found.items()}


def _prewarm(settings: Settings, kinds: Kinds, interpreters: dict[str, Interpreter], memory_mb: int) -> dict[SandboxSpec, int]:
    wanted: dict[SandboxSpec, int] = {}
    for name in settings.invoker.prewarm_kinds:
        try:
            interpreter = interpreters[kinds.runs_as(kinds.accept(name))]
        except NoInterpreterError:
            continue
        wanted[SandboxSpec(interpreter, memory_mb)] = settings.invoker.prewarm
    return wanted


def _found(driver: SandboxDriver, interpreters: dict[str, Interpreter]) -> tuple[str, ...]:
    kinds = ", ".join(f"{kind} ({interpreter.version})" for kind, interpreter in sorted(interpreters.items())) or "none"
    return (f"kinds: {kinds}", f"isolation: {driver.name}")
