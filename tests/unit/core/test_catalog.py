"""Actions: what is checked in which order, what an update keeps, what the platform adds."""

import asyncio
import base64
import io
import zipfile
from typing import Any

import msgspec
import pytest

from ioruntime.core.catalog import ActionPut, Catalog
from ioruntime.core.packages import Packages
from ioruntime.model.action import Action
from ioruntime.model.archive import ArchiveError
from ioruntime.model.errors import (
    AlreadyExistsError,
    ConcurrentModificationError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    WrongCollectionError,
)
from ioruntime.model.exec import CodeExec, SequenceExec
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.kinds import Family, Kinds
from ioruntime.model.limits import ActionLimits, Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Binding, Package
from ioruntime.model.params import Annotation, Parameter, annotation
from ioruntime.ports.entities import Entity
from ioruntime.stores.memory import MemoryBlobs, MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

NODE = Family(kind="nodejs:{}", image="i", default=24, oldest=6, newest=26, listed=(22, 24), command=("node",))
LIMITS = Limits(code_bytes=500, parameters_bytes=100)
PATH = EntityPath("me", "a")
SOURCE = {"kind": "nodejs:24", "code": "let x"}


class HeardChanges(list[str]):
    def entity_changed(self, namespace: str, key: str) -> None:
        self.append(f"{namespace}/{key}")


def identity(name: str, **overrides: Any) -> Identity:
    return Identity(Namespace(name=name, owner=Owner(name, name), auth=AuthKey(name, "k"), overrides=overrides), name)


ME = identity("me")


class World:
    """A catalog over stores in memory, with a package, a binding and a trigger-like other thing in `me`."""

    def __init__(self) -> None:
        self.stores, self.blobs, self.clock, self.heard = MemoryStores(), MemoryBlobs(), HandClock(), HeardChanges()
        self.use(self.stores.entities)

    def use(self, entities: Any) -> None:
        self.packages = Packages(entities=entities, limits=LIMITS, clock=self.clock, listener=self.heard)
        self.catalog = Catalog(
            entities=entities,
            packages=self.packages,
            blobs=self.blobs,
            kinds=Kinds.of({"nodejs": NODE}, ["nodejs:24"]),
            limits=LIMITS,
            clock=self.clock,
            listener=self.heard,
        )

    async def build(self) -> "World":
        for name in ("me", "her"):
            await self.stores.namespaces.create(identity(name).namespace)
        parameters = (Parameter("x", "package"), Parameter("y", "package"))
        for package in (
            Package(path=EntityPath("me", "p"), parameters=parameters),
            Package(path=EntityPath("me", "bound"), binding=Binding("her", "public")),
            Package(path=EntityPath("her", "public"), publish=True),
            Package(path=EntityPath("her", "private")),
        ):
            await self.stores.entities.write(package)
        return self

    async def put(self, path: EntityPath = PATH, *, who: Identity = ME, overwrite: bool = False, **fields: Any) -> Action:
        put = msgspec.convert(fields, ActionPut)
        return await self.catalog.put(who, path, put, overwrite=overwrite)

    async def update(self, **fields: Any) -> Action:
        self.clock.s += 1
        return await self.put(overwrite=True, **fields)


async def test_a_new_action_gets_what_nobody_said() -> None:
    world = await World().build()
    action = await world.put(exec=SOURCE)
    assert isinstance(action.exec, CodeExec)
    assert (action.version, action.publish, action.limits) == ("0.0.1", False, ActionLimits())
    assert action.annotations == (Annotation("provide-api-key", False), Annotation("exec", "nodejs:24"))
    assert (action.updated_ms, action.parameters) == (world.clock.now_ms(), ())
    assert action.revision > 0
    assert world.heard == ["me/a"]
    assert await world.catalog.read(ME, PATH) == action


