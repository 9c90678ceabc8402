"""Bring a backup back: unpack beside what is there, examine everything, and only then put it in its place.

What was there before is moved to a folder of its own, not deleted. A restore that is cut off between the first and the last
of these moves leaves a mark, which a server refuses to start with.
"""

import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from ioruntime.app.keeping.backup import BLOBS, DATABASE, FORMAT, MANIFEST, Manifest
from ioruntime.app.keeping.occupancy import occupying
from ioruntime.app.keeping.places import KEY_FILES, OTHER_FILES, Places
from ioruntime.app.settings import Settings
from ioruntime.model.errors import ConflictError, InvalidError, UnavailableError
from ioruntime.stores.sql.snapshot import inspect_copy, mark_all_begun, sqlite_file

_ALLOWED = {*KEY_FILES, *OTHER_FILES}
_CHUNK = 1 << 20


class Restored(msgspec.Struct, frozen=True):
    """What a restore did."""

    manifest: Manifest
    replaced: Path | None
    """Where that is which was there before."""


def restore_backup(settings: Settings, file: Path, *, overwrite: bool = False) -> Restored:
    """Make the data directory and the store what they were when the backup was written.

    Args:
        file: what `write_backup` wrote.
        overwrite: True replaces what is there.

    Raises:
        InvalidError: the file is no whole backup, or the store no SQLite file.
        ConflictError: there is something already, or a server runs.
        SchemaError: it comes from a later version.
        DamagedError, UnavailableError: it cannot be read or put in its place.
    """
    places = Places(settings.data_dir, sqlite_file(settings.store_url()))
    with _disk_troubles(places):
        places.data_dir.mkdir(parents=True, exist_ok=True)
        places.database.parent.mkdir(parents=True, exist_ok=True)
        with occupying(places.data_dir), tempfile.TemporaryDirectory(dir=places.data_dir, prefix=".restore.") as folder:
            # A restore that was cut off has moved things away; it is repeated whatever is there.
            if not overwrite and places.present() and not places.unfinished.exists():
                raise ConflictError(
                    f"{places.data_dir} is in use: there is {places.present()[0].name}. Restore with --overwrite to replace it."
                )
            manifest = _unpack(file, Path(folder))
            return Restored(manifest, _put_in_place(Path(folder), places))


def _unpack(file: Path, folder: Path) -> Manifest:
    """Unpack and examine an archive."""
    try:
        with file.open("rb") as source, tarfile.open(fileobj=source, mode="r|gz") as archive:
            members = iter(archive)
            manifest = _read_manifest(archive, next(members, None), file)
            left = {DATABASE, *manifest.files, *(BLOBS + digest for digest in manifest.code_digests)}
            for member in members:
                if member.name not in left or not member.isreg():
                    raise InvalidError(f"{file} is no backup: it holds {member.name!r}.")
                left.remove(member.name)
                content = archive.extractfile(member)
                assert content is not None
                _write(folder, member.name, content)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, msgspec.MsgspecError) as error:
        raise InvalidError(f"{file} is no whole backup: {error}.") from error
    if left:
        raise InvalidError(f"{file} is no whole backup: {min(left)} is missing.")
    inspect_copy(folder / DATABASE)
    mark_all_begun(folder / DATABASE)
    return manifest


def _read_manifest(archive: tarfile.TarFile, member: tarfile.TarInfo | None, file: Path) -> Manifest:
    content = None if member is None or member.name != MANIFEST else archive.extractfile(member)
    if content is None:
        raise InvalidError(f"{file} is no backup: its first member is not {MANIFEST}.")
    manifest = msgspec.json.decode(content.read(), type=Manifest)
    if manifest.format != FORMAT:
        raise InvalidError(f"{file} has the form {manifest.format}, and this version reads {FORMAT}.")
    if unknown := set(manifest.files) - _ALLOWED:
        raise InvalidError(f"{file} is no backup: it holds {min(unknown)!r}.")
    return manifest


def _write(folder: Path, name: str, content: IO[bytes]) -> None:
    digest = name.removeprefix(BLOBS) if name.startswith(BLOBS) else None
    if digest is not None and not (digest.isalnum() and len(digest) == hashlib.sha256().digest_size * 2):
        raise InvalidError(f"{name!r} is no name of code.")
    path = folder / name if digest is None else folder / "blobs" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    summed = hashlib.sha256()
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        while chunk := content.read(_CHUNK):
            summed.update(chunk)
            sink.write(chunk)
        sink.flush()
        os.fsync(descriptor)
    if digest is not None and summed.hexdigest() != digest:
        raise InvalidError(f"The backup's code {digest} is damaged.")


def _put_in_place(folder: Path, places: Places) -> Path | None:
    """Move what is there away and the unpacked things in, the database last; return where the old things are."""
    places.unfinished.touch()
    _sync(places.data_dir)
    replaced = None
    if present := places.present():
        replaced = Path(tempfile.mkdtemp(dir=places.data_dir, prefix=time.strftime("replaced-%Y%m%d-%H%M%S-", time.gmtime())))
        for path in present:
            shutil.move(path, replaced / path.name)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == DATABASE):
        shutil.move(path, places.database if path.name == DATABASE else places.data_dir / path.name)
    for directory in {places.data_dir, places.database.parent}:
        _sync(directory)
    places.unfinished.unlink()
    _sync(places.data_dir)
    return replaced


@contextmanager
def _disk_troubles(places: Places) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UnavailableError(f"{error.filename} is not there.") from error
    except OSError as error:
        raise UnavailableError(f"{places.data_dir} cannot be written, or the backup not be read: {error.strerror}.") from error


def _sync(directory: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
