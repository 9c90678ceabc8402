"""Build what publishing and delivering events needs, from the stores and services that are there already."""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from ioruntime.app.events.keys import EventKeys
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.events.arrivals import Arrivals
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.events.delivering.lane import DeliveryReporter
from ioruntime.core.events.delivering.receivers import ActionReceiver, EveryReceiver, WebhookReceiver
from ioruntime.core.events.delivering.signing import ClientSecrets, Signer
from ioruntime.core.events.delivering.validation import Validation
from ioruntime.core.events.ingress import Ingress
from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.core.invocation import Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane
from ioruntime.ports.webhooks import WebhookExchanger

VALIDATE = "/events/validate/"


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """The services of publishing and delivering."""

    store: EventStore
    ingress: Ingress
    deliverer: Deliverer
    arrivals: Arrivals
    validation: Validation
    keys: EventKeys

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Let both work while the context lasts."""
        async with self.validation, self.deliverer:
            yield


class Stores(Protocol):
    """The stores of one database."""

    @property
    def events(self) -> EventStore: ...


class Outside(msgspec.Struct, frozen=True):
    """What connects deliveries with the world."""

    exchanger: WebhookExchanger
    secrets: ClientSecrets
    data_dir: Path
    url: str
    """Where webhooks reach the platform."""
    publish_requests: int


class DeliveryParts(msgspec.Struct, frozen=True):
    """What they are built of."""

    stores: Stores
    registrations: Registrations
    authenticator: Authenticator
    resolver: Resolver
    invocations: Invocations
    clock: Clock
    outside: Outside
    tell: Callable[[Collection[Lane]], None]
    """Hears, beside the deliverer here, what has something to be delivered."""


def build_deliveries(parts: DeliveryParts, reporter: DeliveryReporter) -> Deliveries:
    """Put the services together; their owner opens them, and runs the deliverer."""
    store, registrations, keys = parts.stores.events, parts.registrations, EventKeys(parts.outside.data_dir)
    signer = Signer(keys, parts.outside.secrets)
    validation = Validation(
        exchanger=parts.outside.exchanger,
        signer=signer,
        registrations=registrations,
        clock=parts.clock,
        reporter=reporter,
        url=parts.outside.url + VALIDATE,
    )
    receivers = EveryReceiver(
        ActionReceiver(authenticator=parts.authenticator, resolver=parts.resolver, invocations=parts.invocations),
        WebhookReceiver(exchanger=parts.outside.exchanger, signer=signer, consent=validation),
    )
    deliverer = Deliverer(store=store, registrations=registrations, receivers=receivers, clock=parts.clock, reporter=reporter)
    arrivals = Arrivals()

    def wake(lanes: Collection[Lane]) -> None:
        deliverer.wake(lanes)
        parts.tell(lanes)

    ingress = Ingress(
        addressees=registrations,
        store=store,
        clock=parts.clock,
        wake=wake,
        arrived=arrivals.ring,
        requests_most=parts.outside.publish_requests,
    )

    async def forget(namespace: str, registration_id: str) -> None:
        deliverer.ledger.forget(Lane(namespace, registration_id))
        await store.forget(Lane(namespace, registration_id))

    registrations.tell_deleted(forget)
    registrations.tell_unverified(validation.begin)
    return Deliveries(store=store, ingress=ingress, deliverer=deliverer, arrivals=arrivals, validation=validation, keys=keys)
