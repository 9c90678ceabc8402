"""Encryption at rest: what is on disk, what opens it, and how keys follow each other."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from ioruntime.model.errors import CorruptError, InvalidError
from ioruntime.model.note import Note
from ioruntime.model.params import Parameter
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.sealing import Key, Sealer, UnknownKeyError
from ioruntime.stores.sql.reseal import reseal
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import sample_request
from ioruntime.testing.entities_contract import NAMESPACE, sample_action
from ioruntime.testing.namespaces_contract import sample_namespace

SECRET = "hunter2-in-plain-sight"
FIRST, SECOND = Key("first", b"1" * 32), Key("second", b"2" * 32)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("store.db*"))


def secret_request() -> InvocationRequest:
    request = sample_request()
    arguments = msgspec.Raw(msgspec.json.encode({"password": SECRET}))
    return msgspec.structs.replace(request, arguments=arguments, environment={"PASSWORD": SECRET}, api_key=SECRET)


async def fill(stores: SqlStores) -> None:
    await stores.namespaces.create(sample_namespace())
    action = msgspec.structs.replace(sample_action(), parameters=(Parameter("password", SECRET),))
    await stores.entities.write(action)
    await stores.entities.write(Note.of(NAMESPACE, "topic", "key", {"token": SECRET}))
    await stores.activations.accept([secret_request()])


async def assert_readable(stores: SqlStores) -> None:
    action = await stores.entities.read(sample_action().path)
    assert msgspec.json.encode(action).count(SECRET.encode()) == 1
    assert [request.environment for request in await stores.activations.accepted()] == [{"PASSWORD": SECRET}]


@pytest.mark.anyio
async def test_no_secret_is_in_the_database_file_and_all_can_be_read(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path), sealer=Sealer([FIRST])) as stores:
        await fill(stores)
        await assert_readable(stores)
        assert SECRET.encode() not in on_disk(tmp_path)
    assert SECRET.encode() not in on_disk(tmp_path)


@pytest.mark.anyio
async def test_without_encryption_it_is_in_the_file(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path), sealer=Sealer([FIRST], encrypt=False)) as stores:
        await fill(stores)
    assert SECRET.encode() in on_disk(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(Sealer(), Sealer([FIRST]), id="from before encryption"),
        pytest.param(Sealer([FIRST]), Sealer([FIRST, SECOND]), id="an older key"),
        pytest.param(Sealer([FIRST]), Sealer([FIRST], encrypt=False), id="switched off"),
    ],
)
async def test_what_was_written_otherwise_is_read_and_sealed_again(tmp_path: Path, before: Sealer, after: Sealer) -> None:
    async with SqlStores.open(url_of(tmp_path), sealer=before) as stores:
        await fill(stores)
    async with SqlStores.open(url_of(tmp_path), sealer=after) as stores:
        await assert_readable(stores)
        assert await reseal(stores.engine, after) == 4, "an action, a trigger, a request and the key of the namespace"
        assert await reseal(stores.engine, after) == 0
        await assert_readable(stores)


@pytest.mark.anyio
async def test_after_a_rotation_the_new_key_alone_is_enough(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path), sealer=Sealer([FIRST])) as stores:
        await fill(stores)
        await reseal(stores.engine, Sealer([FIRST, SECOND]))
    async with SqlStores.open(url_of(tmp_path), sealer=Sealer([SECOND])) as stores:
        await assert_readable(stores)


def test_a_server_that_runs_learns_of_a_new_key_when_it_meets_it() -> None:
    keys: list[Key] = [FIRST]

    def reload() -> Sequence[Key]:
        return tuple(keys)

    running = Sealer(keys, reload=reload)
    keys.append(SECOND)
    sealed = Sealer(keys).seal(b"{}", place="a")
    assert running.open(sealed, place="a") == b"{}"
    assert running.seal(b"{}", place="a").startswith(running.prefix)
    assert b"second" in running.prefix


def unreadable() -> Sequence[Key]:
    raise InvalidError("the file is gone")


@pytest.mark.parametrize("reload", [pytest.param(tuple[Key, ...], id="no more keys"), pytest.param(unreadable, id="no file")])
def test_a_server_that_cannot_read_its_keys_again_keeps_those_it_has(reload: Callable[[], Sequence[Key]]) -> None:
    sealer, foreign = Sealer([FIRST], reload=reload), Sealer([SECOND]).seal(b"{}", place="a")
    with pytest.raises(UnknownKeyError):
        sealer.open(foreign, place="a")
    assert sealer.seal(b"{}", place="a") != b"{}"
    assert sealer.open(sealer.seal(b"{}", place="a"), place="a") == b"{}"


def test_a_document_without_its_key_is_refused_by_the_keys_name() -> None:
    sealed = Sealer([FIRST]).seal(b"{}", place="a")
    with pytest.raises(UnknownKeyError, match="'first'"):
        Sealer([SECOND]).open(sealed, place="a")


def flip_a_bit(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes((sealed[-1] ^ 1,))


def lose_the_end(sealed: bytes) -> bytes:
    return sealed[:20]


def keep_the_mark(sealed: bytes) -> bytes:
    return sealed[:1]


def keep_the_length(sealed: bytes) -> bytes:
    return sealed[:2]


@pytest.mark.parametrize("damage", [flip_a_bit, lose_the_end, keep_the_mark, keep_the_length])
def test_a_damaged_document_is_refused(damage: Callable[[bytes], bytes]) -> None:
    sealed = damage(Sealer([FIRST]).seal(b"{}", place="a"))
    with pytest.raises(CorruptError):
        Sealer([FIRST]).open(sealed, place="a")


def test_a_document_cannot_be_put_in_anothers_place() -> None:
    sealer = Sealer([FIRST])
    with pytest.raises(CorruptError):
        sealer.open(sealer.seal(b"{}", place="mine"), place="yours")


def test_the_same_document_never_looks_the_same() -> None:
    sealer = Sealer([Key("k", os.urandom(32))])
    assert sealer.seal(b"{}", place="a") != sealer.seal(b"{}", place="a")


def test_a_key_does_not_show_its_secret() -> None:
    assert "1111" not in repr(FIRST)
