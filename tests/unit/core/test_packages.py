"""Packages: made, changed, looked into and thrown away."""

from typing import Any

import msgspec
import pytest

from ioruntime.core.packages import PackagePut, Packages
from ioruntime.model.action import Action
from ioruntime.model.errors import (
    AlreadyExistsError,
    ConcurrentModificationError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    WrongCollectionError,
)
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Binding, Package
from ioruntime.model.params import Annotation, Parameter
from ioruntime.ports.entities import Entity
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

EXEC = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
PATH = EntityPath("me", "p")


class HeardChanges(list[str]):
    def entity_changed(self, namespace: str, key: str) -> None:
        self.append(f"{namespace}/{key}")


def identity(name: str) -> Identity:
    return Identity(Namespace(name=name, owner=Owner(name, name), auth=AuthKey(name, "k")), name)


ME, HER = identity("me"), identity("her")


class World:
    def __init__(self) -> None:
        self.stores, self.clock, self.heard = MemoryStores(), HandClock(), HeardChanges()
        self.use(self.stores.entities)

    def use(self, entities: Any) -> None:
        self.packages = Packages(entities=entities, limits=Limits(parameters_bytes=100), clock=self.clock, listener=self.heard)

    async def build(self) -> "World":
        for who in (ME, HER):
            await self.stores.namespaces.create(who.namespace)
        return self

    async def put(self, path: EntityPath = PATH, *, who: Identity = ME, overwrite: bool = False, **fields: Any) -> Package:
        self.clock.s += 1
        return await self.packages.put(who, path, msgspec.convert(fields, PackagePut), overwrite=overwrite)

    async def fill(self, *names: str) -> None:
        for name in names:
            await self.stores.entities.write(Action(path=EntityPath("me", name, "p"), exec=EXEC))


async def test_a_new_package() -> None:
    world = await World().build()
    package = await world.put(parameters=[{"key": "a"}, {"key": "a", "value": 1}])
    assert package == Package(
        path=PATH, parameters=(Parameter("a", 1),), updated_ms=world.clock.now_ms(), revision=package.revision
    )
    assert await world.packages.read(ME, PATH) == package
    assert world.heard == ["me/p"]


async def test_an_update_replaces_what_it_names() -> None:
    world = await World().build()
    await world.put(parameters=[{"key": "a"}], annotations=[{"key": "m"}, {"key": "n"}], publish=True)
    package = await world.put(overwrite=True, annotations=[{"key": "o"}])
    assert (package.version, package.publish) == ("0.0.2", True)
    assert (package.parameters, package.annotations) == ((Parameter("a"),), (Annotation("o"),))
    assert (await world.put(overwrite=True, version="2.0.0", publish=False)).version == "2.0.0"


async def test_what_is_refused() -> None:
    world = await World().build()
    await world.put()
    await world.stores.entities.write(Action(path=EntityPath("me", "a"), exec=EXEC))
    big = [{"key": "k", "value": "v" * 100}]
    with pytest.raises(AlreadyExistsError):
        await world.put()
    with pytest.raises(WrongCollectionError):
        await world.put(EntityPath("me", "a"), overwrite=True)
    with pytest.raises(ForbiddenError, match="'her/p'"):
        await world.put(EntityPath("her", "p"))
    with pytest.raises(InvalidError, match=r"^Package name 'default' is reserved\.$"):
        await world.put(EntityPath("me", "default"))
    with pytest.raises(InvalidError, match="not a semantic version"):
        await world.put(overwrite=True, version="")
    with pytest.raises(TooLargeError, match=r"^parameters larger than allowed: 124 > 100 bytes"):
        await world.put(overwrite=True, parameters=big)
    with pytest.raises(TooLargeError, match=r"^annotations larger than allowed: 124 > 100 bytes"):
        await world.put(overwrite=True, annotations=big)


