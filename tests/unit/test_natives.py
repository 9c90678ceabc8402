"""Installing the actions that the platform runs itself."""

import pytest

from ioruntime.app.system.natives import Natives, shipped_natives
from ioruntime.core.alarms.feed import AlarmFeed
from ioruntime.core.alarms.parameters import KEYS, FeedName
from ioruntime.core.packages import Packages
from ioruntime.model.action import Action
from ioruntime.model.exec import NativeExec
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import SYSTEM_NAMESPACE, EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import annotation, has_annotation
from ioruntime.ports.entities import Collection
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

SYSTEM = Identity(Namespace(name=SYSTEM_NAMESPACE, owner=Owner("whisk", "system"), auth=AuthKey("1", "k")), SYSTEM_NAMESPACE)


class Deaf:
    def entity_changed(self, namespace: str, key: str) -> None: ...


class World:
    def __init__(self) -> None:
        self.stores, clock = MemoryStores(), HandClock()
        packages = Packages(entities=self.stores.entities, limits=Limits(), clock=clock, listener=Deaf())
        self.natives = Natives(entities=self.stores.entities, packages=packages, clock=clock, listener=Deaf())
        self.feed = AlarmFeed(entities=self.stores.entities, clock=clock, listener=Deaf())

    async def install(self) -> int:
        await self.stores.namespaces.create(SYSTEM.namespace)
        await self.natives.install(SYSTEM)
        return await self.stores.namespaces.last_change()


async def test_the_feeds_are_there_for_everybody() -> None:
    world = World()
    await world.install()
    package = await world.stores.entities.read(EntityPath(SYSTEM_NAMESPACE, "alarms"))
    assert isinstance(package, Package)
    assert package.publish
    found = await world.stores.entities.list(SYSTEM_NAMESPACE, Collection.ACTIONS, package="alarms")
    assert {entity.path.name for entity in found} == set(KEYS)
    for action in found:
        assert isinstance(action, Action)
        assert isinstance(action.exec, NativeExec)
        assert action.exec.handler in world.feed.natives()
        assert annotation(action.annotations, "feed") is True
        assert annotation(action.annotations, "exec") == "native"
        assert not has_annotation(action.annotations, "web-export")


@pytest.mark.parametrize("feed", list(KEYS))
def test_the_annotation_names_every_parameter(feed: FeedName) -> None:
    parameters = {each["name"] for each in shipped_natives()["alarms"].actions[feed]["parameters"]}
    assert parameters == {*KEYS[feed], "trigger_payload"}


async def test_a_second_start_writes_nothing_and_mends_what_differs() -> None:
    world = World()
    before = await world.install()
    assert await world.install() == before
    path = EntityPath(SYSTEM_NAMESPACE, "once", "alarms")
    action = await world.stores.entities.read(path)
    assert isinstance(action, Action)
    await world.stores.entities.write(Action(path=path, exec=NativeExec("else"), revision=action.revision))
    await world.install()
    mended = await world.stores.entities.read(path)
    assert isinstance(mended, Action)
    assert (mended.exec, mended.version) == (action.exec, "0.0.2")
