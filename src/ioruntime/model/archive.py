"""What an uploaded archive may hold, and what is an attack on whoever unpacks it (pure: works on bytes in memory)."""

import io
import stat
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


class ArchiveError(InvalidError):
    """An archive that must not be unpacked."""


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
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
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
    """Let pass a symbolic link that stays inside.

    Raises:
        ArchiveError: it points outside.
    """
    depth = len(PurePosixPath(name).parent.parts)
    if not target or "\0" in target or PurePosixPath(target).is_absolute():
        raise ArchiveError(f"The archive has a link that leads outside of it: {name!r}.")
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
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
    with tarfile.open(fileobj=io.BytesIO(content), mode="r|gz") as archive:
        for index, member in enumerate(archive, 1):
            total += member.size
            check_total(index, total)
            check_entry(member.name)
            if member.issym() or member.islnk():
                check_link(member.name if member.issym() else "link", member.linkname)
            elif not (member.isreg() or member.isdir()):
                raise ArchiveError(f"The archive has an entry that is no file, directory or link: {member.name!r}.")
