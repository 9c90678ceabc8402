"""The REST face in front of the real core, memory stores and an invoker that runs nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.firing import Firing
from ioruntime.core.forwarding.forwarding import LogForwarding
from ioruntime.core.invocation import Invocations
from ioruntime.core.observing.livelogs import LiveLogs
from ioruntime.core.observing.tail import Tail
from ioruntime.core.packages import Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.rules import Rules
from ioruntime.core.throttle import Throttle
from ioruntime.core.triggers import RuleIndex, Triggers
from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.faces.rest.routes import face
from ioruntime.faces.rest.services import RestServices
from ioruntime.model.activation import ActivationId
from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.kinds import Family, Kinds
from ioruntime.model.limits import Limits
from ioruntime.ports.tokens import Claims
from ioruntime.ports.webhooks import Webhook
from ioruntime.stores.memory import MemoryBlobs, MemoryStores
from ioruntime.testing.asgi import AsgiClient
from ioruntime.testing.invoker import FakeInvoker

GUEST = AuthKey("11111111-1111-1111-1111-111111111111", "g" * 64)
OTHER = AuthKey("22222222-2222-2222-2222-222222222222", "o" * 64)
KINDS = Kinds.of(
    {
        "nodejs": Family(kind="nodejs:{}", image="node:{}", default=24, oldest=6, newest=26, listed=(22, 24), command=("node",)),
        "python": Family(
            kind="python:3.{}", image="python:3.{}", default=11, oldest=6, newest=14, listed=(11,), command=("python",)
        ),
    },
    ["nodejs:24", "python:3.11"],
)


class NothingRuns:
    """No invoker of this process runs anything."""

    def lines(self, namespace: str, activation_id: ActivationId, *, after: int) -> Sequence[str] | None:
        return None

    def running(self, namespace: str) -> Sequence[ActivationId]:
        return ()


class TickingClock:
    """A clock that goes one millisecond on each time it is read, so that no two entities are equally old."""

    def __init__(self) -> None:
        self._now_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        self._now_ms += 1
        return self._now_ms

    def monotonic_s(self) -> float:
        return 1_000.0


class OneToken:
    """Knows one token, which reaches the guest's namespace."""

    async def verify(self, token: str) -> Claims:
        if token != "guests-token":
            raise InvalidCredentialsError
        return Claims(subject="somebody", client_id="key", orgs=frozenset({"org"}), integrations=frozenset({"guest"}))


class ForgettingListener:
    """Tells those who remember what changed."""

    def __init__(self, *memories: Resolver | RuleIndex) -> None:
        self._memories = memories

    def entity_changed(self, namespace: str, key: str) -> None:
        for memory in self._memories:
            memory.forget(namespace, key)


class NoSender:
    """Nobody sends anything in these tests."""

    async def send(self, webhook: Webhook) -> int:
        raise AssertionError(webhook)


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


@pytest.fixture
def limits() -> Limits:
    return Limits(invocations_per_minute=20, concurrent_invocations=5, code_bytes=1000, parameters_bytes=500)


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
def invoker(bus: LocalBus) -> FakeInvoker:
    return FakeInvoker(bus)


@pytest.fixture
async def stores() -> MemoryStores:
    stores = MemoryStores()
    await stores.namespaces.create(Namespace(name="guest", owner=Owner("org", "guest"), auth=GUEST))
    await stores.namespaces.create(Namespace(name="other", owner=Owner("org", "other"), auth=OTHER))
    return stores


@pytest.fixture
async def services(stores: MemoryStores, bus: LocalBus, limits: Limits) -> AsyncIterator[RestServices]:
    clock = TickingClock()
    resolver = Resolver(stores.entities)
    index = RuleIndex(stores.entities)
    listener = ForgettingListener(resolver, index)
    recorder = Recorder(stores.activations, NoReporter())
    packages = Packages(entities=stores.entities, limits=limits, clock=clock, listener=listener)
    admission = Admission(Throttle(), clock, limits)
    triggers = Triggers(entities=stores.entities, rules=index, limits=limits, clock=clock, listener=listener)
    invocations = Invocations(
        resolver=resolver,
        bus=bus,
        store=stores.activations,
        recorder=recorder,
        admission=admission,
        clock=clock,
    )
    async with asyncio.TaskGroup() as tasks, invocations:
        tasks.create_task(recorder.run(), name="recorder")
        yield RestServices(
            authenticator=Authenticator(stores.namespaces, OneToken()),
            resolver=resolver,
            invocations=invocations,
            catalog=Catalog(
                entities=stores.entities,
                packages=packages,
                blobs=MemoryBlobs(),
                kinds=KINDS,
                limits=limits,
                clock=clock,
                listener=listener,
            ),
            packages=packages,
            activations=Activations(stores.activations, recorder),
            live=LiveLogs(NothingRuns(), Activations(stores.activations, recorder), Tail(), is_expected=invocations.is_expected),
            forwarding=LogForwarding(entities=stores.entities, sender=NoSender(), clock=clock),
            triggers=triggers,
            rules=Rules(entities=stores.entities, resolver=resolver, limits=limits, clock=clock, listener=listener),
            firing=Firing(
                triggers=triggers,
                resolver=resolver,
                invocations=invocations,
                recorder=recorder,
                admission=admission,
                clock=clock,
            ),
            limits=limits,
            kinds=KINDS,
            build="2026-01-01",
            buildno="0.1.0",
        )
        recorder.close()


@pytest.fixture
async def anonymous(services: RestServices, invoker: FakeInvoker) -> AsyncIterator[AsgiClient]:
    """Without credentials."""
    observer = StrictObserver()
    yield AsgiClient(Application([face(services)], observer))
    assert observer.crashes == []


@pytest.fixture
def client(anonymous: AsgiClient) -> AsgiClient:
    """The guest."""
    return AsgiClient(anonymous.application, basic=str(GUEST))


@pytest.fixture
def stranger(anonymous: AsgiClient) -> AsgiClient:
    """The owner of the namespace `other`."""
    return AsgiClient(anonymous.application, basic=str(OTHER))
