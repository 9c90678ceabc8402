"""The events face in front of the real core, memory stores and two tokens."""

from typing import Any

import pytest

from ioruntime.app.events.registering import EventMemory, EventParts, build_events
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.events.registering.registrations import Place
from ioruntime.core.resolve import Resolver
from ioruntime.faces.adobe.errors import GatewayError, gateway_form
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.events.routes import face
from ioruntime.faces.events.services import EventServices
from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.model.action import Action
from ioruntime.model.errors import InvalidCredentialsError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.names import EntityPath
from ioruntime.ports.tokens import Claims
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.clock import HandClock

ORG, INTEGRATION = "acme", "42"


class Tokens:
    """A token is what it reaches: `org/integration`."""

    async def verify(self, token: str) -> Claims:
        org, _, integration = token.partition("/")
        if not integration:
            raise InvalidCredentialsError
        return Claims(subject=token, client_id="key", orgs=frozenset({org}), integrations=frozenset({integration}))


class StrictObserver:
    """Takes a bug for what it is."""

    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception) -> None:
        raise error


class Forgetting:
    """Tells the memory what changed, as the composition root does."""

    def __init__(self, memory: EventMemory) -> None:
        self.entity_changed = memory.forget


class Events:
    """Everything behind the face, and clients before it."""

    def __init__(self) -> None:
        self.stores, self.clock = MemoryStores(), HandClock()
        memory = EventMemory(self.stores.entities)
        resolver, listener = Resolver(self.stores.entities), Forgetting(memory)
        self.core = build_events(
            EventParts(self.stores.entities, memory, resolver, self.clock, listener, Place("http://platform.test"))
        )
        services = EventServices(
            gate=Gatekeeper(Authenticator(self.stores.namespaces, Tokens())),
            registrations=self.core.registrations,
            providers=self.core.providers,
            error_form=gateway_form,
            error=GatewayError,
        )
        self.client = AsgiClient(Application([face(services)], StrictObserver()))

    async def ask(self, method: str, target: str, *, token: str = f"{ORG}/{INTEGRATION}", **body: Any) -> AsgiResponse:
        headers = {"x-api-key": "key", "host": "platform.test", "accept": "application/hal+json"}
        return await self.client.request(method, f"/events/{target}", headers=headers, bearer=token, **body)

    async def namespace(self, org: str, integration: str) -> None:
        auth = AuthKey.generate()
        await self.stores.namespaces.create(Namespace(name=f"{org}_{integration}", owner=Owner(org, integration), auth=auth))

    async def action(self, name: str) -> None:
        code = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
        await self.stores.entities.write(Action(path=EntityPath("acme_42", name), exec=code))


@pytest.fixture
async def events() -> Events:
    events = Events()
    for org, integration in (("acme", "42"), ("acme", "43"), ("other", "1")):
        await events.namespace(org, integration)
    return events
