"""The providers of all namespaces: kept as notes, seen by their whole organization, changed by their own namespace only."""

from collections.abc import Iterable, Sequence

import msgspec

from ioruntime.core.events.registering.mirror import Mirror
from ioruntime.core.events.registering.provider import (
    EventMetadata,
    Provider,
    ProviderPut,
    changed_provider,
    make_provider,
    provider_content,
)
from ioruntime.core.events.registering.refusals import TakenError
from ioruntime.core.packages import EntityListener
from ioruntime.model.errors import CorruptError, NotFoundError
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath, check_size
from ioruntime.model.note import Note, note_path
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore

TOPIC = "provider"
_DOCUMENT_BYTES = 1024 * 1024


def provider_mirror(entities: EntityStore) -> Mirror[Provider]:
    """Make the memory of providers that must hear of changes."""
    return Mirror(entities, TOPIC, read=_read, keys=_keys)


class Providers:
    """Creates, changes, deletes and finds them."""

    def __init__(self, *, entities: EntityStore, mirror: Mirror[Provider], clock: Clock, listener: EntityListener) -> None:
        self._entities = entities
        self._mirror = mirror
        self._clock = clock
        self._listener = listener

    async def called(self, name: str) -> Sequence[Provider]:
        """Return the providers of this id, label or source; labels may be the same in several organizations."""
        return await self._mirror.having(("name", name))

    async def find(self, provider_id: str) -> Provider | None:
        found = await self._mirror.having(("id", provider_id))
        return found[0] if found else None

    async def of_org(self, org_id: str) -> Sequence[Provider]:
        """Return an organization's providers, by label."""
        return sorted(await self._mirror.having(("org", org_id)), key=lambda each: (each.label, each.provider_id))

    async def own(self, identity: Identity, provider_id: str) -> Provider:
        """Return a provider of the caller's namespace.

        Raises:
            NotFoundError: it has none of this id.
        """
        found = await self._mirror.get(_path(identity, provider_id))
        if found is None:
            raise NotFoundError(f"The provider '{provider_id}' does not exist.")
        return found

    async def create(self, identity: Identity, put: ProviderPut) -> Provider:
        """Create a provider in the caller's namespace.

        Raises:
            InvalidError: a field is too short or too long.
            TakenError: the organization has one of this sort and instance.
        """
        provider = make_provider(put, identity.namespace.owner, identity.name)
        await self._check_instance(provider)
        return await self._write(Note(path=_path(identity, provider.provider_id), content={}), provider)

    async def change(self, identity: Identity, provider_id: str, put: ProviderPut) -> Provider:
        """Replace what is said of a provider.

        Raises:
            NotFoundError: the namespace has no such provider.
            InvalidError, TakenError: as `create`.
            ConflictError: somebody else changed it at the same time.
        """
        note = await self._note(identity, provider_id)
        provider = changed_provider(_read(note), put)
        await self._check_instance(provider)
        return await self._write(note, provider)

    async def delete(self, identity: Identity, provider_id: str) -> None:
        """Delete a provider; registrations for its events stay, as for a foreign one.

        Raises:
            NotFoundError: the namespace has no such provider.
            ConflictError: somebody else changed it at the same time.
        """
        note = await self._note(identity, provider_id)
        await self._entities.delete(note)
        self._listener.entity_changed(note.path.namespace, note.path.key)

    async def add_event(self, identity: Identity, provider_id: str, event: EventMetadata) -> Provider:
        """Add a sort of event.

        Raises:
            NotFoundError: the namespace has no such provider.
            TakenError: it has this event code already.
            InvalidError: a field is too long, or the provider has as many as it may have.
            TooLargeError: all of it together would be too large.
            ConflictError: somebody else changed it at the same time.
        """
        note = await self._note(identity, provider_id)
        provider = _read(note)
        if provider.event(event.event_code) is not None:
            raise TakenError(f"The provider has an event '{event.event_code}' already.", event.event_code)
        return await self._write(note, provider.having(event))

    async def change_event(self, identity: Identity, provider_id: str, event: EventMetadata) -> Provider:
        """Replace what is said of a sort of event.

        Raises:
            NotFoundError: the namespace has no such provider, or that no such event.
            InvalidError, TooLargeError, ConflictError: as `add_event`.
        """
        note = await self._note(identity, provider_id)
        return await self._write(note, _with_event(_read(note), event.event_code).having(event))

    async def delete_event(self, identity: Identity, provider_id: str, event_code: str | None) -> None:
        """Delete a sort of event, or all when none is named.

        Raises:
            NotFoundError: the namespace has no such provider, or that no such event.
            ConflictError: somebody else changed it at the same time.
        """
        note = await self._note(identity, provider_id)
        provider = _read(note)
        if event_code is not None:
            _with_event(provider, event_code)
        await self._write(note, provider.without(event_code))

    async def _check_instance(self, provider: Provider) -> None:
        for other in await self._mirror.having(("org", provider.owner.org_id)):
            is_same = (other.provider_metadata, other.instance_id) == (provider.provider_metadata, provider.instance_id)
            if is_same and other.provider_id != provider.provider_id:
                text = f"The organization has a provider of instance '{provider.instance_id}' already."
                raise TakenError(text, other.provider_id)

    async def _note(self, identity: Identity, provider_id: str) -> Note:
        note = await self._entities.read(_path(identity, provider_id))
        if not isinstance(note, Note):
            raise NotFoundError(f"The provider '{provider_id}' does not exist.")
        return note

    async def _write(self, note: Note, provider: Provider) -> Provider:
        content = provider_content(provider)
        check_size("provider", len(msgspec.json.encode(content)), _DOCUMENT_BYTES)
        await self._entities.write(msgspec.structs.replace(note, content=content, updated_ms=self._clock.now_ms()))
        self._listener.entity_changed(note.path.namespace, note.path.key)
        return provider


def event_of(provider: Provider, event_code: str) -> EventMetadata:
    """Return what is said of a sort of event.

    Raises:
        NotFoundError: the provider has no such event.
    """
    event = provider.event(event_code)
    if event is None:
        raise NotFoundError(f"The provider has no event '{event_code}'.")
    return event


def _with_event(provider: Provider, event_code: str) -> Provider:
    event_of(provider, event_code)
    return provider


def _path(identity: Identity, provider_id: str) -> EntityPath:
    return note_path(identity.name, TOPIC, provider_id)


def _keys(provider: Provider) -> Iterable[tuple[str, str]]:
    yield "id", provider.provider_id
    yield "org", provider.owner.org_id
    for name in provider.names:
        yield "name", name


def _read(note: Note) -> Provider:
    try:
        return msgspec.convert(note.content, Provider)
    except msgspec.ValidationError as error:
        raise CorruptError from error
