"""Which parameters an action gets, and when what is cached is forgotten."""

import asyncio
from typing import Any

import msgspec
import pytest

from ioruntime.core.resolve import Resolved, Resolver, resolve
from ioruntime.model.action import Action
from ioruntime.model.errors import ForbiddenError, InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import Annotation, Arguments, Parameter, read_arguments
from ioruntime.ports.entities import Entity
from ioruntime.stores.memory import MemoryStores

pytestmark = pytest.mark.anyio

EXEC = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
FINAL = Annotation("final", True)
NOT_ALLOWED = "Request defines parameters that are not allowed (e.g., reserved properties)."


def resolved(
    *parameters: Parameter, package: tuple[Parameter, ...] | None = None, annotations: tuple[Annotation, ...] = ()
) -> Resolved:
    path = EntityPath("ns", "a", None if package is None else "p")
    inside = None if package is None else Package(path=EntityPath("ns", "p"), parameters=package)
    return resolve(Action(path=path, exec=EXEC, parameters=parameters, annotations=annotations), inside)


def payload(**values: Any) -> Arguments:
    return read_arguments(msgspec.json.encode(values))


def arguments(of: Resolved, **values: Any) -> dict[str, Any]:
    return msgspec.json.decode(of.arguments(payload(**values)))


def test_package_then_action_then_payload() -> None:
    it = resolved(Parameter("b", 2), Parameter("c", 2), package=(Parameter("a", 1), Parameter("b", 1), Parameter("c", 1)))
    assert arguments(it, c=3, d=4) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_without_parameters_the_payload_is_what_it_is() -> None:
    assert bytes(resolved().arguments(read_arguments(b'{"a": 1.50}'))) == b'{"a":1.50}'


def test_init_parameters_are_in_the_environment_and_not_in_the_arguments() -> None:
    it = resolved(Parameter("e", {"x": 1}, init=True), Parameter("a", 1), package=(Parameter("f", "text", init=True),))
    assert arguments(it, e="mine", b=2) == {"a": 1, "b": 2}
    assert it.environment == {"f": "text", "e": '{"x":1}'}
    assert it.environment_with(payload(e="mine", b=2)) == {"f": "text", "e": "mine"}
    assert it.environment_with(payload(b=2)) == it.environment


def test_the_payload_stays_as_it_came() -> None:
    it, sent = resolved(Parameter("e", 1, init=True)), payload(e=2, b=3)
    it.arguments(sent)
    assert set(sent) == {"e", "b"}
    assert it.environment_with(sent) == {"e": "2"}


def test_an_action_s_plain_parameter_replaces_the_package_s_init_one() -> None:
    it = resolved(Parameter("a", 1), package=(Parameter("a", 0, init=True),))
    assert (arguments(it), it.environment) == ({"a": 1}, {})


@pytest.mark.parametrize("init", [True, False], ids=["init", "plain"])
def test_final_parameters_with_a_value_stay(init: bool) -> None:
    it = resolved(Parameter("a", 1, init=init), annotations=(FINAL,), package=(Parameter("p", 1),))
    for key in "ap":
        with pytest.raises(InvalidError) as refusal:
            arguments(it, **{key: 2})
        assert str(refusal.value) == NOT_ALLOWED


def test_final_parameters_without_a_value_may_be_given() -> None:
    it = resolved(Parameter("a", None), Parameter("b", False), annotations=(FINAL,))
    assert arguments(it, a=1, c=2) == {"a": 1, "b": False, "c": 2}
    with pytest.raises(InvalidError):
        arguments(it, b=True)


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_only_true_is_final(value: Any) -> None:
    assert arguments(resolved(Parameter("a", 1), annotations=(Annotation("final", value),)), a=2) == {"a": 2}


@pytest.mark.parametrize(
    ("annotations", "wants"),
    [
        pytest.param((), True, id="absent: yes"),
        pytest.param((Annotation("provide-api-key", True),), True, id="true"),
        pytest.param((Annotation("provide-api-key", "x"),), True, id="something"),
        pytest.param((Annotation("provide-api-key", False),), False, id="false"),
        pytest.param((Annotation("provide-api-key", None),), False, id="null"),
        pytest.param((Annotation("provide-api-key", 0),), False, id="zero"),
    ],
)
def test_the_api_key(annotations: tuple[Annotation, ...], wants: bool) -> None:
    assert resolved(annotations=annotations).wants_api_key is wants


class CountingEntities:
    """A store that counts reads, and stops before each answer while `gate` is closed."""

    def __init__(self, stores: MemoryStores) -> None:
        self._entities = stores.entities
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads = 0

    async def read(self, path: EntityPath) -> Entity | None:
        self.reads += 1
        found = await self._entities.read(path)
        await self.gate.wait()
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._entities, name)


