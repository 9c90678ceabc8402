"""Installing the shipped actions: complete, again without a write, and after a change only what differs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ioruntime.app.clock import SystemClock
from ioruntime.app.system.loader import DIGEST, code_of, install, shipped
from ioruntime.core.authenticate import identify
from ioruntime.core.catalog import ActionPut, Catalog, ExecPut
from ioruntime.core.packages import PackagePut, Packages
from ioruntime.invoker.interpreters import load_families
from ioruntime.model.exec import CodeExec
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.kinds import Kinds
from ioruntime.model.limits import Limits
from ioruntime.model.names import SYSTEM_NAMESPACE, EntityPath
from ioruntime.model.params import annotation
from ioruntime.stores.memory import MemoryBlobs, MemoryStores

pytestmark = pytest.mark.anyio


class Written:
    """Remembers which entities changed."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def entity_changed(self, namespace: str, key: str) -> None:
        assert namespace == SYSTEM_NAMESPACE
        self.keys.append(key)


class House:
    """The system namespace in memory, on a machine without any interpreter."""

    def __init__(self, stores: MemoryStores, identity: Identity) -> None:
        self.written = Written()
        self.identity = identity
        shared: dict[str, Any] = {"entities": stores.entities, "limits": Limits(), "clock": SystemClock()}
        self.packages = Packages(listener=self.written, **shared)
        kinds = Kinds.of(load_families())
        self.catalog = Catalog(packages=self.packages, blobs=MemoryBlobs(), kinds=kinds, listener=self.written, **shared)

    async def install(self) -> list[str]:
        """Install, and return what was written."""
        self.written.keys.clear()
        await install(self.catalog, self.packages, self.identity)
        return list(self.written.keys)

    def path(self, *segments: str) -> EntityPath:
        return EntityPath.of(SYSTEM_NAMESPACE, *segments)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with MemoryStores.open() as stores:
        namespace = Namespace(name=SYSTEM_NAMESPACE, owner=Owner("whisk", "system"), auth=AuthKey.generate())
        yield House(stores, identify(await stores.namespaces.create(namespace)))


def everything() -> set[str]:
    return {key for name, package in shipped().items() for key in (name, *(f"{name}/{action}" for action in package.actions))}


async def test_the_first_start_installs_everything(house: House) -> None:
    written = await house.install()
    assert set(written) == everything()
    assert len(written) == len(everything())


async def test_the_next_start_writes_nothing(house: House) -> None:
    await house.install()
    assert await house.install() == []


async def test_packages_are_open_to_everybody(house: House) -> None:
    await house.install()
    for name in shipped():
        assert (await house.packages.read(house.identity, house.path(name))).publish


async def test_an_action_has_its_code_and_its_annotations(house: House) -> None:
    await house.install()
    action = await house.catalog.read(house.identity, house.path("utils", "smash"))
    assert isinstance(action.exec, CodeExec)
    assert action.exec.kind == "nodejs:24"
    assert await house.catalog.code(action) == code_of("utils", "smash")
    assert annotation(action.annotations, "sampleOutput") == {"p": {"a": 1, "b": {"c": 2, "d": 3}}}
    assert annotation(action.annotations, "parameters")[0]["name"] == "$fieldName"
    assert annotation(action.annotations, "description") == "Nests all arguments under one name"


async def test_what_was_deleted_comes_back(house: House) -> None:
    await house.install()
    await house.catalog.delete(house.identity, house.path("utils", "echo"))
    assert await house.install() == ["utils/echo"]


async def test_what_was_shipped_by_another_version_is_replaced(house: House) -> None:
    await house.install()
    older = ActionPut(exec=ExecPut(kind="nodejs:default", code="old"), annotations=(), del_annotations=(DIGEST,))
    await house.catalog.put(house.identity, house.path("utils", "echo"), older, overwrite=True)
    assert await house.install() == ["utils/echo"]
    action = await house.catalog.read(house.identity, house.path("utils", "echo"))
    assert await house.catalog.code(action) == code_of("utils", "echo")


async def test_a_package_that_was_closed_is_opened_again(house: House) -> None:
    await house.install()
    await house.packages.put(house.identity, house.path("samples"), PackagePut(publish=False), overwrite=True)
    assert await house.install() == ["samples"]
