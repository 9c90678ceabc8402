"""Keys of namespaces at rest: sealed, bound to their namespace, and readable from before."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from ioruntime.model.errors import CorruptError
from ioruntime.model.identity import AuthKey, OldKey
from ioruntime.stores.keys import StoredKey, is_stale, read_key, write_key
from ioruntime.stores.sealing import Key, Sealer, UnknownKeyError
from ioruntime.stores.sql.reseal import reseal
from ioruntime.stores.sql.schema import namespaces
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = pytest.mark.anyio
FIRST, SECOND = Key("first", b"1" * 32), Key("second", b"2" * 32)
STORED = StoredKey("very-secret", OldKey("less-secret", 1234))


@pytest.mark.parametrize("sealer", [Sealer(), Sealer([FIRST])], ids=["open", "sealed"])
@pytest.mark.parametrize(
    "stored",
    [STORED, StoredKey("k"), StoredKey("sealed:k"), StoredKey('{"key":1'), StoredKey("ü")],
    ids=["with an old one", "plain", "like a sealed one", "like a document", "not ASCII"],
)
def test_what_is_written_is_read(sealer: Sealer, stored: StoredKey) -> None:
    assert read_key(sealer, "guest", write_key(sealer, "guest", stored)) == stored


def test_a_sealed_key_cannot_be_read_or_moved() -> None:
    text = write_key(Sealer([FIRST]), "guest", STORED)
    assert "secret" not in text
    with pytest.raises(CorruptError):
        read_key(Sealer([FIRST]), "another", text)
    with pytest.raises(UnknownKeyError, match="first"):
        read_key(Sealer([SECOND]), "guest", text)


def test_a_key_from_before_is_the_key() -> None:
    assert read_key(Sealer([FIRST]), "guest", "123zO3") == StoredKey("123zO3")


@pytest.mark.parametrize("text", ["sealed:?", "sealed:AAAA", '{"key":'], ids=["no base64", "nothing sealed", "cut short"])
def test_a_broken_key_is_told(text: str) -> None:
    with pytest.raises(CorruptError):
        read_key(Sealer([FIRST]), "guest", text)


def test_stale_is_what_would_be_written_otherwise() -> None:
    old, new, none = Sealer([FIRST]), Sealer([FIRST, SECOND]), Sealer([FIRST], encrypt=False)
    assert (is_stale(old, "plain"), is_stale(old, write_key(old, "g", STORED))) == (True, False)
    assert is_stale(new, write_key(old, "g", STORED))
    assert is_stale(none, write_key(old, "g", STORED))


async def test_rotating_the_sealing_key_seals_all_keys_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    async with SqlStores.open(url, sealer=Sealer([FIRST])) as stores:
        await stores.namespaces.create(sample_namespace("guest"))
        await stores.namespaces.create(sample_namespace("before"))
        async with stores.engine.writing() as connection:
            await connection.execute(update(namespaces).where(namespaces.c.name == "before").values(key="plain"))
    newer = Sealer([FIRST, SECOND])
    async with SqlStores.open(url, sealer=newer) as stores:
        assert await reseal(stores.engine, newer) == 2
        async with stores.engine.reading() as connection:
            texts = (await connection.execute(select(namespaces.c.key))).scalars().all()
        assert all(text.startswith("sealed:") for text in texts)
    async with SqlStores.open(url, sealer=Sealer([SECOND])) as stores:
        found = await stores.namespaces.by_name("before")
        assert found is not None
        assert found.auth == AuthKey("uuid-before", "plain")