class World:
    """Two namespaces, with a package and an action in it in each."""

    def __init__(self) -> None:
        self.stores = MemoryStores()
        self.entities = CountingEntities(self.stores)
        self.resolver = Resolver(self.entities)  # pyright: ignore[reportArgumentType] - passes the rest on

    async def build(self) -> "World":
        for name in ("me", "her"):
            await self.stores.namespaces.create(identity(name).namespace)
            await self.stores.entities.write(Package(path=EntityPath(name, "p"), publish=name == "her"))
            await self.stores.entities.write(Package(path=EntityPath(name, "pp")))
            for package in (None, "p", "pp"):
                await self.stores.entities.write(Action(path=EntityPath(name, "a", package), exec=EXEC))
        return self

    async def update(self, path: EntityPath, **changes: Any) -> None:
        found = await self.stores.entities.read(path)
        assert found is not None
        await self.stores.entities.write(msgspec.structs.replace(found, **changes))
        self.resolver.forget(path.namespace, path.key)


def identity(name: str) -> Identity:
    return Identity(Namespace(name=name, owner=Owner(name, name), auth=AuthKey(name, "k")), name)


async def test_what_nobody_changed_is_read_once() -> None:
    world = await World().build()
    for _ in range(3):
        await world.resolver.action(EntityPath("me", "a", "p"))
    assert world.entities.reads == 2


async def test_a_package_change_reaches_its_actions_and_no_others() -> None:
    world = await World().build()
    paths = [EntityPath("me", "a", "p"), EntityPath("me", "a", "pp"), EntityPath("me", "a")]
    for path in paths:
        await world.resolver.action(path)
    await world.update(EntityPath("me", "p"), parameters=(Parameter("x", 1),))
    before = world.entities.reads
    assert [arguments(await world.resolver.action(path)) for path in paths] == [{"x": 1}, {}, {}]
    assert world.entities.reads == before + 2


async def test_a_changed_action_is_read_again() -> None:
    world, path = await World().build(), EntityPath("me", "a")
    await world.resolver.action(path)
    await world.update(path, version="0.0.2")
    assert (await world.resolver.action(path)).action.version == "0.0.2"


async def test_a_namespace_is_forgotten_as_a_whole() -> None:
    world = await World().build()
    for name in ("me", "her"):
        await world.resolver.action(EntityPath(name, "a"))
    await world.stores.namespaces.delete("me")
    world.resolver.forget("me", None)
    with pytest.raises(NotFoundError):
        await world.resolver.action(EntityPath("me", "a"))
    before = world.entities.reads
    await world.resolver.action(EntityPath("her", "a"))
    assert world.entities.reads == before


async def test_a_change_while_loading_is_not_cached_over() -> None:
    world, path = await World().build(), EntityPath("me", "a")
    world.entities.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(world.resolver.action(path))
        await asyncio.sleep(0)
        await world.update(path, version="0.0.2")
        world.entities.gate.set()
    assert loading.result().action.version == "0.0.1"
    assert (await world.resolver.action(path)).action.version == "0.0.2"


@pytest.mark.parametrize(
    "path",
    [EntityPath("me", "none"), EntityPath("me", "a", "none"), EntityPath("me", "x", "a")],
    ids=["nothing", "no such package", "an action as package"],
)
async def test_what_cannot_run(path: EntityPath) -> None:
    world = await World().build()
    with pytest.raises(NotFoundError):
        await world.resolver.runnable(identity("me"), path)


async def test_a_package_is_no_action() -> None:
    world = await World().build()
    with pytest.raises(WrongCollectionError):
        await world.resolver.runnable(identity("me"), EntityPath("me", "p"))


@pytest.mark.parametrize("path", ["her/a", "her/none", "her/p", "her/pp", "her/pp/a", "her/pp/none", "her/none/a", "nobody/a"])
async def test_what_is_hers_and_private_is_refused_whether_it_is_there_or_not(path: str) -> None:
    world = await World().build()
    for _ in range(2):
        with pytest.raises(ForbiddenError, match=f"'{path}'"):
            await world.resolver.runnable(identity("me"), EntityPath.parse(path, own_namespace="me"))
        await world.resolver.action(EntityPath("her", "a"))  # cached by its owner's call: no way around the check


async def test_what_she_published_runs() -> None:
    world = await World().build()
    assert (await world.resolver.runnable(identity("me"), EntityPath("her", "a", "p"))).action.path.namespace == "her"
