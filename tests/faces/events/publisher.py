"""The face of publishing, journals and traces in front of the real core and memory stores."""

from typing import Any

from ioruntime.app.events.registering import EventMemory, EventParts, build_events
from ioruntime.core.authenticate import Authenticator, identify
from ioruntime.core.events.arrivals import Arrivals
from ioruntime.core.events.delivering.answer import Answer
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.events.delivering.parcel import Parcel
from ioruntime.core.events.ingress import Ingress
from ioruntime.core.events.registering.registration import RegistrationPut
from ioruntime.core.events.registering.registrations import Place
from ioruntime.core.resolve import Resolver
from ioruntime.faces.adobe.errors import GatewayError, gateway_form
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.events.publishing import PublishingServices, face
from ioruntime.faces.http.application import Application
from ioruntime.faces.http.call import Call
from ioruntime.model.errors import InvalidCredentialsError, NotFoundError
from ioruntime.model.event import EventOfInterest
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.ports.events import Lane
from ioruntime.ports.tokens import Claims
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.clock import HandClock

LANE = Lane("acme_42", "mine")
STRUCTURED = "application/cloudevents+json"
REQUESTS_MOST = 20


class Publisher:
    """Everything behind the face; the receiver of all events answers `status`."""

    def __init__(self) -> None:
        self.stores, self.clock, self.status = MemoryStores(), HandClock(), 200
        self.clock.s = 1_700_000_000.0
        memory = EventMemory(self.stores.entities)
        self._changed = memory
        parts = EventParts(self.stores.entities, memory, Resolver(self.stores.entities), self.clock, self, Place("http://p.test"))
        self.registrations = build_events(parts).registrations
        store, self.arrivals = self.stores.events, Arrivals(look_s=3600)
        self.deliverer = Deliverer(store=store, registrations=self.registrations, receivers=self, clock=self.clock, reporter=self)
        services = PublishingServices(
            gate=Gatekeeper(Authenticator(self.stores.namespaces, self)),
            ingress=Ingress(
                addressees=self.registrations,
                store=store,
                clock=self.clock,
                wake=self.deliverer.wake,
                arrived=self.arrivals.ring,
                requests_most=REQUESTS_MOST,
            ),
            registrations=self.registrations,
            store=store,
            deliverer=self.deliverer,
            arrivals=self.arrivals,
            clock=self.clock,
            public_key=self.key,
            accept=self.accept,
            error_form=gateway_form,
            error=GatewayError,
        )
        self.client = AsgiClient(Application([face(services)], self))

    async def open(self) -> None:
        for org, integration in (("acme", "42"), ("other", "1")):
            owner = Owner(org, integration)
            await self.stores.namespaces.create(Namespace(name=owner.default_name, owner=owner, auth=AuthKey.generate()))
        namespace = await self.stores.namespaces.by_name(LANE.namespace)
        assert namespace is not None
        put = RegistrationPut(
            registration_id=LANE.registration_id,
            client_id="mine",
            name="sales",
            webhook_url="https://hooks.test/in",
            events_of_interest=(EventOfInterest("sold", "shop"),),
        )
        await self.registrations.register(identify(namespace), put)

    async def publish(self, body: bytes, kind: str = STRUCTURED, *, token: str = "acme/42", **headers: str) -> AsgiResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"content-type": kind, "x-api-key": "key"} | named
        return await self.client.request("POST", "/events/publish", headers=sent, bearer=token, body=body)

    async def ask(self, tail: str, method: str = "GET", *, token: str = "acme/42") -> AsgiResponse:
        target = f"/events/organizations/acme/integrations/42/{tail}"
        return await self.client.request(method, target, headers={"x-api-key": "key"}, bearer=token)

    async def deliver(self) -> None:
        self.deliverer.tick()
        await self.deliverer.drained()

    async def send(self, parcel: Parcel) -> Answer | None:
        return Answer(self.status, "said", "asked")

    def begin(self, parcel: Parcel, done: object) -> bool:
        return False

    async def key(self, name: str) -> bytes | None:
        return b"PEM" if name == "pub-key-1.pem" else None

    async def accept(self, token: str) -> None:
        if token != "invited":
            raise NotFoundError

    async def verify(self, token: str) -> Claims:
        """Take a token for what it reaches: `org/integration`."""
        org, _, integration = token.partition("/")
        if not integration:
            raise InvalidCredentialsError
        return Claims(subject=token, client_id="key", orgs=frozenset({org}), integrations=frozenset({integration}))

    def entity_changed(self, namespace: str, key: str) -> None:
        self._changed.forget(namespace, key)

    def delivery_failed(self, namespace: str, registration_id: str, error: Exception, /) -> None:
        raise error

    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception, /) -> None:
        raise error


def shown(answer: AsgiResponse) -> Any:
    assert answer.status == 200, answer.body
    return answer.json()
