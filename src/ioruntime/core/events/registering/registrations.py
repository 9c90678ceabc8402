"""The registrations of all namespaces: kept as notes, checked against actions and providers, found by what they want.

Ingress asks `matching`, delivery `find` and `update`; faces do the rest for clients.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from ioruntime.core.events.registering.mirror import Mirror
from ioruntime.core.events.registering.providers import Providers
from ioruntime.core.events.registering.refusals import TakenError
from ioruntime.core.events.registering.registration import (
    RegistrationPut,
    changed,
    check,
    integration_status,
    read_registration,
    registered,
    registration_content,
    switched,
)
from ioruntime.core.packages import EntityListener
from ioruntime.core.resolve import Resolver
from ioruntime.model.errors import (
    ConcurrentModificationError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    WrongCollectionError,
)
from ioruntime.model.event import IntegrationStatus, Registration
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note, note_path
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore

TOPIC = "registration"
PER_CLIENT_MOST = 30
PER_ORG_MOST = 2500
_TRIES = 5
_EVERY_ORG = "*"

Deleted: TypeAlias = Callable[[str, str], Awaitable[None]]
"""Hears the namespace and id of a registration that is gone."""
Unverified: TypeAlias = Callable[[Registration], object]
"""Hears of a webhook that must show that it wants events."""


class Place(msgspec.Struct, frozen=True):
    """Where the platform is."""

    url: str
    """By which clients reach it."""
    private_hosts: bool = False
    """True lets webhooks be on this machine and in private networks."""


def registration_mirror(entities: EntityStore) -> Mirror[Registration]:
    """Make the memory of registrations that must hear of changes."""
    return Mirror(entities, TOPIC, read=read_registration, keys=_keys)


class Registrations:
    """Creates, changes, switches, deletes and finds them."""

    def __init__(
        self,
        *,
        entities: EntityStore,
        mirror: Mirror[Registration],
        providers: Providers,
        resolver: Resolver,
        clock: Clock,
        listener: EntityListener,
        place: "Place",
    ) -> None:
        self._entities = entities
        self._mirror = mirror
        self._providers = providers
        self._resolver = resolver
        self._clock = clock
        self._listener = listener
        self._place = place
        self._writing = asyncio.Lock()
        self._on_deleted: list[Deleted] = []
        self._on_unverified: list[Unverified] = []

    def tell_deleted(self, listener: Deleted) -> None:
        """Have somebody told of each registration that is deleted; not of those that go with their namespace."""
        self._on_deleted.append(listener)

    def tell_unverified(self, listener: Unverified) -> None:
        """Have somebody told of each webhook that is switched on and must show that it wants events."""
        self._on_unverified.append(listener)

    async def invited(self, token: str) -> Registration | None:
        """Return the registration whose invitation has this token."""
        found = await self._mirror.having(("invited", token))
        return found[0] if found else None

    async def matching(self, provider: str, event_code: str, *, orgs: Collection[str] = (_EVERY_ORG,)) -> Sequence[Registration]:
        """Return the registrations that want an event, switched off or not.

        Args:
            provider: what the event calls it: id, label or `urn:uuid:` source, or the free name of a foreign one.
            orgs: only registrations of these organizations; `*` is every one. What a platform's own provider publishes
                reaches its own organization only.
        """
        found = await self._wanting(provider, event_code)
        distinct = {(each.namespace, each.registration_id): each for each in found}.values()
        return [each for each in distinct if _EVERY_ORG in orgs or each.owner.org_id in orgs]

    async def find(self, namespace: str, registration_id: str) -> Registration | None:
        return await self._mirror.get(_path(namespace, registration_id))

    async def read(self, namespace: str, registration_id: str, *, client_id: str | None = None) -> Registration:
        """Return a registration, of a client if one is named.

        Raises:
            NotFoundError: there is none.
        """
        found = await self.find(namespace, registration_id)
        if found is None or client_id not in {None, found.client_id}:
            raise NotFoundError(f"The registration '{registration_id}' does not exist.")
        return found

    async def of_namespace(self, namespace: str) -> Sequence[Registration]:
        """Return a namespace's registrations, oldest first."""
        return _oldest_first(await self._mirror.having(("namespace", namespace)))

    async def of_org(self, org_id: str) -> Sequence[Registration]:
        """Return an organization's registrations, oldest first."""
        return _oldest_first(await self._mirror.having(("org", org_id)))

    async def register(self, identity: Identity, put: RegistrationPut) -> Registration:
        """Create a registration in the caller's namespace.

        Raises:
            InvalidError: a field is wrong, or a known provider has no such event.
            NotFoundError: there is no such runtime action.
            TakenError: the client has one of this name, or the id is in use.
            ForbiddenError: the client or its organization has as many as it may have.
        """
        await self._check(identity, put)
        async with self._writing:
            await self._check_room(identity, put)
            given = put.registration_id
            if given and await self.find(identity.name, given) is not None:
                raise TakenError(f"The registration '{given}' exists already.", given)
            registration = registered(
                put,
                identity,
                registration_id=given or str(uuid.uuid4()),
                number=put.id or await self._next_number(identity),
                now_ms=self._clock.now_ms(),
            )
            note = Note(path=_path(identity.name, registration.registration_id), content={})
            return self._told(await self._write(note, self._shown(registration)))

    async def change(self, identity: Identity, registration_id: str, put: RegistrationPut) -> Registration:
        """Replace a registration of the client that `put` names.

        Raises:
            NotFoundError: the client has no such registration, or there is no such runtime action.
            InvalidError, TakenError: as `register`.
            ConflictError: somebody else changed it at the same time.
        """
        existing = await self.read(identity.name, registration_id, client_id=put.client_id)
        if put.runtime_action and put.webhook_url in {existing.webhook_url, self._action_url(identity.name, put.runtime_action)}:
            put = msgspec.structs.replace(put, webhook_url="")  # the platform's own, sent back as it was shown
        if put.registration_id not in {"", registration_id}:
            raise InvalidError("The field 'registration_id' is another than the path's.")
        await self._check(identity, put)
        async with self._writing:
            await self._check_name(identity, put, registration_id)
            note = await self._note(identity.name, registration_id)
            changing = changed(read_registration(note), put, self._clock.now_ms())
            return self._told(await self._write(note, self._shown(changing)))

    async def switch(self, identity: Identity, client_id: str, registration_id: str, status: str) -> Registration:
        """Switch delivery on or off.

        Args:
            status: ENABLED or DISABLED, in any case.

        Raises:
            NotFoundError: there is no such status, or the client has no such registration.
        """
        wanted = integration_status(status)
        if wanted is None:
            raise NotFoundError(f"There is no status '{status}': it is ENABLED or DISABLED.")
        await self.read(identity.name, registration_id, client_id=client_id)
        now_ms = self._clock.now_ms()
        found = await self.update(identity.name, registration_id, lambda existing: switched(existing, wanted, now_ms))
        if found is None:
            raise NotFoundError(f"The registration '{registration_id}' does not exist.")
        return self._told(found)

    async def unregister(self, identity: Identity, registration_id: str, *, client_id: str | None = None) -> Registration:
        """Delete a registration, and return what it was.

        Raises:
            NotFoundError: there is none, or it is another client's.
            ConflictError: somebody changed it at the same time.
        """
        existing = await self.read(identity.name, registration_id, client_id=client_id)
        note = await self._note(identity.name, registration_id)
        await self._entities.delete(note)
        self._listener.entity_changed(note.path.namespace, note.path.key)
        for listener in self._on_deleted:
            await listener(identity.name, registration_id)
        return existing

    async def update(
        self, namespace: str, registration_id: str, change: Callable[[Registration], Registration]
    ) -> Registration | None:
        """Let the platform change a registration, after whoever else does; None when it is gone.

        Raises:
            ConflictError: others changed it again and again.
        """
        for tries_left in reversed(range(_TRIES)):
            note = await self._entities.read(_path(namespace, registration_id))
            if not isinstance(note, Note):
                return None
            existing = read_registration(note)
            changing = change(existing)
            if changing is existing:
                return existing
            try:
                return await self._write(note, changing)
            except ConcurrentModificationError:
                if not tries_left:
                    raise
        return None

    def _told(self, registration: Registration) -> Registration:
        if not registration.is_verified and registration.status is IntegrationStatus.ENABLED:
            for listener in self._on_unverified:
                listener(registration)
        return registration

    async def _wanting(self, provider: str, event_code: str) -> list[Registration]:
        """Find who wants it under any name of its provider; ids are one organization's, labels each one's own."""
        known = await self._providers.called(provider)
        found = list(await self._mirror.having(("event", provider, event_code)))
        for each in known:
            for name in each.names - {provider}:
                named = await self._mirror.having(("event", name, event_code))
                found += [r for r in named if r.owner.org_id == each.owner.org_id]
        owner = next((each.owner for each in known if provider in {each.provider_id, each.source}), None)
        return found if owner is None else [r for r in found if r.owner.org_id == owner.org_id]

    async def _check(self, identity: Identity, put: RegistrationPut) -> None:
        check(put, private_hosts=self._place.private_hosts)
        if put.runtime_action:
            await self._check_action(identity, put.runtime_action)
        for interest in put.events_of_interest:
            called = await self._providers.called(interest.provider)
            known = [each for each in called if each.owner.org_id == identity.namespace.owner.org_id]
            if any(p.events for p in known) and not any(p.event(interest.event_code) for p in known):
                raise InvalidError(f"The provider '{interest.provider}' has no event '{interest.event_code}'.")

    async def _check_action(self, identity: Identity, runtime_action: str) -> None:
        path = EntityPath.of(identity.name, *runtime_action.split("/"))
        try:
            await self._resolver.runnable(identity, path)
        except (NotFoundError, WrongCollectionError, ForbiddenError) as error:
            raise NotFoundError(f"The runtime action '{runtime_action}' does not exist.") from error

    async def _check_room(self, identity: Identity, put: RegistrationPut) -> None:
        await self._check_name(identity, put, None)
        if len(await self._mirror.having(_client(identity, put))) >= PER_CLIENT_MOST:
            raise ForbiddenError(f"The client '{put.client_id}' has {PER_CLIENT_MOST} registrations already.")
        if len(await self._mirror.having(("org", identity.namespace.owner.org_id))) >= PER_ORG_MOST:
            raise ForbiddenError(f"The organization has {PER_ORG_MOST} registrations already.")

    async def _check_name(self, identity: Identity, put: RegistrationPut, registration_id: str | None) -> None:
        for other in await self._mirror.having(_client(identity, put)):
            is_same = other.namespace == identity.name and other.name == put.name
            if is_same and other.registration_id != registration_id:
                raise TakenError(f"The client has a registration named '{put.name}' already.", other.registration_id)

    async def _next_number(self, identity: Identity) -> str:
        org = await self._mirror.having(("org", identity.namespace.owner.org_id))
        return str(1 + max((int(each.id) for each in org), default=0))

    def _shown(self, registration: Registration) -> Registration:
        """Fill in the URL of a runtime action."""
        if registration.runtime_action is None:
            return registration
        url = self._action_url(registration.namespace, registration.runtime_action)
        return msgspec.structs.replace(registration, webhook_url=url)

    def _action_url(self, namespace: str, runtime_action: str) -> str:
        return f"{self._place.url}/api/v1/namespaces/{quote(namespace, '@')}/actions/{quote(runtime_action, '@/')}"

    async def _note(self, namespace: str, registration_id: str) -> Note:
        note = await self._entities.read(_path(namespace, registration_id))
        if not isinstance(note, Note):
            raise NotFoundError(f"The registration '{registration_id}' does not exist.")
        return note

    async def _write(self, note: Note, registration: Registration) -> Registration:
        content = registration_content(registration)
        await self._entities.write(msgspec.structs.replace(note, content=content, updated_ms=self._clock.now_ms()))
        self._listener.entity_changed(note.path.namespace, note.path.key)
        return registration


def _path(namespace: str, registration_id: str) -> EntityPath:
    return note_path(namespace, TOPIC, registration_id)


def _client(identity: Identity, put: RegistrationPut) -> tuple[str, ...]:
    return "client", identity.namespace.owner.org_id, put.client_id


def _keys(registration: Registration) -> Iterable[tuple[str, ...]]:
    yield "namespace", registration.namespace
    yield "org", registration.owner.org_id
    yield "client", registration.owner.org_id, registration.client_id
    if registration.invitation is not None:
        yield "invited", registration.invitation.token
    for interest in registration.events_of_interest:
        yield "event", interest.provider, interest.event_code


def _oldest_first(registrations: Sequence[Registration]) -> Sequence[Registration]:
    return sorted(registrations, key=lambda each: (each.created_ms, each.registration_id))
