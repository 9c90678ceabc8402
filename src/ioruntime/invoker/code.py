"""Action code on this machine: fetched once, unpacked once, kept by digest until the space is needed."""

import asyncio
import errno
import io
import os
import shutil
import stat
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path, PurePosixPath
from typing import IO
from weakref import WeakValueDictionary

from ioruntime.model.archive import (
    BROKEN,
    UNPACKED_BYTES_MOST,
    ArchiveError,
    check_archive,
    check_entry,
    check_link,
    is_link,
    open_tar,
)
from ioruntime.model.errors import UnavailableError
from ioruntime.model.exec import GZIP_MAGIC, ZIP_MAGIC, CodeExec, CodeReference, ImageExec, encode_code
from ioruntime.ports.blobs import BlobStore

_SOURCES_BYTES_MOST = 32 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_UNPACKING = "unpacking-"


class CodeError(Exception):
    """The action's code cannot be unpacked; the text is for its developer."""


class CodeCache:
    """Gives source text, or the directory that an archive was unpacked to."""

    def __init__(self, blobs: BlobStore, directory: Path, *, size_bytes_most: int = 4 * 1024**3) -> None:
        """Keep unpacked archives below `directory`, about `size_bytes_most` in all."""
        self._blobs = blobs
        self._directory = directory
        self._size_bytes_most = size_bytes_most
        self._sources: OrderedDict[str, str] = OrderedDict()
        self._sources_bytes = 0
        self._unpacking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._clearing = asyncio.Lock()
        self._sizes: dict[str, int] | None = None
        """Bytes by directory; None until something was unpacked: to look at every file takes long."""
        for left_over in directory.glob(f"{_UNPACKING}*"):  # of a process that was killed
            shutil.rmtree(left_over, ignore_errors=True)

    async def source(self, code: CodeReference) -> str:
        """Return source text.

        Raises:
            NotFoundError, CorruptError: the blob store has it no more.
            CodeError: it is not text.
        """
        text = self._sources.get(code.digest)
        if text is not None:
            self._sources.move_to_end(code.digest)
            return text
        try:
            text = (await self._blobs.get(code.digest)).decode()
        except UnicodeDecodeError as error:
            raise CodeError("The action's code is not UTF-8 text.") from error
        self._remember(code.digest, text)
        return text

    async def inline(self, exec_: CodeExec | ImageExec) -> str:
        """Return code as a client may have sent it, for runtimes that unpack it themselves; empty when there is none.

        Raises:
            NotFoundError, CorruptError: the blob store has it no more.
            CodeError: it is not text, though it was sent as text.
        """
        if exec_.code is None:
            return ""
        if exec_.binary:
            return encode_code(await self._blobs.get(exec_.code.digest), binary=True)
        return await self.source(exec_.code)

    async def unpacked(self, code: CodeReference) -> Path:
        """Return the directory with an archive's content; unpacked at the first call, by whoever comes first.

        Raises:
            NotFoundError, CorruptError: the blob store has it no more.
            CodeError: it is no archive, or a broken one.
        """
        target = self._directory / code.digest
        lock = self._unpacking.setdefault(code.digest, asyncio.Lock())
        async with lock:
            if target.is_dir():
                os.utime(target)
            else:
                await self._unpack(code, target)
        return target

    def _remember(self, digest: str, text: str) -> None:
        if digest not in self._sources:
            self._sources_bytes += len(text)
        self._sources[digest] = text
        while self._sources_bytes > _SOURCES_BYTES_MOST and len(self._sources) > 1:
            _, oldest = self._sources.popitem(last=False)
            self._sources_bytes -= len(oldest)

    async def _unpack(self, code: CodeReference, target: Path) -> None:
        content = await self._blobs.get(code.digest)
        size_bytes = await asyncio.to_thread(_unpack_to, content, target)
        async with self._clearing:
            if self._sizes is None:
                self._sizes = await asyncio.to_thread(_sizes_in, self._directory)
            self._sizes[target.name] = size_bytes
            if sum(self._sizes.values()) > self._size_bytes_most:
                await asyncio.to_thread(_make_room, self._directory, self._sizes, self._size_bytes_most, target.name)