@pytest.mark.parametrize(
    ("kind", "stored"), [("nodejs", "nodejs:24"), (" NodeJS:Default ", "nodejs:24"), ("nodejs:14", "nodejs:14")]
)
async def test_kinds_are_stored_resolved(kind: str, stored: str) -> None:
    world = await World().build()
    action = await world.put(exec={"kind": kind, "code": ""})
    assert (action.exec.kind, annotation(action.annotations, "exec")) == (stored, stored)


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({}, InvalidError, "exec undefined"),
        ({"exec": {"code": "x"}}, InvalidError, "'kind' must be a string defined in 'exec'"),
        ({"exec": {"kind": 1, "code": "x"}}, InvalidError, "'kind' must be a string defined in 'exec'"),
        (
            {"exec": {"kind": "cobol", "code": "x"}},
            InvalidError,
            "The specified runtime 'cobol' is not supported by this platform. Valid values are: 'nodejs:22', 'nodejs:24'.",
        ),
        (
            {"exec": {"kind": "nodejs"}},
            InvalidError,
            "'code' must be a string or attachment object defined in 'exec' for 'nodejs:24' actions",
        ),
        (
            {"exec": {"kind": "nodejs:14", "code": {"a": 1}}},
            InvalidError,
            "'code' must be a string or attachment object defined in 'exec' for 'nodejs:14' actions",
        ),
        ({"exec": {"kind": "nodejs", "code": "x" * 501}}, TooLargeError, "exec larger than allowed: 501 > 500 bytes."),
        (
            {"exec": SOURCE, "parameters": [{"key": "k", "value": "v" * 100}]},
            TooLargeError,
            "parameters larger than allowed: 124 > 100 bytes.",
        ),
        (
            {"exec": SOURCE, "annotations": [{"key": "k", "value": "v" * 100}]},
            TooLargeError,
            "annotations larger than allowed: 124 > 100 bytes.",
        ),
        (
            {"exec": SOURCE, "limits": {"memory": 1024}},
            InvalidError,
            "requirement failed: memory size 1024 MB exceeds allowed threshold of 512 MB",
        ),
        ({"exec": SOURCE, "version": "0.0.0"}, InvalidError, "'0.0.0' is not a semantic version of the form a.b.c above 0.0.0."),
        ({"exec": SOURCE, "version": ""}, InvalidError, "'' is not a semantic version of the form a.b.c above 0.0.0."),
    ],
)
async def test_what_is_refused(fields: dict[str, Any], error: type[Exception], text: str) -> None:
    world = await World().build()
    with pytest.raises(error) as refusal:
        await world.put(**fields)
    assert str(refusal.value) == text
    assert await world.stores.entities.read(PATH) is None
    assert world.heard == []


BAD_LIMITS = {"timeout": 1}
NO_KIND = {"kind": "cobol", "code": "x"}
HUGE = {"kind": "cobol", "code": "x" * 501}


@pytest.mark.parametrize(
    ("path", "fields", "error"),
    [
        pytest.param(EntityPath("her", "a"), {"exec": HUGE}, ForbiddenError, id="whose it is, before sizes"),
        pytest.param(EntityPath("me", "a", "none"), {"exec": HUGE}, TooLargeError, id="sizes, before what is in the body"),
        pytest.param(PATH, {"exec": NO_KIND, "limits": BAD_LIMITS}, "cobol", id="the body, before limits"),
        pytest.param(
            EntityPath("me", "a", "none"), {"exec": SOURCE, "limits": BAD_LIMITS}, "duration", id="limits, before the package"
        ),
        pytest.param(EntityPath("me", "a", "none"), {"exec": SOURCE}, NotFoundError, id="a package that is not there"),
        pytest.param(EntityPath("me", "a", "b"), {"exec": SOURCE}, NotFoundError, id="an action is no package"),
        pytest.param(EntityPath("me", "b", "bound"), {"exec": SOURCE}, "not permitted on package binding", id="into a binding"),
        pytest.param(EntityPath("me", "p"), {"exec": SOURCE}, WrongCollectionError, id="the name of a package"),
        pytest.param(EntityPath("me", "b"), {"exec": SOURCE}, AlreadyExistsError, id="it is there already"),
    ],
)
async def test_the_order_of_checks(path: EntityPath, fields: dict[str, Any], error: type[Exception] | str) -> None:
    world = await World().build()
    await world.put(EntityPath("me", "b"), exec=SOURCE)
    kind, text = (InvalidError, error) if isinstance(error, str) else (error, None)
    with pytest.raises(kind, match=text):
        await world.put(path, **fields)


async def test_kinds_that_the_namespace_may_not_have() -> None:
    world = await World().build()
    with pytest.raises(ForbiddenError) as refusal:
        await world.put(who=identity("me", allowedKinds=["nodejs:24"]), exec={"kind": "nodejs:22", "code": ""})
    assert str(refusal.value) == "The supplied authentication is not authorized to access actions of kind 'nodejs:22'."


