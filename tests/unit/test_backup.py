"""Backup and restore on a data directory that no server uses."""

import io
import os
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ioruntime.app.keeping.backup import DATABASE, MANIFEST, write_backup
from ioruntime.app.keeping.health import check_store
from ioruntime.app.keeping.occupancy import OccupiedError, occupying
from ioruntime.app.keeping.restore import restore_backup
from ioruntime.app.secrets import add_key
from ioruntime.app.settings import Settings, StoreSettings
from ioruntime.model.errors import ConflictError, InvalidError, IoRuntimeError, NotFoundError, UnavailableError
from ioruntime.model.exec import CodeReference
from ioruntime.stores.blobs import FileBlobs
from ioruntime.stores.sql.migrate import SchemaError
from ioruntime.stores.sql.snapshot import DamagedError, check_whole
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import ALL, sample_activation, sample_request
from ioruntime.testing.entities_contract import sample_action
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = pytest.mark.anyio
CODE = b"main = () => ({})"


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """A platform with a namespace, an action with its code, a record and a key."""
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    add_key(settings.data_dir / "secrets.keys")
    async with SqlStores.open(settings.store_url()) as stores, FileBlobs(settings.data_dir / "blobs") as blobs:
        await stores.namespaces.create(sample_namespace())
        digest = await blobs.put(CODE)
        await blobs.put(b"nobody's")
        action = sample_action("a")
        code = CodeReference(digest, len(CODE))
        await stores.entities.write(msgspec.structs.replace(action, exec=msgspec.structs.replace(action.exec, code=code)))
        await stores.activations.record([sample_activation()])
    return settings


def elsewhere(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "other" / "data")


def names(file: Path) -> list[str]:
    with tarfile.open(file) as archive:
        return archive.getnames()


async def test_a_backup_brings_everything_back_elsewhere(settings: Settings, tmp_path: Path) -> None:
    manifest = write_backup(settings, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path / "backup") == [MANIFEST, DATABASE, "secrets.keys", f"blobs/{manifest.code_digests[0]}"]
    other = elsewhere(tmp_path)
    restored = restore_backup(other, tmp_path / "backup")
    assert (restored.manifest, restored.replaced) == (manifest, None)
    async with SqlStores.open(other.store_url()) as stores, FileBlobs(other.data_dir / "blobs") as blobs:
        assert [each.name for each in await stores.namespaces.list()] == ["guest"]
        assert await stores.activations.count(ALL) == 1
        assert [await blobs.get(digest) for digest in await stores.entities.code_digests()] == [CODE]
    assert (other.data_dir / "secrets.keys").read_bytes() == (settings.data_dir / "secrets.keys").read_bytes()
    assert [path for path in other.data_dir.iterdir() if path.name.startswith(".restore")] == []


async def test_what_was_accepted_counts_as_begun_after_a_restore(settings: Settings, tmp_path: Path) -> None:
    request = sample_request()
    async with SqlStores.open(settings.store_url()) as stores:
        await stores.activations.accept([request])
    write_backup(settings, tmp_path / "backup")
    other = elsewhere(tmp_path)
    restore_backup(other, tmp_path / "backup")
    async with SqlStores.open(other.store_url()) as stores:
        assert await stores.activations.begun() == {request.activation_id}


async def test_a_backup_leaves_out_keys_when_told(settings: Settings, tmp_path: Path) -> None:
    assert not write_backup(settings, tmp_path / "backup", keys=False).has_keys
    assert "secrets.keys" not in names(tmp_path / "backup")


