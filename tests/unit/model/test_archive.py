"""What an archive must not hold."""

import io
import stat
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest

from ioruntime.model import archive
from ioruntime.model.archive import ArchiveError, check_archive, check_entry, check_link

OUTSIDE = "The archive has an entry that leads outside of it"
LINK_OUTSIDE = "The archive has a link that leads outside of it"


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes | str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries:
            target.writestr(name, content)
    return sink.getvalue()


def zip_link(name: str, target: str) -> tuple[zipfile.ZipInfo, str]:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def tar_of(*members: tarfile.TarInfo) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as target:
        for member in members:
            target.addfile(member, io.BytesIO(b"x" * member.size))
    return sink.getvalue()


def member(name: str, *, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


@pytest.mark.parametrize("name", ["a", "a/b", "./a", "a/./b", "a..b", "..a", "a b", "ä", "dir/"])
def test_entries_inside(name: str) -> None:
    check_entry(name)
    check_archive(zip_of((name, "")))
    check_archive(tar_of(member(name)))


@pytest.mark.parametrize("name", ["../a", "a/../../b", "a/..", "..", "/etc/passwd", "//a", "a\\b", "..\\a", "c:\\a"])
def test_entries_outside(name: str) -> None:
    for content in (zip_of((name, "")), tar_of(member(name))):
        with pytest.raises(ArchiveError, match=OUTSIDE):
            check_archive(content)


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_no_file_has(name: str) -> None:
    with pytest.raises(ArchiveError, match=OUTSIDE):
        check_entry(name)


@pytest.mark.parametrize(
    ("name", "target"),
    [("a", "b"), ("a", "b/c"), ("d/a", "../b"), ("d/e/a", "../../b"), ("node_modules/.bin/x", "../x/cli.js"), ("d/a", "..")],
)
def test_links_inside(name: str, target: str) -> None:
    check_link(name, target)
    check_archive(zip_of(zip_link(name, target)))
    check_archive(tar_of(member(name, kind=tarfile.SYMTYPE, link=target)))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("a", "/etc/passwd", id="absolute"),
        pytest.param("a", "..", id="above"),
        pytest.param("d/a", "../../b", id="one too high"),
        pytest.param("d/a", "../..", id="above from below"),
        pytest.param("a", "d/up/../x", id="climbs out of what may be a link to above"),
        pytest.param("a", "b\0", id="no file name"),
        pytest.param("a", "", id="nothing"),
    ],
)
def test_links_outside(name: str, target: str) -> None:
    with pytest.raises(ArchiveError, match=LINK_OUTSIDE):
        check_link(name, target)
    with pytest.raises(ArchiveError, match=LINK_OUTSIDE):
        check_archive(zip_of(zip_link(name, target)))


def test_a_hard_link_counts_from_the_top() -> None:
    check_archive(tar_of(member("d/a"), member("d/e/b", kind=tarfile.LNKTYPE, link="d/a")))
    with pytest.raises(ArchiveError, match=LINK_OUTSIDE):
        check_archive(tar_of(member("d/e/b", kind=tarfile.LNKTYPE, link="../a")))


def test_a_link_with_an_endless_target() -> None:
    with pytest.raises(ArchiveError, match="a target that is too long"):
        check_archive(zip_of(zip_link("a", "x" * 5000)))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices(kind: bytes) -> None:
    with pytest.raises(ArchiveError, match="no file, directory or link: 'dev'"):
        check_archive(tar_of(member("dev", kind=kind)))


def test_what_is_too_large_when_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED_BYTES_MOST", 1000)
    check_archive(zip_of(("a", b"x" * 500), ("b", b"x" * 500)))
    for content in (zip_of(("a", b"x" * 500), ("b", b"x" * 501)), tar_of(member("a", size=500), member("b", size=501))):
        with pytest.raises(ArchiveError, match="The archive is larger than 1000 bytes when unpacked"):
            check_archive(content)


def test_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ENTRIES_MOST", 3)
    check_archive(zip_of(*((f"{i}", "") for i in range(3))))
    for content in (zip_of(*((f"{i}", "") for i in range(4))), tar_of(*(member(f"{i}") for i in range(4)))):
        with pytest.raises(ArchiveError, match="more than 3 entries"):
            check_archive(content)


def test_a_tar_that_claims_a_huge_header_costs_no_memory() -> None:
    head = member("pax", kind=tarfile.XHDTYPE, size=400 * 1024 * 1024).tobuf(tarfile.USTAR_FORMAT)
    squeeze = zlib.compressobj(wbits=31)
    bomb = squeeze.compress(head) + b"".join(squeeze.compress(bytes(1024 * 1024)) for _ in range(60)) + squeeze.flush()
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="a header that is too long"):
            check_archive(bomb)
        assert tracemalloc.get_traced_memory()[1] < 10 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"def main(args): ...", id="source"),
        pytest.param(b"PK\x03\x04", id="only a zip's first bytes"),
        pytest.param(zip_of(("a", "b"))[:-10], id="a zip cut off"),
        pytest.param(zip_of(("é", "b")).replace("é".encode(), b"\xff\xff"), id="a zip with a name that is no text"),
        pytest.param(b"\x1f\x8b", id="only a gzip's first bytes"),
        pytest.param(tar_of(member("a", size=9000))[:-20], id="a tar cut off"),
        pytest.param(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 50, id="a gzip of garbage"),
    ],
)
def test_what_is_broken_shows_at_initialisation(content: bytes) -> None:
    check_archive(content)