async def test_a_namespace_s_own_limits_count() -> None:
    world, small = await World().build(), identity("me", maxActionMemory=128, maxParameterSize=10)
    assert (await world.put(who=small, exec=SOURCE)).limits.memory_mb == 128
    with pytest.raises(InvalidError, match="exceeds allowed threshold of 128 MB"):
        await world.put(who=small, exec=SOURCE, limits={"memory": 256})
    with pytest.raises(TooLargeError, match=r"parameters larger than allowed: \d+ > 10"):
        await world.put(who=small, exec=SOURCE, parameters=[{"key": "k", "value": "v"}])


async def test_an_update_changes_only_what_it_names() -> None:
    world = await World().build()
    first = await world.put(
        exec=SOURCE, parameters=[{"key": "a", "value": 1}], limits={"timeout": 1000, "memory": 512}, publish=True, version="1.2.3"
    )
    second = await world.update(limits={"timeout": 2000})
    assert second == msgspec.structs.replace(
        first,
        version="1.2.4",
        limits=ActionLimits(timeout_ms=2000, memory_mb=512),
        updated_ms=world.clock.now_ms(),
        revision=second.revision,
    )
    assert (await world.update(version="3.0.0", publish=False)).version == "3.0.0"
    assert world.heard == ["me/a"] * 3


async def test_parameters_are_replaced_and_annotations_merged() -> None:
    world = await World().build()
    await world.put(exec=SOURCE, parameters=[{"key": "a"}, {"key": "b"}], annotations=[{"key": "m", "value": 1}, {"key": "n"}])
    action = await world.update(
        parameters=[{"key": "c"}], annotations=[{"key": "m", "value": 2}, {"key": "exec", "value": "mine"}], delAnnotations=["n"]
    )
    assert action.parameters == (Parameter("c"),)
    assert {a.key: a.value for a in action.annotations} == {"m": 2, "provide-api-key": False, "exec": "nodejs:24"}
    assert (await world.update(parameters=[])).parameters == ()


@pytest.mark.parametrize("given", [True, None, "x"])
async def test_provide_api_key_is_the_client_s_to_give(given: Any) -> None:
    world = await World().build()
    action = await world.put(exec=SOURCE, annotations=[{"key": "provide-api-key", "value": given}])
    assert annotation(action.annotations, "provide-api-key") == given


async def test_provide_api_key_is_added_on_create_only() -> None:
    world = await World().build()
    await world.put(exec=SOURCE)
    action = await world.update(delAnnotations=["provide-api-key"])
    assert [a.key for a in action.annotations] == ["exec"]


async def test_a_sequence_turned_into_code_loses_its_parameters() -> None:
    world = await World().build()
    was = Action(path=PATH, exec=SequenceExec(("/me/b",)), parameters=(Parameter("_actions", ["/me/b"]),))
    await world.stores.entities.write(was)
    assert (await world.update(exec=SOURCE)).parameters == ()


def zip_of(*names: str) -> str:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as target:
        for name in names:
            target.writestr(name, "x")
    return base64.b64encode(sink.getvalue()).decode()


@pytest.mark.parametrize(
    ("code", "binary"),
    [("", False), ("let x = 'ä'\n", False), ("main", True), (zip_of("a"), True)],
    ids=["empty", "text", "word", "zip"],
)
async def test_code_comes_back_as_it_was_sent(code: str, binary: bool) -> None:
    world = await World().build()
    action = await world.put(exec={"kind": "nodejs", "code": code, "main": "f"})
    assert isinstance(action.exec, CodeExec)
    assert (action.exec.binary, action.exec.main, await world.catalog.code(action)) == (binary, "f", code)


async def test_an_archive_that_climbs_out_is_refused_and_not_kept() -> None:
    world = await World().build()
    with pytest.raises(ArchiveError):
        await world.put(exec={"kind": "nodejs", "code": zip_of("../a")})
    assert await world.blobs.sweep(set(), older_than_s=-1) == 0


async def test_a_sequence_has_no_code() -> None:
    world = await World().build()
    assert await world.catalog.code(Action(path=PATH, exec=SequenceExec(()))) is None


class TwoReaders:
    """Entities whose readers of one path wait for each other, so that both decide on the same state."""

    def __init__(self, stores: MemoryStores) -> None:
        self._entities = stores.entities
        self.both = asyncio.Barrier(2)

    async def read(self, path: EntityPath) -> Entity | None:
        found = await self._entities.read(path)
        await self.both.wait()
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._entities, name)


