"""Build what publishing and delivering events needs, from the stores and services that are there already."""

from pathlib import Path
from typing import Protocol

import msgspec

from ioruntime.app.events.keys import EventKeys
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.events.delivering.delivery import Deliverer, DeliveryReporter
from ioruntime.core.events.delivering.receivers import ActionReceiver, EveryReceiver, WebhookReceiver
from ioruntime.core.events.ingress import Ingress
from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.core.invocation import Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane
from ioruntime.ports.webhooks import WebhookExchanger


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """The services of publishing and delivering."""

    store: EventStore
    ingress: Ingress
    deliverer: Deliverer
    keys: EventKeys


class Stores(Protocol):
    """The stores of one database."""

    @property
    def events(self) -> EventStore: ...


class DeliveryParts(msgspec.Struct, frozen=True):
    """What they are built of."""

    stores: Stores
    registrations: Registrations
    authenticator: Authenticator
    resolver: Resolver
    invocations: Invocations
    exchanger: WebhookExchanger
    clock: Clock
    data_dir: Path


def build_deliveries(parts: DeliveryParts, reporter: DeliveryReporter) -> Deliveries:
    """Put the services together; the owner of the deliverer opens and runs it."""
    store, registrations, keys = parts.stores.events, parts.registrations, EventKeys(parts.data_dir)
    receivers = EveryReceiver(
        ActionReceiver(authenticator=parts.authenticator, resolver=parts.resolver, invocations=parts.invocations),
        WebhookReceiver(exchanger=parts.exchanger, signer=keys.signer, registrations=registrations),
    )
    deliverer = Deliverer(store=store, registrations=registrations, receivers=receivers, clock=parts.clock, reporter=reporter)
    ingress = Ingress(addressees=registrations, store=store, clock=parts.clock, wake=deliverer.wake)

    async def forget(namespace: str, registration_id: str) -> None:
        await store.forget(Lane(namespace, registration_id))

    registrations.tell_deleted(forget)
    return Deliveries(store=store, ingress=ingress, deliverer=deliverer, keys=keys)
