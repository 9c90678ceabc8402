"""What every `NamespaceStore` promises. Subclass the suite and give it the fixtures that its tests name."""

from collections.abc import Sequence

import anyio
import pytest

from ioruntime.model.errors import AlreadyExistsError, NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, OldKey, Owner
from ioruntime.ports.namespaces import NamespaceStore


def sample_namespace(name: str = "guest", *, org: str | None = None, uuid: str | None = None) -> Namespace:
    """Build a namespace whose owner and key go with its name unless told."""
    return Namespace(
        name=name,
        owner=Owner(org or f"org-{name}", "int"),
        auth=AuthKey(uuid or f"uuid-{name}", "secret"),
        overrides={"invocationsPerMinute": 7, "allowedKinds": ["nodejs:20"]},
        created_ms=1_700_000_000_000,
    )


class NamespacesContract:
    """Needs the fixture `namespaces: NamespaceStore`, empty and fresh for each test."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_created_is_found_by_name_owner_and_uuid(self, namespaces: NamespaceStore) -> None:
        guest = sample_namespace()
        assert await namespaces.create(guest) == guest
        assert await namespaces.by_name("guest") == guest
        assert await namespaces.by_owner(guest.owner) == guest
        assert await namespaces.by_uuid(guest.auth.uuid) == guest

    async def test_what_is_not_there_is_none(self, namespaces: NamespaceStore) -> None:
        assert await namespaces.by_name("nobody") is None
        assert await namespaces.by_owner(Owner("no", "body")) is None
        assert await namespaces.by_uuid("nobody") is None

    async def test_create_again_returns_what_the_owner_has(self, namespaces: NamespaceStore) -> None:
        first = await namespaces.create(sample_namespace("first", org="same"))
        assert await namespaces.create(sample_namespace("second", org="same")) == first
        assert [each.name for each in await namespaces.list()] == ["first"]

    async def test_many_creates_at_once_make_one(self, namespaces: NamespaceStore) -> None:
        results: list[Namespace] = []

        async def create(number: int) -> None:
            results.append(await namespaces.create(sample_namespace(f"n{number}", org="same")))

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(create, number)
        assert len(results) == 5
        assert len({namespace.name for namespace in results}) == 1

    async def test_name_of_another_owner_is_refused(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace("taken"))
        with pytest.raises(AlreadyExistsError):
            await namespaces.create(sample_namespace("taken", org="other", uuid="other"))

    async def test_uuid_of_another_owner_is_refused(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace("one", uuid="same"))
        with pytest.raises(AlreadyExistsError):
            await namespaces.create(sample_namespace("two", uuid="same"))
        await namespaces.create(sample_namespace("three"))
        with pytest.raises(AlreadyExistsError):
            await namespaces.set_auth("three", AuthKey("same", "key"))

    async def test_list_is_by_name(self, namespaces: NamespaceStore) -> None:
        for name in ("b", "a", "C"):
            await namespaces.create(sample_namespace(name))
        assert [namespace.name for namespace in await namespaces.list()] == ["C", "a", "b"]

    async def test_what_is_left_of_a_replaced_key_is_kept(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace())
        old = OldKey("secret", 1_700_000_600_000)
        await namespaces.set_auth("guest", AuthKey("uuid-guest", "new"), old)
        found = await namespaces.by_uuid("uuid-guest")
        assert found is not None
        assert (found.auth.key, found.old_key) == ("new", old)
        await namespaces.set_auth("guest", AuthKey("uuid-guest", "newer"))
        found = await namespaces.by_uuid("uuid-guest")
        assert found is not None
        assert found.old_key is None

    async def test_key_is_replaced(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace())
        await namespaces.set_auth("guest", AuthKey("new", "key"))
        assert await namespaces.by_uuid("uuid-guest") is None
        found = await namespaces.by_uuid("new")
        assert found is not None
        assert found.auth.key == "key"

    async def test_overrides_are_replaced_as_a_whole(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace())
        await namespaces.set_overrides("guest", {"storeActivations": False})
        found = await namespaces.by_name("guest")
        assert found is not None
        assert found.overrides == {"storeActivations": False}

    async def test_change_of_a_missing_namespace_is_refused(self, namespaces: NamespaceStore) -> None:
        with pytest.raises(NotFoundError):
            await namespaces.set_auth("nobody", AuthKey("new", "key"))
        with pytest.raises(NotFoundError):
            await namespaces.set_overrides("nobody", {})

    async def test_deleted_namespace_is_gone_and_its_owner_may_come_again(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace())
        assert await namespaces.delete("guest")
        assert not await namespaces.delete("guest")
        assert await namespaces.by_name("guest") is None
        assert await namespaces.create(sample_namespace()) == sample_namespace()

    async def test_each_write_is_one_change(self, namespaces: NamespaceStore) -> None:
        assert await namespaces.last_change() == 0
        await namespaces.create(sample_namespace())
        await namespaces.create(sample_namespace())
        await namespaces.set_auth("guest", AuthKey("new", "key"))
        await namespaces.set_overrides("guest", {})
        await namespaces.delete("guest")
        changes = await namespaces.changes(0)
        assert [(change.namespace, change.key) for change in changes] == [("guest", None)] * 4
        assert await namespaces.last_change() == changes[-1].sequence

    async def test_changes_come_in_order_after_the_one_named(self, namespaces: NamespaceStore) -> None:
        for name in ("a", "b", "c"):
            await namespaces.create(sample_namespace(name))
        sequences: Sequence[int] = [change.sequence for change in await namespaces.changes(0)]
        assert list(sequences) == sorted(set(sequences))
        assert [change.namespace for change in await namespaces.changes(sequences[0])] == ["b", "c"]
        assert await namespaces.changes(sequences[-1]) == []

    async def test_refused_write_is_no_change(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace("taken"))
        before = await namespaces.last_change()
        with pytest.raises(AlreadyExistsError):
            await namespaces.create(sample_namespace("taken", org="other", uuid="other"))
        with pytest.raises(NotFoundError):
            await namespaces.set_overrides("nobody", {})
        assert await namespaces.last_change() == before
