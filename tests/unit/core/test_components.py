"""What a sequence may be made of, below the surface: what is inside of its components."""

from collections.abc import Sequence

import pytest

from ioruntime.core.components import CYCLE, MISSING, TOO_MANY, Components
from ioruntime.core.packages import Packages
from ioruntime.model.action import Action
from ioruntime.model.errors import ForbiddenError, InvalidError
from ioruntime.model.exec import CodeExec, CodeReference, SequenceExec
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

ME = Identity(Namespace(name="me", owner=Owner("o", "me"), auth=AuthKey("me", "key")), "subject")
HER = Namespace(name="her", owner=Owner("o", "her"), auth=AuthKey("her", "key"))
CODE = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
NEW = EntityPath("me", "new")


class Silent:
    def entity_changed(self, namespace: str, key: str) -> None: ...


class World:
    """Actions of two namespaces."""

    def __init__(self) -> None:
        self.entities = MemoryStores()

    async def check(self, *names: str, most: int = 4) -> Sequence[str]:
        store = self.entities.entities
        packages = Packages(entities=store, limits=Limits(), clock=HandClock(), listener=Silent())
        return await Components(store, packages).check(ME, NEW, names, most=most)

    async def keep(self, path: str, *components: str) -> None:
        """Keep a sequence, or an action when there are no components."""
        exec_ = SequenceExec(components) if components else CODE
        await self.entities.entities.write(Action(path=EntityPath.parse(path, own_namespace="me"), exec=exec_))


@pytest.fixture
async def world() -> World:
    world = World()
    for namespace in (ME.namespace, HER):
        await world.entities.namespaces.create(namespace)
    for name, publish in (("open", True), ("closed", False)):
        await world.entities.entities.write(Package(path=EntityPath("her", name), publish=publish))
    for path in ("/me/a", "/her/open/a", "/her/closed/a"):
        await world.keep(path)
    return world


async def test_names_become_whole(world: World) -> None:
    assert await world.check("_/a", "/me/a", "her/open/a") == ("/me/a", "/me/a", "/her/open/a")


async def test_what_is_inside_must_be_there_too(world: World) -> None:
    await world.keep("/me/s", "/me/gone")
    with pytest.raises(InvalidError, match=MISSING):
        await world.check("/me/s")


async def test_what_is_inside_must_be_allowed_too(world: World) -> None:
    await world.keep("/her/open/s", "/her/closed/a")
    with pytest.raises(ForbiddenError, match="her/closed/a"):
        await world.check("/her/open/s")


async def test_a_cycle_of_others_has_no_end(world: World) -> None:
    await world.keep("/me/s", "/me/t", "/me/t")
    await world.keep("/me/t", "/me/s", "/me/s")
    with pytest.raises(InvalidError, match=TOO_MANY):
        await world.check("/me/s")


async def test_one_that_is_not_there_yet_cannot_hold_itself(world: World) -> None:
    await world.keep("/me/s", "/me/new")
    with pytest.raises(InvalidError, match=CYCLE):
        await world.check("/me/a", "/me/s")


@pytest.mark.parametrize(("levels", "allowed"), [(4, True), (5, False)], ids=["as deep as long", "deeper"])
async def test_depth(world: World, levels: int, *, allowed: bool) -> None:
    await world.keep("/me/s0")
    for level in range(1, levels + 1):
        await world.keep(f"/me/s{level}", f"/me/s{level - 1}")
    if allowed:
        assert await world.check(f"/me/s{levels}") == (f"/me/s{levels}",)
    else:
        with pytest.raises(InvalidError, match=TOO_MANY):
            await world.check(f"/me/s{levels}")
