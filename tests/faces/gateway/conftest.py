"""The API gateway in front of the real core, memory stores and an invoker that shows what it got."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.apis.apis import Apis
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.invocation import Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.core.webactions import WebActions
from ioruntime.faces.gateway.routes import management_face, serving_face
from ioruntime.faces.gateway.services import GatewayServices
from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation
from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import Annotation
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.tokens import Claims
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.clock import HandClock
from ioruntime.testing.invoker import FakeInvoker, ended

GUEST = AuthKey("11111111-1111-1111-1111-111111111111", "g" * 64)
OTHER = AuthKey("22222222-2222-2222-2222-222222222222", "o" * 64)
MANAGE = "/api/v1/web/whisk.system/apimgmt"
URL = "http://localhost:3233"


class OneToken:
    """Knows one token, of the client `key`, which reaches the guest's namespace."""

    async def verify(self, token: str) -> Claims:
        if token != "guests-token":
            raise InvalidCredentialsError
        return Claims(
            subject="somebody",
            client_id="key",
            orgs=frozenset({"org"}),
            integrations=frozenset({"guest"}),
            scopes=frozenset({"read:pets"}),
        )


class NoReporter:
    def store_failed(self, error: Exception, *, pending: int) -> None:
        raise error


class StrictObserver:
    """Takes a bug for what it is."""

    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception) -> None:
        raise error


class Gateway:
    """Everything behind the two faces; each action answers with its arguments as the body."""

    def __init__(self) -> None:
        self.stores, clock, bus = MemoryStores(), HandClock(), LocalBus()
        self.invoker = FakeInvoker(bus, _show)
        self.recorder = Recorder(self.stores.activations, NoReporter())
        self.resolver = Resolver(self.stores.entities)
        authenticator = Authenticator(self.stores.namespaces, OneToken())
        admission = Admission(Throttle(), clock, Limits())
        self.invocations = Invocations(
            resolver=self.resolver,
            bus=bus,
            store=self.stores.activations,
            recorder=self.recorder,
            admission=admission,
            clock=clock,
        )
        web = WebActions(
            authenticator=authenticator, resolver=self.resolver, invocations=self.invocations, admission=admission, clock=clock
        )
        self.apis = Apis(
            entities=self.stores.entities, namespaces=self.stores.namespaces, resolver=self.resolver, clock=clock, url=URL
        )
        services = GatewayServices(
            apis=self.apis, authenticator=authenticator, web=web, clock=clock, namespace_of_host=_namespace_of
        )
        application = Application([management_face(services), serving_face(services)], StrictObserver())
        self.anonymous = AsgiClient(application)
        self.guest = AsgiClient(application, basic=str(GUEST))
        self.other = AsgiClient(application, basic=str(OTHER))

    async def action(self, path: str = "guest/hello", **annotations: Any) -> None:
        """Store a web action; `_` stands for `-` in the names of annotations."""
        namespace, *segments = path.split("/")
        at = EntityPath.of(namespace, *segments)
        given = {"web-export": True} | {key.replace("_", "-"): value for key, value in annotations.items()}
        code = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
        action = Action(path=at, exec=code, annotations=tuple(Annotation(key, value) for key, value in given.items()))
        if at.package is not None:
            await self.stores.entities.write(Package(path=EntityPath(namespace, at.package)))
        await self.stores.entities.write(action)

    async def create(self, path: str = "/hello", verb: str = "get", *, base: str = "/base", **action: Any) -> AsgiResponse:
        """Create one operation, as `aio` does."""
        whisk = {"name": "hello", "namespace": "_", "backendMethod": "GET", "authkey": "x"} | action
        route = {"namespace": "_", "gatewayBasePath": base, "gatewayPath": path, "gatewayMethod": verb, "action": whisk}
        target = f"{MANAGE}/createApi?responsetype={action.get('responsetype', 'http')}"
        return await self.guest.request("POST", target, json={"apidoc": route | {"id": f"API:_:{base}"}})

    async def put(self, swagger: Any) -> AsgiResponse:
        """Create an API of a whole document."""
        return await self.guest.request(
            "POST", f"{MANAGE}/createApi?responsetype=json", json={"apidoc": {"namespace": "_", "swagger": swagger}}
        )

    async def paths(self, query: str = "") -> dict[str, dict[str, list[str]]]:
        """List the guest's operations by base path and path."""
        answer = await self.guest.request("GET", f"{MANAGE}/getApi{query}")
        assert answer.status == 200
        docs = [row["value"]["apidoc"] for row in answer.json()["apis"]]
        return {doc["basePath"]: {path: sorted(item) for path, item in doc["paths"].items()} for doc in docs}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    for name, auth in (("guest", GUEST), ("other", OTHER)):
        await gateway.stores.namespaces.create(Namespace(name=name, owner=Owner("org", name), auth=auth))
    await gateway.action()
    async with asyncio.TaskGroup() as tasks, gateway.invocations:
        tasks.create_task(gateway.recorder.run(), name="recorder")
        yield gateway
        gateway.recorder.close()


def _show(request: InvocationRequest) -> Activation:
    return ended(request, {"body": msgspec.json.decode(request.arguments)})


def _namespace_of(headers: Any) -> str | None:
    host = dict(headers).get(b"host", b"").decode()
    return host.removesuffix(".apis.test") if host.endswith(".apis.test") else None
