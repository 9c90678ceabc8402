"""The face of web actions in front of the real core, memory stores and an invoker that answers what a test says."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.invocation import Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.core.web.responsecache import ResponseCache
from ioruntime.core.web.validators import NAMESPACE, PACKAGE, VALIDATORS, AdobeValidator, handler_of
from ioruntime.core.webactions import WebActions
from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.faces.web.hosts import Hosts
from ioruntime.faces.web.routes import face
from ioruntime.faces.web.services import WebServices
from ioruntime.faces.web.short import ShortPaths
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, Status
from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.model.exec import CodeExec, CodeReference, Exec, NativeExec, SequenceExec
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import Annotation, Parameter
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.tokens import Claims
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.clock import HandClock
from ioruntime.testing.invoker import FakeInvoker, ended

GUEST = AuthKey("11111111-1111-1111-1111-111111111111", "g" * 64)
OTHER = AuthKey("22222222-2222-2222-2222-222222222222", "o" * 64)
LIMITS = Limits(invocations_per_minute=40, payload_bytes=2000, blocking_wait_ms=20)
CODE = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
VALID = "valid-token"


class OneToken:
    """Knows one token, which reaches one organization."""

    async def verify(self, token: str) -> Claims:
        if token != VALID:
            raise InvalidCredentialsError
        return Claims(subject="somebody", client_id="key", orgs=frozenset({"org@AdobeOrg"}), integrations=frozenset({"*"}))


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
    """Everything behind the face. An action without a result of its own answers with its arguments as the body."""

    def __init__(self) -> None:
        self.stores = MemoryStores()
        self.clock = HandClock()
        self.bus = LocalBus()
        self.invoker = FakeInvoker(self.bus, self._answer)
        self.results: dict[str, tuple[Any, Status]] = {}
        self.recorder = Recorder(self.stores.activations, NoReporter())
        self.resolver = Resolver(self.stores.entities)
        self.authenticator = Authenticator(self.stores.namespaces, OneToken())
        self.throttle = Throttle()
        admission = Admission(self.throttle, self.clock, LIMITS)
        self.invocations = Invocations(
            resolver=self.resolver,
            bus=self.bus,
            store=self.stores.activations,
            recorder=self.recorder,
            admission=admission,
            clock=self.clock,
            natives=AdobeValidator(self.authenticator.bearer).natives(),
        )
        self.admission = admission
        self.observer = StrictObserver()
        self.client = self.client_for()

    def client_for(self, *, adobe: bool = False, cache: bool = False, hosts: Hosts | None = None) -> AsgiClient:
        web = WebActions(
            authenticator=self.authenticator,
            resolver=self.resolver,
            invocations=self.invocations,
            admission=self.admission,
            clock=self.clock,
            cache=ResponseCache(most_bytes=100_000) if cache else None,
            adobe=adobe,
        )
        services = WebServices(
            authenticator=self.authenticator, web=web, resolver=self.resolver, hosts=hosts, gateway_headers=adobe
        )
        application = Application([face(services)], self.observer)
        return AsgiClient(application if hosts is None else ShortPaths(application, hosts, application.faces))

    async def action(
        self,
        path: str = "guest/p/a",
        result: Any = msgspec.UNSET,
        *,
        status: Status = Status.SUCCESS,
        parameters: Mapping[str, Any] | None = None,
        exec: Exec = CODE,  # noqa: A002 - the entity's word
        **annotations: Any,
    ) -> None:
        """Store an action, or a new revision of it; a web action unless `web_export=False`. `_` stands for `-` in annotations."""
        namespace, *segments = path.split("/")
        at = EntityPath.of(namespace, *segments)
        given = {"web-export": True, "provide-api-key": False} | {k.replace("_", "-"): v for k, v in annotations.items()}
        found = await self.stores.entities.read(at)
        await self.stores.entities.write(
            Action(
                path=at,
                exec=exec,
                annotations=tuple(Annotation(key, value) for key, value in given.items()),
                parameters=tuple(Parameter(key, value) for key, value in (parameters or {}).items()),
                revision=found.revision if found else 0,
            )
        )
        self.resolver.forget(namespace, at.key)
        if result is not msgspec.UNSET:
            self.results[str(at)] = (result, status)

    async def sequence(self, path: str, *components: str, **annotations: Any) -> None:
        await self.action(path, exec=SequenceExec(components), parameters={"_actions": components}, **annotations)

    async def ask(self, method: str = "GET", target: str = "/guest/p/a", **request: Any) -> AsgiResponse:
        """Send a request below the prefix of web actions."""
        return await self.client.request(method, f"/api/v1/web{target}", **request)

    async def arguments(self, method: str = "GET", target: str = "/guest/p/a", **request: Any) -> dict[str, Any]:
        """Send a request and return the arguments that the action got."""
        answer = await self.ask(method, target, **request)
        assert answer.status in {200, 204}, answer
        return msgspec.json.decode(self.invoker.requests[-1].arguments)

    @property
    def runs(self) -> int:
        return len(self.invoker.requests)

    def _answer(self, request: InvocationRequest) -> Activation:
        result, status = self.results.get(str(request.action.path), ({"body": request.arguments}, Status.SUCCESS))
        return ended(request, result, status=status)


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    for name, auth in (("guest", GUEST), ("other", OTHER)):
        await platform.stores.namespaces.create(Namespace(name=name, owner=Owner("org", name), auth=auth))
        for package, publish in (("p", True), ("private", False)):
            await platform.stores.entities.write(Package(path=EntityPath(name, package), publish=publish))
    await _validators(platform)
    async with asyncio.TaskGroup() as tasks, platform.invocations:
        tasks.create_task(platform.recorder.run(), name="recorder")
        yield platform
        platform.recorder.close()
    assert platform.observer.crashes == []


async def _validators(platform: Platform) -> None:
    auth = AuthKey.generate()
    await platform.stores.namespaces.create(Namespace(name=NAMESPACE, owner=Owner("adobe", NAMESPACE), auth=auth))
    await platform.stores.entities.write(Package(path=EntityPath(NAMESPACE, PACKAGE), publish=True))
    for name in VALIDATORS:
        await platform.action(f"{NAMESPACE}/{PACKAGE}/{name}", exec=NativeExec(handler_of(name)), web_export=False)
