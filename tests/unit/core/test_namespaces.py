"""Namespaces: one for each owner, its key and its limits."""

import pytest

from ioruntime.core.namespaces import Namespaces
from ioruntime.model.errors import AlreadyExistsError, InvalidError, NotFoundError
from ioruntime.model.identity import AuthKey, OldKey, Owner
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

OWNER = Owner("acme", "app")


class HeardChanges(list[str]):
    def namespace_changed(self, name: str) -> None:
        self.append(f"changed {name}")

    def namespace_deleted(self, name: str) -> None:
        self.append(f"deleted {name}")


def namespaces_of() -> tuple[Namespaces, HeardChanges]:
    heard = HeardChanges()
    return Namespaces(MemoryStores().namespaces, clock=HandClock(), listener=heard), heard


async def test_an_owner_has_one_namespace_however_often_it_asks() -> None:
    namespaces, _ = namespaces_of()
    first = await namespaces.create(OWNER)
    assert (first.name, first.created_ms, first.overrides) == ("acme_app", 1_000_000, {})
    assert await namespaces.create(OWNER, name="other", auth=AuthKey("u", "k")) == first
    assert await namespaces.read(OWNER) == await namespaces.named("acme_app") == first
    assert list(await namespaces.list()) == [first]


async def test_name_and_key_may_be_chosen() -> None:
    namespaces, _ = namespaces_of()
    made = await namespaces.create(OWNER, name="guest", auth=AuthKey("u", "k"))
    assert (made.name, made.auth) == ("guest", AuthKey("u", "k"))


async def test_names_that_cannot_be_given() -> None:
    namespaces, _ = namespaces_of()
    await namespaces.create(OWNER, name="guest")
    with pytest.raises(AlreadyExistsError):
        await namespaces.create(Owner("acme", "two"), name="guest")
    with pytest.raises(InvalidError, match="illegal characters"):
        await namespaces.create(Owner("acme", "two"), name="a/b")
    with pytest.raises(InvalidError, match="Namespace longer than allowed: 301 > 256"):
        await namespaces.create(Owner("o" * 150, "i" * 150))
    with pytest.raises(NotFoundError):
        await namespaces.read(Owner("acme", "two"))


async def test_a_rotated_key_is_another_and_told() -> None:
    namespaces, heard = namespaces_of()
    before = await namespaces.create(OWNER)
    after = await namespaces.rotate_key(OWNER)
    assert after.auth != before.auth
    assert (await namespaces.rotate_key(OWNER, AuthKey("u", "k"))).auth == AuthKey("u", "k")
    assert heard == ["changed acme_app"] * 2


async def test_a_deleted_namespace_is_gone_and_told() -> None:
    namespaces, heard = namespaces_of()
    made = await namespaces.create(OWNER)
    assert await namespaces.delete(OWNER) == made
    assert heard == ["deleted acme_app"]
    assert await namespaces.list() == []
    again = await namespaces.create(OWNER)
    assert again.auth != made.auth


async def test_limits_are_overlaid_and_cleared() -> None:
    namespaces, heard = namespaces_of()
    await namespaces.create(OWNER)
    await namespaces.set_limits("acme_app", {"firesPerMinute": 5, "maxActionMemory": 256})
    changed = await namespaces.set_limits("acme_app", {"firesPerMinute": 6})
    assert changed.overrides == {"firesPerMinute": 6, "maxActionMemory": 256}
    assert (await namespaces.clear_limits("acme_app")).overrides == {}
    assert heard == ["changed acme_app"] * 3


async def test_a_wrong_limit_changes_nothing() -> None:
    namespaces, heard = namespaces_of()
    await namespaces.create(OWNER)
    with pytest.raises(InvalidError, match="firesPerMinute"):
        await namespaces.set_limits("acme_app", {"maxActionMemory": 256, "firesPerMinute": -1})
    assert (await namespaces.read(OWNER)).overrides == {}
    assert heard == []


async def test_nothing_happens_to_a_namespace_that_is_not_there() -> None:
    namespaces, heard = namespaces_of()
    for call in (
        namespaces.read(OWNER),
        namespaces.delete(OWNER),
        namespaces.rotate_key(OWNER),
        namespaces.named("acme_app"),
        namespaces.set_limits("acme_app", {}),
        namespaces.clear_limits("acme_app"),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert heard == []


async def test_a_replaced_key_has_its_time_of_grace() -> None:
    namespaces = Namespaces(MemoryStores().namespaces, clock=HandClock(), listener=HeardChanges(), key_grace_s=60)
    before = await namespaces.create(OWNER)
    after = await namespaces.rotate_key(OWNER)
    assert (after.auth.uuid, after.auth.key == before.auth.key) == (before.auth.uuid, False)
    assert after.old_key == OldKey(before.auth.key, 1_060_000)
    other = await namespaces.rotate_key(OWNER, AuthKey("another-uuid", "k"))
    assert (other.auth, other.old_key) == (AuthKey("another-uuid", "k"), None)


async def test_without_a_time_of_grace_nothing_is_left_of_a_key() -> None:
    namespaces, _ = namespaces_of()
    before = await namespaces.create(OWNER)
    after = await namespaces.rotate_key(OWNER)
    assert (after.auth.uuid != before.auth.uuid, after.old_key) == (True, None)