def unpack(content: bytes, directory: Path) -> int:
    """Unpack a zip or a gzipped tar, and return how many bytes its files have.

    Files become readable by everybody, and executable where the archive says so.

    Raises:
        CodeError: it is neither, is broken, or would write outside of `directory`.
        UnavailableError: the disk is full or read-only.
    """
    try:
        check_archive(content)
        if content.startswith(ZIP_MAGIC):
            return _unpack_zip(content, directory)
        if content.startswith(GZIP_MAGIC):
            return _unpack_tar(content, directory)
    except ArchiveError as error:
        raise CodeError(str(error)) from error
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise UnavailableError(f"This machine has no room to unpack the action: {error.strerror}.") from error
        raise CodeError(f"There was an error uncompressing the action archive. {error}") from error
    raise CodeError("There was an error uncompressing the action archive. The file type is unsupported")


def _unpack_to(content: bytes, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=_UNPACKING) as temporary:
        root = Path(temporary) / "code"
        root.mkdir()
        size_bytes = unpack(content, root)
        for made in (root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())):
            made.chmod(0o755)  # whatever the operator's umask
        try:
            root.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    return size_bytes


def _unpack_zip(content: bytes, directory: Path) -> int:
    written, real = 0, {directory}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            path = _place(directory, check_entry(entry.filename), real)
            if entry.is_dir():
                path.mkdir(parents=True, exist_ok=True)
            elif is_link(entry):
                _link(path, entry.filename, archive.read(entry).decode("utf-8", "surrogateescape"))
            else:
                with archive.open(entry) as source:
                    written = _copy(source, path, written, executable=bool((entry.external_attr >> 16) & stat.S_IXUSR))
    return written


def _unpack_tar(content: bytes, directory: Path) -> int:
    written, real = 0, {directory}
    with open_tar(content) as archive:
        for member in archive:
            path = _place(directory, check_entry(member.name), real)
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                _link(path, member.name, member.linkname)
            else:
                source = archive.extractfile(member)
                if source is not None:
                    written = _copy(source, path, written, executable=bool(member.mode & stat.S_IXUSR))
    return written


def _place(directory: Path, inside: PurePosixPath, real: set[Path]) -> Path:
    """Return the host path of an entry, refusing to write through a link that an earlier entry made.

    Args:
        real: directories that were made here; nothing replaces one by a link, so each is looked at once.
    """
    path = directory / inside
    if path.parent not in real:
        for parent in path.relative_to(directory).parents:
            if (directory / parent).is_symlink():
                raise CodeError(f"The archive writes through a link: {str(inside)!r}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        real.add(path.parent)
    if path.is_symlink():
        path.unlink()
    return path


def _link(path: Path, name: str, target: str) -> None:
    check_link(name, target)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _copy(source: IO[bytes], path: Path, written: int, *, executable: bool) -> int:
    with path.open("wb") as sink:
        while chunk := source.read(_CHUNK_BYTES):
            written += len(chunk)
            if written > UNPACKED_BYTES_MOST:
                raise CodeError(f"The archive is larger than {UNPACKED_BYTES_MOST} bytes when unpacked.")
            sink.write(chunk)
    path.chmod(0o755 if executable else 0o644)
    return written


def _sizes_in(directory: Path) -> dict[str, int]:
    """Return what each unpacked archive takes, by its directory's name."""
    found = [d for d in directory.iterdir() if d.is_dir() and not d.name.startswith(_UNPACKING)]
    return {d.name: sum(f.lstat().st_size for f in d.rglob("*") if f.is_file()) for d in found}


def _make_room(directory: Path, sizes: dict[str, int], size_bytes_most: int, keep: str) -> None:
    """Delete the directories that were used longest ago until the rest fits; what sandboxes linked stays theirs."""
    used_s = {name: (directory / name).stat().st_mtime for name in sizes if (directory / name).is_dir()}
    for name in sorted(used_s, key=used_s.__getitem__):
        if sum(sizes.values()) <= size_bytes_most:
            return
        if name != keep:
            shutil.rmtree(directory / name, ignore_errors=True)
            del sizes[name]
