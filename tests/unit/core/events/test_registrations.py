"""Who wants what: tenants apart, memory that keeps up, changes that meet."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from ioruntime.app.events.registering import EventMemory, EventParts, build_events
from ioruntime.core.authenticate import identify
from ioruntime.core.events.registering.provider import EventMetadata, Provider, ProviderPut
from ioruntime.core.events.registering.registration import RegistrationPut
from ioruntime.core.events.registering.registrations import Place
from ioruntime.core.resolve import Resolver
from ioruntime.model.errors import ConcurrentModificationError, CorruptError, InvalidError, UnavailableError
from ioruntime.model.event import EventOfInterest, Health, IntegrationStatus, Registration
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.note import Note
from ioruntime.ports.entities import Collection, Entity
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio


class Listener:
    """Hears of changes as long as it is not deaf."""

    def __init__(self, memory: EventMemory) -> None:
        self._memory = memory
        self.is_deaf = False

    def entity_changed(self, namespace: str, key: str) -> None:
        if not self.is_deaf:
            self._memory.forget(namespace, key)


class Process:
    """What one process has, before a store that others use too."""

    def __init__(self, stores: MemoryStores, entities: Any = None) -> None:
        self.memory, self.clock = EventMemory(entities or stores.entities), HandClock()
        self.listener = Listener(self.memory)
        resolver, store = Resolver(stores.entities), entities or stores.entities
        core = build_events(EventParts(store, self.memory, resolver, self.clock, self.listener, Place("http://platform.test")))
        self.registrations, self.providers = core.registrations, core.providers

    async def names(self, provider: str, code: str = "made", **orgs: Sequence[str]) -> list[str]:
        found = await self.registrations.matching(provider, code, **orgs)
        return sorted(f"{each.owner.org_id}/{each.name}" for each in found)


def put(provider: str = "ccstorage", code: str = "made", **changes: Any) -> RegistrationPut:
    fields: dict[str, Any] = {"name": "uploads", "client_id": "client", "delivery_type": "journal"}
    return RegistrationPut(events_of_interest=(EventOfInterest(code, provider),), **(fields | changes))


@pytest.fixture
async def stores() -> MemoryStores:
    stores = MemoryStores()
    for org in ("acme", "evil"):
        await stores.namespaces.create(Namespace(name=f"{org}_1", owner=Owner(org, "1"), auth=AuthKey.generate()))
    return stores


@pytest.fixture
def process(stores: MemoryStores) -> Process:
    return Process(stores)


async def identity(stores: MemoryStores, org: str = "acme") -> Identity:
    found = await stores.namespaces.by_name(f"{org}_1")
    assert found is not None
    return identify(found)


async def provider(process: Process, owner: Identity, label: str) -> Provider:
    return await process.providers.create(owner, ProviderPut(label=label))


async def test_what_another_process_wrote_is_known_at_once_and_after_it_was_told(stores: MemoryStores) -> None:
    one, two, owner = Process(stores), Process(stores), await identity(stores)
    first = await one.registrations.register(owner, put())
    assert await two.names("ccstorage") == ["acme/uploads"]
    await one.registrations.unregister(owner, first.registration_id)
    assert await two.names("ccstorage") == ["acme/uploads"], "nobody told yet"
    two.memory.forget("acme_1", f":registration:{first.registration_id}")
    assert await two.names("ccstorage") == []


async def test_a_namespace_that_is_gone_wants_nothing(process: Process, stores: MemoryStores) -> None:
    await process.registrations.register(await identity(stores), put())
    await process.registrations.register(await identity(stores, "evil"), put())
    assert await process.names("ccstorage") == ["acme/uploads", "evil/uploads"]
    process.memory.forget("acme_1", None)
    assert await process.names("ccstorage") == ["evil/uploads"]
    assert repr(process.memory.registrations) == "<Mirror of 1 registrations, 0 changed>"


async def test_a_foreign_name_reaches_all_and_organizations_can_be_chosen(process: Process, stores: MemoryStores) -> None:
    for org in ("acme", "evil"):
        await process.registrations.register(await identity(stores, org), put())
    assert await process.names("ccstorage", orgs=["*"]) == ["acme/uploads", "evil/uploads"]
    assert await process.names("ccstorage", orgs=["acme"]) == ["acme/uploads"]
    assert await process.names("ccstorage", "unmade") == []


async def test_an_id_is_its_organizations_alone(process: Process, stores: MemoryStores) -> None:
    shop = await provider(process, await identity(stores), "Shop")
    for org in ("acme", "evil"):
        await process.registrations.register(await identity(stores, org), put(shop.provider_id))
    assert await process.names(shop.provider_id) == ["acme/uploads"]
    assert await process.names(shop.source) == ["acme/uploads"]


async def test_who_takes_anothers_name_takes_nothing_else(process: Process, stores: MemoryStores) -> None:
    mine, evil = await identity(stores), await identity(stores, "evil")
    shop = await provider(process, mine, "Shop")
    thief = await provider(process, evil, shop.provider_id)
    await provider(process, evil, "ccstorage")
    await process.providers.add_event(evil, thief.provider_id, EventMetadata(event_code="other"))
    await process.registrations.register(mine, put(shop.provider_id))
    await process.registrations.register(mine, put(name="foreign"))
    await process.registrations.register(evil, put(thief.provider_id, "other"))
    assert await process.names(shop.provider_id) == ["acme/uploads"]
    assert await process.names(shop.provider_id, "other") == []
    assert await process.names("ccstorage") == ["acme/foreign"]


async def test_a_client_name_that_another_organization_uses_has_its_own_quota(process: Process, stores: MemoryStores) -> None:
    for number in range(30):
        await process.registrations.register(await identity(stores, "evil"), put(name=f"number {number}"))
    assert await process.registrations.register(await identity(stores), put())


async def test_the_same_name_at_the_same_time_is_there_once(process: Process, stores: MemoryStores) -> None:
    owner = await identity(stores)

    async def register() -> str:
        try:
            return (await process.registrations.register(owner, put())).name
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            return type(error).__name__

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(register()) for _ in range(2)]
    assert sorted(task.result() for task in both) == ["TakenError", "uploads"]


async def test_the_platform_changes_a_registration_after_whoever_else_does(stores: MemoryStores) -> None:
    entities = Meddled(stores.entities)
    process, owner = Process(stores, entities), await identity(stores)
    made = await process.registrations.register(owner, put())
    entities.meddlers = 2
    found = await process.registrations.update("acme_1", made.registration_id, unstable)
    assert found == await process.registrations.find("acme_1", made.registration_id)
    assert found is not None
    assert found.health is Health.UNSTABLE
    entities.meddlers = 99
    with pytest.raises(ConcurrentModificationError):
        await process.registrations.update("acme_1", made.registration_id, unstable)
    assert await process.registrations.update("acme_1", "none", unstable) is None


async def test_switched_on_again_the_failures_of_before_are_forgiven(process: Process, stores: MemoryStores) -> None:
    owner = await identity(stores)
    made = await process.registrations.register(owner, put())
    await process.registrations.update("acme_1", made.registration_id, unstable)
    off = await process.registrations.switch(owner, "client", made.registration_id, "disabled")
    on = await process.registrations.switch(owner, "client", made.registration_id, "enabled")
    assert (off.status, off.health) == (IntegrationStatus.DISABLED, Health.UNSTABLE)
    assert (on.status, on.health) == (IntegrationStatus.ENABLED, Health.ACTIVE)


@pytest.mark.parametrize(
    ("changes", "is_verified"),
    [
        pytest.param({}, True, id="the same again"),
        pytest.param({"webhook_url": "https://b.example"}, False, id="another URL"),
        pytest.param({"webhook_url": "", "delivery_type": "journal"}, True, id="none any more"),
    ],
)
async def test_another_webhook_must_answer_anew(
    process: Process, stores: MemoryStores, changes: dict[str, str], is_verified: bool
) -> None:
    owner, hook = await identity(stores), {"webhook_url": "https://a.example", "delivery_type": "webhook"}
    made = await process.registrations.register(owner, put(**hook))
    assert not made.is_verified
    await process.registrations.update("acme_1", made.registration_id, verified)
    changed = await process.registrations.change(owner, made.registration_id, put(**(hook | changes)))
    assert changed.is_verified is is_verified


async def test_who_asked_hears_of_deletions(process: Process, stores: MemoryStores) -> None:
    heard: list[tuple[str, str]] = []

    async def hear(namespace: str, registration_id: str) -> None:
        heard.append((namespace, registration_id))

    process.registrations.tell_deleted(hear)
    owner = await identity(stores)
    made = await process.registrations.register(owner, put())
    await process.registrations.unregister(owner, made.registration_id)
    assert heard == [("acme_1", made.registration_id)]


async def test_a_read_that_went_wrong_is_done_again(stores: MemoryStores) -> None:
    entities = Meddled(stores.entities)
    process, owner = Process(stores, entities), await identity(stores)
    await process.registrations.register(owner, put())
    entities.is_down = True
    with pytest.raises(UnavailableError):
        await process.names("ccstorage")
    entities.is_down = False
    assert await process.names("ccstorage") == ["acme/uploads"]


async def test_a_namespace_deleted_while_its_notes_are_read_is_not_remembered(stores: MemoryStores) -> None:
    entities = Meddled(stores.entities)
    await Process(stores).registrations.register(await identity(stores), put())
    process = Process(stores, entities)

    async def delete() -> None:
        if found := await stores.namespaces.by_name("acme_1"):
            await stores.namespaces.delete(found.name)
            process.memory.forget("acme_1", None)

    entities.after_everywhere = delete
    assert await process.names("ccstorage") == []


async def test_a_note_that_is_no_registration_is_corrupt(process: Process, stores: MemoryStores) -> None:
    await stores.entities.write(Note.of("acme_1", "registration", "x", {"name": 7}))
    with pytest.raises(CorruptError):
        await process.names("ccstorage")


async def test_a_provider_has_so_many_events_and_no_more(process: Process, stores: MemoryStores) -> None:
    shop = await provider(process, await identity(stores), "Shop")
    for number in range(500):
        shop = shop.having(EventMetadata(event_code=str(number)))
    with pytest.raises(InvalidError, match="500 event codes"):
        shop.having(EventMetadata(event_code="one more"))


class Meddled:
    """A store in which somebody else writes just before we do, or that is down."""

    def __init__(self, entities: Any) -> None:
        self._entities = entities
        self.meddlers = 0
        self.is_down = False
        self.after_everywhere: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entities, name)

    async def read(self, path: Any) -> Entity | None:
        if self.is_down:
            raise UnavailableError
        return await self._entities.read(path)

    async def everywhere(self, collection: Collection) -> Sequence[Entity]:
        found = await self._entities.everywhere(collection)
        if self.after_everywhere is not None:
            await self.after_everywhere()
        return found

    async def write(self, entity: Entity) -> Entity:
        if self.meddlers:
            self.meddlers -= 1
            await self._entities.write(await self._entities.read(entity.path))
        return await self._entities.write(entity)


def unstable(registration: Registration) -> Registration:
    return msgspec.structs.replace(registration, health=Health.UNSTABLE)


def verified(registration: Registration) -> Registration:
    return msgspec.structs.replace(registration, is_verified=True)
