"""The Adobe face in front of the real core, memory stores, a real issuer with a real key, and an invoker that runs nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ioruntime.app.events.registering import EventMemory, EventParts, build_events
from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.authenticate import Authenticator, identify
from ioruntime.core.catalog import Catalog
from ioruntime.core.events.registering.registrations import Place
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.packages import PackagePut, Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.faces.adobe.routes import face
from ioruntime.faces.adobe.services import AdobeServices
from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.model.identity import Namespace, Owner
from ioruntime.model.kinds import Family, Kinds
from ioruntime.model.limits import Bound, Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Parameter
from ioruntime.stores.memory import MemoryBlobs, MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.invoker import FakeInvoker
from ioruntime.tokens.chain import ChainVerifier
from ioruntime.tokens.issuer import BuiltInIssuer

API_KEY = "acme-client"
URL = "http://platform.test"
KINDS = Kinds.of(
    {"nodejs": Family(kind="nodejs:{}", image="node:{}", default=24, oldest=6, newest=26, listed=(22, 24), command=("node",))},
    ["nodejs:24"],
)
LIMITS = Limits(invocations_per_minute=5, memory_mb=Bound(128, 256, 4096), blocking_wait_ms=20)


class TickingClock:
    """Goes one millisecond on each time it is read, so that no two entities are equally old."""

    def __init__(self) -> None:
        self._now_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        self._now_ms += 1
        return self._now_ms

    def monotonic_s(self) -> float:
        return 1_000.0


class Forgetting:
    """Tells the caches what changed, as the composition root does."""

    def __init__(self, resolver: Resolver, authenticator: Authenticator, events: EventMemory) -> None:
        self._resolver = resolver
        self._events = events
        self._authenticator = authenticator

    def entity_changed(self, namespace: str, key: str) -> None:
        self._resolver.forget(namespace, key)
        self._events.forget(namespace, key)

    def namespace_changed(self, name: str) -> None:
        self._authenticator.forget(name)

    def namespace_deleted(self, name: str) -> None:
        self._authenticator.forget(name)
        self._resolver.forget(name, None)
        self._events.forget(name, None)


class NoReporter:
    def store_failed(self, error: Exception, *, pending: int) -> None:
        raise error


class StrictObserver:
    """Takes a bug for what it is."""

    def __init__(self) -> None:
        self.crashes: list[Exception] = []

    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception) -> None:
        self.crashes.append(error)


class Platform:
    """Everything behind the face, and a client before it that brings the credentials of organization `acme`."""

    def __init__(self, data_dir: Path) -> None:
        self.now_s = 1_700_000_000.0
        self.issuer = BuiltInIssuer(data_dir, now_s=lambda: self.now_s)
        self.verifier = ChainVerifier([self.issuer], now_s=lambda: self.now_s)
        self.stores = MemoryStores()
        self.clock = TickingClock()
        self.bus = LocalBus()
        self.invoker = FakeInvoker(self.bus)
        self.recorder = Recorder(self.stores.activations, NoReporter())
        self.authenticator = Authenticator(self.stores.namespaces, self.verifier)
        self.resolver = Resolver(self.stores.entities)
        memory = EventMemory(self.stores.entities)
        listener = Forgetting(self.resolver, self.authenticator, memory)
        self.events = build_events(EventParts(self.stores.entities, memory, self.resolver, self.clock, listener, Place(URL)))
        self.namespaces = Namespaces(self.stores.namespaces, clock=self.clock, listener=listener)
        self.packages = Packages(entities=self.stores.entities, limits=LIMITS, clock=self.clock, listener=listener)
        self.catalog = Catalog(
            entities=self.stores.entities,
            packages=self.packages,
            blobs=MemoryBlobs(),
            kinds=KINDS,
            limits=LIMITS,
            clock=self.clock,
            listener=listener,
        )
        self.invocations = Invocations(
            resolver=self.resolver,
            bus=self.bus,
            store=self.stores.activations,
            recorder=self.recorder,
            admission=Admission(Throttle(), self.clock, LIMITS),
            clock=self.clock,
        )
        self.observer = StrictObserver()
        self.client = self.client_for(base_url=None)

    def client_for(self, *, base_url: str | None) -> AsgiClient:
        services = AdobeServices(
            authenticator=self.authenticator,
            namespaces=self.namespaces,
            catalog=self.catalog,
            resolver=self.resolver,
            invocations=self.invocations,
            registrations=self.events.registrations,
            limits=LIMITS,
            base_url=base_url,
        )
        return AsgiClient(Application([face(services)], self.observer))

    def token(
        self, org: str = "acme", integration: str = "42", *, client_id: str = API_KEY, admin: bool = False, ttl_s: int = 60
    ) -> str:
        scopes = ["admin"] if admin else []
        return self.issuer.issue(org=org, integration=integration, client_id=client_id, ttl_s=ttl_s, scopes=scopes)

    async def ask(
        self, method: str, target: str, *, token: str | None = None, headers: Mapping[str, str] | None = None, **body: Any
    ) -> AsgiResponse:
        """Send a request with an API key and a token: the administrator's unless another is given."""
        own = {"x-api-key": API_KEY} | dict(headers or {})
        return await self.client.request(method, target, headers=own, bearer=token or self.token(admin=True), **body)

    async def package(self, owner: Owner, name: str, *parameters: Parameter) -> None:
        identity = identify(await self.namespaces.read(owner))
        await self.packages.put(identity, EntityPath.of(identity.name, name), PackagePut(parameters=parameters), overwrite=True)


@pytest.fixture
async def platform(tmp_path: Path, data_dir: Path) -> AsyncIterator[Platform]:
    platform = Platform(data_dir)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(platform.recorder.run())
        yield platform
        platform.recorder.close()
    assert platform.observer.crashes == []


@pytest.fixture
async def acme(platform: Platform) -> Namespace:
    """The namespace of organization `acme`, integration `42`."""
    return await platform.namespaces.create(Owner.of("acme", "42"))


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key for all tests: what it signs differs, not what it is."""
    return tmp_path_factory.mktemp("data")
