"""What every `EntityStore` promises. Subclass the suite and give it the fixtures that its tests name."""

from collections.abc import Sequence

import anyio
import pytest

from ioruntime.model.action import Action
from ioruntime.model.errors import ConcurrentModificationError, NotFoundError
from ioruntime.model.exec import CodeExec, CodeReference, Exec, ImageExec, SequenceExec
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note
from ioruntime.model.package import Binding, Package
from ioruntime.model.params import Annotation, Parameter
from ioruntime.ports.entities import Collection, Entity, EntityStore
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.testing.namespaces_contract import sample_namespace

NAMESPACE = "guest"


def sample_action(
    name: str = "hello", *, package: str | None = None, updated_ms: int = 1, exec_: Exec | None = None, revision: int = 0
) -> Action:
    """Build an action of the sample namespace that has something in each field."""
    return Action(
        path=EntityPath(NAMESPACE, name, package),
        exec=exec_ or CodeExec(kind="nodejs:20", code=CodeReference("d" * 64, 10), main="main"),
        version="0.1.2",
        parameters=(
            Parameter("greeting", {"text": "héllo 😀 \x00", "list": [1, 2.5, None, True]}),
            Parameter("KEY", "v", init=True),
        ),
        annotations=(Annotation("web-export", True), Annotation("description", "…")),
        limits=ActionLimits(timeout_ms=1000, instances=3),
        updated_ms=updated_ms,
        revision=revision,
    )


def sample_package(name: str, *, publish: bool = False, binding: Binding | None = None, updated_ms: int = 1) -> Package:
    return Package(path=EntityPath(NAMESPACE, name), publish=publish, binding=binding, updated_ms=updated_ms)


def names(entities: Sequence[Entity]) -> Sequence[str]:
    return [entity.path.key for entity in entities]


