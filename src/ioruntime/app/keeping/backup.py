"""Write a backup: the database, the code of its actions and the keys, in one archive, while servers go on.

The archive is a gzipped tar file: `manifest.json`, `ioruntime.db`, `blobs/DIGEST` for each code, and the files of the data
directory by their names. The database comes first and is one moment's state; code is never changed, and none is deleted
while the copy is made, so what the database refers to is there.
"""

import os
import tarfile
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import msgspec

from ioruntime import __version__
from ioruntime.app.keeping.places import KEY_FILES, OTHER_FILES, Places
from ioruntime.app.settings import Settings
from ioruntime.model.errors import ConflictError, NotFoundError, UnavailableError
from ioruntime.stores.blobs import FileBlobs
from ioruntime.stores.sql.snapshot import Snapshot, copy_database, sqlite_file

FORMAT = 1
MANIFEST, DATABASE, BLOBS = "manifest.json", "ioruntime.db", "blobs/"
_COMPRESSION = 1
"""Of 9: a fifth of the time of the default 9 for a tenth more bytes."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself, as its first member."""

    format: int = FORMAT
    version: str
    """Of the platform that wrote it."""
    schema: str
    created_ms: int
    code_digests: tuple[str, ...]
    files: tuple[str, ...]
    """Of the data directory, beside the database."""
    has_keys: bool


def write_backup(settings: Settings, file: Path, *, keys: bool = True) -> Manifest:
    """Write everything that a restore needs to a new file, readable for its owner only.

    Args:
        file: complete or not there at the end.
        keys: False leaves out what decrypts and signs; a file of keys outside of the data directory never belongs to it.

    Raises:
        InvalidError: the store is not an SQLite file.
        ConflictError: there is such a file already.
        UnavailableError, DamagedError: the store cannot be read, or the file not be written.
    """
    places = Places(settings.data_dir, sqlite_file(settings.store_url()))
    if file.exists():
        raise ConflictError(f"{file} is there already.")
    with closing(FileBlobs(places.blobs)) as blobs, _workplace(file) as workplace, blobs.keeping():
        snapshot = copy_database(places.database, workplace / DATABASE)
        manifest = _manifest(places, snapshot, keys=keys)
        _write_archive(workplace, places, manifest, blobs)
        (workplace / "archive").replace(file)
        _sync_directory(file.parent)
    return manifest


@contextmanager
def _workplace(file: Path) -> Generator[Path]:
    """Lend a folder beside the file, hence on its disk, and say plainly what the disk does not allow."""
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
            yield Path(folder)
    except OSError as error:
        raise UnavailableError(f"{file} cannot be written: {error.strerror}.") from error


def _manifest(places: Places, snapshot: Snapshot, *, keys: bool) -> Manifest:
    wanted: Sequence[str] = (*(KEY_FILES if keys else ()), *OTHER_FILES)
    return Manifest(
        version=__version__,
        schema=snapshot.schema,
        created_ms=time.time_ns() // 1_000_000,
        code_digests=snapshot.code_digests,
        files=tuple(name for name in wanted if (places.data_dir / name).exists()),
        has_keys=keys,
    )


def _write_archive(workplace: Path, places: Places, manifest: Manifest, blobs: FileBlobs) -> None:
    descriptor = os.open(workplace / "archive", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        with tarfile.open(fileobj=sink, mode="w:gz", compresslevel=_COMPRESSION) as archive:
            _add_bytes(archive, MANIFEST, msgspec.json.encode(manifest), manifest.created_ms)
            _add(archive, workplace / DATABASE, DATABASE)
            for name in manifest.files:
                _add(archive, places.data_dir / name, name)
            for digest in manifest.code_digests:
                _add(archive, blobs.file(digest), BLOBS + digest)
        sink.flush()
        os.fsync(descriptor)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    try:
        with path.open("rb") as source:
            member = tarfile.TarInfo(name)
            status = os.fstat(source.fileno())
            member.size, member.mtime, member.mode = status.st_size, status.st_mtime, 0o600
            archive.addfile(member, source)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is missing, so the backup would not be whole.") from error


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes, created_ms: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(content), created_ms / 1000, 0o600
    archive.addfile(member, BytesIO(content))


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