async def test_a_backup_never_replaces_a_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("mine")
    with pytest.raises(ConflictError, match="is there already"):
        write_backup(settings, tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "mine"


async def test_a_backup_that_cannot_be_whole_leaves_no_file(settings: Settings, tmp_path: Path) -> None:
    for blob in settings.data_dir.glob("blobs/??/*"):
        blob.unlink()
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(NotFoundError, match="would not be whole"):
        write_backup(settings, place / "backup")
    assert list(place.iterdir()) == []


async def test_a_backup_of_no_store_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(UnavailableError, match="no store at"):
        write_backup(Settings(data_dir=tmp_path / "data"), tmp_path / "backup")


def test_a_backup_of_postgresql_names_its_own_tools(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, store=StoreSettings(url="postgresql://u:p@h/d"))
    with pytest.raises(InvalidError, match="pg_dump"):
        write_backup(settings, tmp_path / "backup")


async def test_a_restore_refuses_a_used_directory_unless_told_and_keeps_what_was_there(
    settings: Settings, tmp_path: Path
) -> None:
    write_backup(settings, tmp_path / "backup")
    async with SqlStores.open(settings.store_url()) as stores:
        await stores.namespaces.create(sample_namespace("later"))
    with pytest.raises(ConflictError, match="--overwrite"):
        restore_backup(settings, tmp_path / "backup")
    replaced = restore_backup(settings, tmp_path / "backup", overwrite=True).replaced
    assert replaced is not None
    for url, expected in ((settings.store_url(), 1), (f"sqlite:///{replaced / DATABASE}", 2)):
        async with SqlStores.open(url) as stores:
            assert len(await stores.namespaces.list()) == expected


async def test_a_restore_refuses_while_a_server_runs(settings: Settings, tmp_path: Path) -> None:
    write_backup(settings, tmp_path / "backup")
    with occupying(settings.data_dir), pytest.raises(OccupiedError, match=f"in use by process {os.getpid()}"):
        restore_backup(settings, tmp_path / "backup", overwrite=True)


Change = Callable[[dict[str, bytes]], None]


def rewritten(file: Path, change: Change) -> None:
    """Write an archive again with other members."""
    with tarfile.open(file) as archive:
        members = {member.name: read.read() for member in archive if (read := archive.extractfile(member)) is not None}
    change(members)
    with tarfile.open(file, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def without_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def without_database(members: dict[str, bytes]) -> None:
    del members[DATABASE]


def with_stranger(members: dict[str, bytes]) -> None:
    members["../evil"] = b""


def with_other_code(members: dict[str, bytes]) -> None:
    members[next(name for name in members if name.startswith("blobs/"))] = b"evil"


def with_other_form(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"format":1', b'"format":9')


def with_strange_file(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"secrets.keys"', b'"../../etc/passwd"')


def with_damaged_database(members: dict[str, bytes]) -> None:
    members[DATABASE] = members[DATABASE][:4096] + b"\xff" * (len(members[DATABASE]) - 4096)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        pytest.param(without_database, InvalidError, "ioruntime.db is missing", id="no database"),
        pytest.param(with_stranger, InvalidError, "it holds '../evil'", id="a path out of the directory"),
        pytest.param(with_other_code, InvalidError, "is damaged", id="code that was changed"),
        pytest.param(with_other_form, InvalidError, "has the form 9", id="another form"),
        pytest.param(with_strange_file, InvalidError, "etc/passwd", id="a file that is not ours"),
        pytest.param(with_damaged_database, DamagedError, "is damaged", id="a damaged database"),
        pytest.param(without_manifest, InvalidError, "first member is not", id="no manifest"),
    ],
)
async def test_a_restore_of_no_whole_backup_changes_nothing(
    settings: Settings, tmp_path: Path, change: Change, error: type[IoRuntimeError], text: str
) -> None:
    write_backup(settings, tmp_path / "backup")
    rewritten(tmp_path / "backup", change)
    before = sorted(settings.data_dir.rglob("*"))
    with pytest.raises(error, match=text):
        restore_backup(settings, tmp_path / "backup", overwrite=True)
    assert sorted(path for path in settings.data_dir.rglob("*") if path.name != "server.lock") == before


@pytest.mark.parametrize("size", [0, 5, 100, 3000])
async def test_a_restore_of_a_file_that_was_cut_off_says_so(settings: Settings, tmp_path: Path, size: int) -> None:
    write_backup(settings, tmp_path / "backup")
    os.truncate(tmp_path / "backup", size)
    with pytest.raises(InvalidError, match="no whole backup"):
        restore_backup(elsewhere(tmp_path), tmp_path / "backup")


async def test_a_restore_from_a_later_version_is_refused(settings: Settings, tmp_path: Path) -> None:
    write_backup(settings, tmp_path / "backup")

    def later(members: dict[str, bytes]) -> None:
        (tmp_path / "db").write_bytes(members[DATABASE])
        with sqlite3.connect(tmp_path / "db") as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.close()
        members[DATABASE] = (tmp_path / "db").read_bytes()

    rewritten(tmp_path / "backup", later)
    with pytest.raises(SchemaError, match="9999"):
        restore_backup(elsewhere(tmp_path), tmp_path / "backup")


async def test_a_server_refuses_what_a_cut_off_restore_left_and_another_restore_mends_it(
    settings: Settings, tmp_path: Path
) -> None:
    write_backup(settings, tmp_path / "backup")
    (settings.data_dir / "restore.unfinished").touch()
    with pytest.raises(ConflictError, match="was cut off"):
        check_store(settings)
    restore_backup(settings, tmp_path / "backup")
    check_store(settings)


async def test_a_check_finds_damage_and_changes_nothing(settings: Settings) -> None:
    database = settings.data_dir / DATABASE
    check_store(settings)
    content = database.read_bytes()
    damaged = content[:8192] + b"\x55" * 4096 + content[12288:]
    database.write_bytes(damaged)
    with pytest.raises(DamagedError, match="ioruntime restore FILE --overwrite"):
        check_store(settings)
    assert database.read_bytes() == damaged
    check_store(msgspec.structs.replace(settings, store=StoreSettings(check_s=0)))


async def test_a_check_that_has_no_time_says_so(settings: Settings) -> None:
    with sqlite3.connect(settings.data_dir / DATABASE) as database:
        database.execute("CREATE TABLE large (x)")
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO large SELECT i FROM n"
        )
    database.close()
    assert not check_whole(settings.data_dir / DATABASE, within_s=0)
    assert check_whole(settings.data_dir / DATABASE)


async def test_no_database_file_needs_no_check(tmp_path: Path) -> None:
    check_store(Settings(data_dir=tmp_path))
    (tmp_path / DATABASE).write_bytes(b"this is no database, but a text of some length" * 100)
    with pytest.raises(DamagedError, match="not a database"):
        check_store(Settings(data_dir=tmp_path))