class EntitiesContract:
    """Needs the fixtures `entities: EntityStore` and `namespaces: NamespaceStore`, of one empty store for each test."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(autouse=True)
    async def _guest(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace(NAMESPACE))

    @pytest.mark.parametrize(
        "entity",
        [
            pytest.param(sample_action(), id="action with code"),
            pytest.param(sample_action(package="pkg"), id="action in a package"),
            pytest.param(sample_action(exec_=SequenceExec(("/guest/a", "/guest/p/b"))), id="sequence"),
            pytest.param(sample_action(exec_=ImageExec(image="some/image")), id="image without code"),
            pytest.param(sample_package("pkg", publish=True), id="package"),
            pytest.param(sample_package("bound", binding=Binding("whisk.system", "utils")), id="binding"),
        ],
    )
    async def test_what_was_written_is_read(self, entities: EntityStore, entity: Entity) -> None:
        written = await entities.write(entity)
        assert written.revision > 0
        assert await entities.read(entity.path) == written

    async def test_names_may_hold_any_character(self, entities: EntityStore, namespaces: NamespaceStore) -> None:
        path = EntityPath("名前 空間", "grüße & co.", "пакет")
        await namespaces.create(sample_namespace(path.namespace))
        written = await entities.write(Package(path=path))
        assert await entities.read(path) == written

    async def test_missing_path_is_none(self, entities: EntityStore) -> None:
        assert await entities.read(EntityPath(NAMESPACE, "nothing")) is None
        assert await entities.read(EntityPath("nowhere", "nothing")) is None

    async def test_create_of_what_is_there_is_refused(self, entities: EntityStore) -> None:
        await entities.write(sample_action("same"))
        with pytest.raises(ConcurrentModificationError):
            await entities.write(sample_package("same"))

    async def test_create_without_a_namespace_is_refused(self, entities: EntityStore) -> None:
        with pytest.raises(NotFoundError):
            await entities.write(Package(path=EntityPath("nowhere", "pkg")))

    async def test_replace_needs_the_revision_that_is_there(self, entities: EntityStore) -> None:
        first = await entities.write(sample_action())
        second = await entities.write(first)
        assert second.revision > first.revision
        with pytest.raises(ConcurrentModificationError):
            await entities.write(first)
        assert await entities.read(first.path) == second

    async def test_of_two_writers_of_one_revision_one_wins(self, entities: EntityStore) -> None:
        first = await entities.write(sample_action())
        outcomes: list[str] = []

        async def write() -> None:
            try:
                await entities.write(first)
                outcomes.append("won")
            except ConcurrentModificationError:
                outcomes.append("lost")

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(write)
        assert sorted(outcomes) == ["lost", "lost", "lost", "won"]

    async def test_delete_needs_the_revision_that_is_there(self, entities: EntityStore) -> None:
        first = await entities.write(sample_action())
        second = await entities.write(first)
        with pytest.raises(ConcurrentModificationError):
            await entities.delete(first)
        await entities.delete(second)
        assert await entities.read(first.path) is None
        with pytest.raises(ConcurrentModificationError):
            await entities.delete(second)

    async def test_replace_of_what_was_deleted_is_refused(self, entities: EntityStore) -> None:
        written = await entities.write(sample_action())
        await entities.delete(written)
        with pytest.raises(ConcurrentModificationError):
            await entities.write(written)

    async def test_revisions_are_not_used_again_after_delete(self, entities: EntityStore) -> None:
        seen: list[int] = []
        for _ in range(3):
            written = await entities.write(sample_action())
            seen.append(written.revision)
            await entities.delete(written)
        assert len(set(seen)) == 3
        assert seen == sorted(seen)

    async def test_list_is_newest_first_and_of_one_collection(self, entities: EntityStore) -> None:
        for name, updated_ms in (("old", 1), ("new", 3), ("middle", 2)):
            await entities.write(sample_action(name, updated_ms=updated_ms))
        await entities.write(sample_package("pkg"))
        assert names(await entities.list(NAMESPACE, Collection.ACTIONS)) == ["new", "middle", "old"]
        assert names(await entities.list(NAMESPACE, Collection.PACKAGES)) == ["pkg"]
        assert await entities.list("nowhere", Collection.ACTIONS) == []

    async def test_list_of_a_package_has_its_actions_only(self, entities: EntityStore) -> None:
        for package in (None, "a", "b"):
            await entities.write(sample_action("x", package=package))
        assert names(await entities.list(NAMESPACE, Collection.ACTIONS, package="a")) == ["a/x"]
        assert await entities.count(NAMESPACE, Collection.ACTIONS, package="a") == 1
        assert await entities.count(NAMESPACE, Collection.ACTIONS) == 3

    async def test_public_leaves_out_private_packages_and_bindings(self, entities: EntityStore) -> None:
        await entities.write(sample_package("private"))
        await entities.write(sample_package("public", publish=True))
        await entities.write(sample_package("bound", publish=True, binding=Binding("other", "pkg")))
        assert names(await entities.list(NAMESPACE, Collection.PACKAGES, public=True)) == ["public"]
        assert await entities.count(NAMESPACE, Collection.PACKAGES, public=True) == 1

    async def test_pages(self, entities: EntityStore) -> None:
        for number in range(5):
            await entities.write(sample_action(f"a{number}", updated_ms=7))
        assert names(await entities.list(NAMESPACE, Collection.ACTIONS, limit=2)) == ["a4", "a3"]
        assert names(await entities.list(NAMESPACE, Collection.ACTIONS, skip=3, limit=5)) == ["a1", "a0"]
        assert await entities.list(NAMESPACE, Collection.ACTIONS, skip=9) == []
        assert await entities.list(NAMESPACE, Collection.ACTIONS, skip=10**30) == []
        assert await entities.count(NAMESPACE, Collection.ACTIONS) == 5

    async def test_everywhere_is_all_of_a_collection(self, entities: EntityStore, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace("other"))
        for namespace in (NAMESPACE, "other"):
            await entities.write(Note.of(namespace, "alarm", "t", {"minutes": 1}))
        await entities.write(sample_action())
        found = await entities.everywhere(Collection.NOTES)
        assert {(note.path.namespace, note.key, note.topic) for note in found if isinstance(note, Note)} == {
            (NAMESPACE, "t", "alarm"),
            ("other", "t", "alarm"),
        }

    async def test_code_digests_are_of_all_code_in_use(self, entities: EntityStore) -> None:
        await entities.write(sample_action("a"))
        await entities.write(sample_action("b"))
        image = await entities.write(sample_action("c", exec_=ImageExec(image="i", code=CodeReference("e" * 64, 1))))
        await entities.write(sample_action("d", exec_=SequenceExec(("/guest/a",))))
        await entities.write(sample_package("p"))
        assert await entities.code_digests() == {"d" * 64, "e" * 64}
        await entities.delete(image)
        assert await entities.code_digests() == {"d" * 64}

    async def test_writes_and_deletes_are_changes(self, entities: EntityStore, namespaces: NamespaceStore) -> None:
        before = await namespaces.last_change()
        written = await entities.write(sample_action("x", package="p"))
        await entities.delete(written)
        with pytest.raises(ConcurrentModificationError):
            await entities.delete(written)
        changes = await namespaces.changes(before)
        assert [(change.namespace, change.key) for change in changes] == [(NAMESPACE, "p/x")] * 2

    async def test_entities_go_with_their_namespace(self, entities: EntityStore, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace("other"))
        await entities.write(sample_action())
        kept = await entities.write(Package(path=EntityPath("other", "pkg")))
        await namespaces.delete(NAMESPACE)
        assert await entities.read(sample_action().path) is None
        assert await entities.read(kept.path) == kept