@pytest.mark.parametrize("exists", [True, False])
async def test_of_two_writers_one_wins(exists: bool) -> None:
    world = await World().build()
    if exists:
        await world.put(exec=SOURCE)
    world.use(TwoReaders(world.stores))

    async def write(value: int) -> str:
        try:
            await world.put(overwrite=True, exec=SOURCE, parameters=[{"key": "who", "value": value}])
        except ConcurrentModificationError as error:
            return str(error)
        return "won"

    async with asyncio.TaskGroup() as tasks:
        writers = [tasks.create_task(write(value)) for value in range(2)]
    results = [writer.result() for writer in writers]
    assert sorted(results) == ["Concurrent modification to resource detected.", "won"]
    stored = await world.stores.entities.read(PATH)
    assert isinstance(stored, Action)
    assert stored.parameters == (Parameter("who", results.index("won")),)


async def test_reading_merges_the_package_s_parameters() -> None:
    world = await World().build()
    path = EntityPath("me", "b", "p")
    await world.put(path, exec=SOURCE, parameters=[{"key": "y", "value": "action"}])
    read = await world.catalog.read(ME, path)
    assert {p.key: p.value for p in read.parameters} == {"x": "package", "y": "action"}
    assert (await world.catalog.read(ME, path, merged=False)).parameters == (Parameter("y", "action"),)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (EntityPath("me", "none"), NotFoundError),
        (EntityPath("me", "none", "p"), NotFoundError),
        (EntityPath("me", "a", "none"), NotFoundError),
        (EntityPath("me", "p"), WrongCollectionError),
        (EntityPath("her", "none"), ForbiddenError),
        (EntityPath("her", "a", "private"), ForbiddenError),
        (EntityPath("her", "a", "none"), ForbiddenError),
        (EntityPath("her", "none", "public"), NotFoundError),
    ],
    ids=str,
)
async def test_what_cannot_be_read(path: EntityPath, error: type[Exception]) -> None:
    world = await World().build()
    with pytest.raises(error):
        await world.catalog.read(ME, path)


async def test_what_she_published_can_be_read_and_not_changed() -> None:
    world, path = await World().build(), EntityPath("her", "b", "public")
    await world.put(path, who=identity("her"), exec=SOURCE)
    assert (await world.catalog.read(ME, path)).path == path
    with pytest.raises(ForbiddenError):
        await world.put(path, exec=SOURCE, overwrite=True)
    with pytest.raises(ForbiddenError):
        await world.catalog.delete(ME, path)


async def test_deleting() -> None:
    world = await World().build()
    action = await world.put(exec=SOURCE)
    assert await world.catalog.delete(ME, PATH) == action
    assert world.heard == ["me/a", "me/a"]
    for path, error in (
        (PATH, NotFoundError),
        (EntityPath("me", "p"), WrongCollectionError),
        (EntityPath("me", "a", "x"), NotFoundError),
    ):
        with pytest.raises(error):
            await world.catalog.delete(ME, path)
    with pytest.raises(InvalidError, match="not permitted on package binding"):
        await world.catalog.delete(ME, EntityPath("me", "a", "bound"))


async def test_listing_is_newest_first_and_by_package() -> None:
    world = await World().build()
    for path in (PATH, EntityPath("me", "b", "p"), EntityPath("me", "c", "p")):
        await world.put(path, exec=SOURCE)
        world.clock.s += 1
    assert [a.path.name for a in await world.catalog.list(ME, "me", package=None, skip=0, limit=2)] == ["c", "b"]
    assert [a.path.name for a in await world.catalog.list(ME, "me", package="p", skip=1, limit=9)] == ["b"]
    assert (await world.catalog.count(ME, "me", package=None), await world.catalog.count(ME, "me", package="p")) == (3, 2)


@pytest.mark.parametrize(
    ("namespace", "package", "error"),
    [
        ("her", None, ForbiddenError),
        ("her", "private", ForbiddenError),
        ("her", "none", ForbiddenError),
        ("me", "none", NotFoundError),
        ("me", "a", WrongCollectionError),
    ],
)
async def test_what_cannot_be_listed(namespace: str, package: str | None, error: type[Exception]) -> None:
    world = await World().build()
    await world.put(exec=SOURCE)
    with pytest.raises(error):
        await world.catalog.list(ME, namespace, package=package, skip=0, limit=1)
    with pytest.raises(error):
        await world.catalog.count(ME, namespace, package=package)
    assert await world.catalog.count(ME, "her", package="public") == 0
