"""Build what registrations and providers of events need, from the stores and services that are there already."""

import msgspec

from ioruntime.core.events.registering.providers import Providers, provider_mirror
from ioruntime.core.events.registering.registrations import Place, Registrations, registration_mirror
from ioruntime.core.packages import EntityListener
from ioruntime.core.resolve import Resolver
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore


class EventMemory:
    """What this process remembers of registrations and providers, and must be told of changes."""

    def __init__(self, entities: EntityStore) -> None:
        self.registrations = registration_mirror(entities)
        self.providers = provider_mirror(entities)

    def forget(self, namespace: str, key: str | None) -> None:
        """Hear that an entity changed or, when `key` is None, that its namespace is gone."""
        self.registrations.forget(namespace, key)
        self.providers.forget(namespace, key)


class Events(msgspec.Struct, frozen=True):
    """The services of events."""

    registrations: Registrations
    providers: Providers


class EventParts(msgspec.Struct, frozen=True):
    """What they are built of."""

    entities: EntityStore
    memory: EventMemory
    resolver: Resolver
    clock: Clock
    listener: EntityListener
    place: Place


def build_events(parts: EventParts) -> Events:
    """Put the services together."""
    entities, clock, listener = parts.entities, parts.clock, parts.listener
    providers = Providers(entities=entities, mirror=parts.memory.providers, clock=clock, listener=listener)
    registrations = Registrations(
        entities=entities,
        mirror=parts.memory.registrations,
        providers=providers,
        resolver=parts.resolver,
        clock=clock,
        listener=listener,
        place=parts.place,
    )
    return Events(registrations, providers)