@pytest.mark.parametrize(
    ("names", "contents"), [(("a",), "1 entity"), (("a", "b"), "2 entities")], ids=["one inside", "two inside"]
)
async def test_a_package_with_something_in_it_stays(names: tuple[str, ...], contents: str) -> None:
    world = await World().build()
    await world.put()
    await world.fill(*names)
    with pytest.raises(ConflictError) as refusal:
        await world.packages.delete(ME, PATH, force=False)
    assert str(refusal.value) == f"Package not empty (contains {contents}). Set force param or delete package contents."
    assert len(await world.packages.actions(await world.packages.read(ME, PATH))) == len(names)


async def test_force_takes_the_actions_along() -> None:
    world = await World().build()
    package = await world.put()
    await world.fill("a", "b")
    assert await world.packages.delete(ME, PATH, force=True) == package
    assert await world.stores.entities.read(EntityPath("me", "a", "p")) is None
    assert set(world.heard) == {"me/p", "me/p/a", "me/p/b"}
    with pytest.raises(NotFoundError):
        await world.packages.delete(ME, PATH, force=True)


class StubbornEntities:
    """Entities of which one cannot be deleted."""

    def __init__(self, stores: MemoryStores, stubborn: str) -> None:
        self._entities = stores.entities
        self._stubborn = stubborn

    async def delete(self, entity: Entity) -> None:
        if entity.path.name == self._stubborn:
            raise ConcurrentModificationError
        await self._entities.delete(entity)

    def __getattr__(self, name: str) -> object:
        return getattr(self._entities, name)


async def test_what_went_before_a_deletion_failed_is_told() -> None:
    world = await World().build()
    await world.put()
    await world.fill("stubborn", "a")
    world.use(StubbornEntities(world.stores, "stubborn"))
    with pytest.raises(ConcurrentModificationError):
        await world.packages.delete(ME, PATH, force=True)
    assert "me/p/a" in world.heard
    assert isinstance(await world.stores.entities.read(PATH), Package)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (EntityPath("me", "none"), NotFoundError),
        (EntityPath("me", "a"), WrongCollectionError),
        (EntityPath("her", "private"), ForbiddenError),
        (EntityPath("her", "none"), ForbiddenError),
        (EntityPath("her", "a"), ForbiddenError),
    ],
    ids=str,
)
async def test_what_cannot_be_read(path: EntityPath, error: type[Exception]) -> None:
    world = await World().build()
    await world.put(EntityPath("her", "private"), who=HER)
    for name in ("me", "her"):
        await world.stores.entities.write(Action(path=EntityPath(name, "a"), exec=EXEC))
    with pytest.raises(error):
        await world.packages.read(ME, path)
    with pytest.raises(error):
        await world.packages.delete(ME, path, force=True)


async def test_others_see_what_is_published_and_no_bindings() -> None:
    world = await World().build()
    for name, publish in (("public", True), ("private", False)):
        await world.put(EntityPath("her", name), who=HER, publish=publish)
    await world.stores.entities.write(Package(path=EntityPath("her", "bound"), publish=True, binding=Binding("me", "p")))
    assert (await world.packages.read(ME, EntityPath("her", "public"))).publish
    assert [p.path.name for p in await world.packages.list(ME, "her", skip=0, limit=9)] == ["public"]
    assert {p.path.name for p in await world.packages.list(HER, "her", skip=0, limit=9)} == {"public", "private", "bound"}
    assert (await world.packages.count(ME, "her"), await world.packages.count(HER, "her")) == (1, 3)
    assert await world.packages.list(ME, "nobody", skip=0, limit=9) == []


async def test_who_owns_what_a_path_names() -> None:
    world = await World().build()
    await world.put()
    await world.stores.entities.write(Package(path=EntityPath("me", "bound"), binding=Binding("her", "p")))
    await world.packages.owning(EntityPath("me", "a"))
    await world.packages.owning(EntityPath("me", "a", "p"))
    with pytest.raises(NotFoundError):
        await world.packages.owning(EntityPath("me", "a", "none"))
    with pytest.raises(InvalidError, match=r"^Operation not permitted on package binding\.$"):
        await world.packages.owning(EntityPath("me", "a", "bound"))
