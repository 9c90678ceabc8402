"""What an uploaded archive may hold, and what is an attack on whoever unpacks it (pure: works on bytes in memory)."""

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath

from ioruntime.model.errors import InvalidError
from ioruntime.model.exec import GZIP_MAGIC, ZIP_MAGIC
from ioruntime.model.limits import MEBIBYTE

ENTRIES_MOST = 50_000
UNPACKED_BYTES_MOST = 512 * MEBIBYTE
LINK_BYTES_MOST = 4096
_HEADER_BYTES_MOST = 4 * MEBIBYTE
_ZIP_ENTRY = b"PK\x01\x02"

BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What reading an archive that is none may raise."""


class ArchiveError(InvalidError):
    """An archive that must not be unpacked."""


class _FrugalGzip(gzip.GzipFile):
    """Refuses to read much: `tarfile` reads a header as long as it says it is, whatever memory and time there are."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _HEADER_BYTES_MOST:
            raise ArchiveError("The archive has an entry with a header that is too long.")
        check_total(0, self.tell() // 2)  # headers and padding may double it
        return super().read(size)


def open_tar(content: bytes) -> tarfile.TarFile:
    """Open a gzipped tar.

    Raises:
        ArchiveError: here or while it is read, for a header that would take all memory.
    """
    return tarfile.open(fileobj=_FrugalGzip(fileobj=io.BytesIO(content)), mode="r:")


def check_archive(content: bytes) -> None:
    """Let pass what can be unpacked safely, and what is no archive at all.

    Whether it is an archive that a kind can run shows when the action is initialised.

    Raises:
        ArchiveError: an entry that leads outside, a device, too many entries, or too much when unpacked.
    """
    try:
        if content.startswith(ZIP_MAGIC):
            _check_zip(content)
        elif content.startswith(GZIP_MAGIC):
            _check_tar(content)
    except BROKEN:
        return


def check_entry(name: str) -> PurePosixPath:
    """Return the path of an entry, which stays inside of the directory it is unpacked to.

    Raises:
        ArchiveError: it is absolute, climbs out, or has characters that no file name has.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        raise ArchiveError(f"The archive has an entry that leads outside of it: {name!r}.")
    return path


def check_link(name: str, target: str) -> None:
    """Let pass a symbolic link that stays inside, whatever other links do: it climbs at its beginning only.

    Raises:
        ArchiveError: it points outside, or climbs out of what may be another link.
    """
    parts = PurePosixPath(target).parts
    climbs = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    is_inside = climbs <= len(PurePosixPath(name).parent.parts) and ".." not in parts[climbs:]
    if not target or "\0" in target or PurePosixPath(target).is_absolute() or not is_inside:
        raise ArchiveError(f"The archive has a link that leads outside of it: {name!r}.")


def check_total(entries: int, size_bytes: int) -> None:
    """Let pass archives of a size that fits.

    Raises:
        ArchiveError: too many entries or bytes.
    """
    if entries > ENTRIES_MOST:
        raise ArchiveError(f"The archive has more than {ENTRIES_MOST} entries.")
    if size_bytes > UNPACKED_BYTES_MOST:
        raise ArchiveError(f"The archive is larger than {UNPACKED_BYTES_MOST} bytes when unpacked.")


def is_link(entry: zipfile.ZipInfo) -> bool:
    """Tell whether a zip entry is a symbolic link."""
    return stat.S_ISLNK(entry.external_attr >> 16)


def _check_zip(content: bytes) -> None:
    check_total(content.count(_ZIP_ENTRY), 0)  # before a list of them takes memory
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        check_total(len(entries), sum(entry.file_size for entry in entries))
        for entry in entries:
            check_entry(entry.filename)
            if is_link(entry):
                if entry.file_size > LINK_BYTES_MOST:
                    raise ArchiveError(f"The archive has a link with a target that is too long: {entry.filename!r}.")
                check_link(entry.filename, archive.read(entry).decode("utf-8", "surrogateescape"))


def _check_tar(content: bytes) -> None:
    total = 0
    with open_tar(content) as archive:
        for index, member in enumerate(archive, 1):
            total += member.size
            check_total(index, total)
            check_entry(member.name)
            if member.issym() or member.islnk():
                check_link(member.name if member.issym() else "link", member.linkname)
            elif not (member.isreg() or member.isdir()):
                raise ArchiveError(f"The archive has an entry that is no file, directory or link: {member.name!r}.")
