"""Code on this machine: unpacked safely, once, and kept while there is space."""

import asyncio
import errno
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from ioruntime.invoker import code as code_module
from ioruntime.invoker.code import CodeCache, CodeError, unpack
from ioruntime.model.errors import NotFoundError, UnavailableError
from ioruntime.model.exec import CodeReference
from ioruntime.stores.memory import MemoryBlobs

pytestmark = pytest.mark.anyio


def zip_of(**files: str) -> bytes:
    """Write a zip; a name that ends in `_x` is executable, a text that begins with `->` is a link."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            mode = stat.S_IFLNK | 0o777 if text.startswith("->") else stat.S_IFREG | (0o700 if name.endswith("_x") else 0o600)
            info.external_attr = mode << 16
            target.writestr(info, text.removeprefix("->"))
    return sink.getvalue()


def tar_of(**files: str) -> bytes:
    """Write a gzipped tar by the same rules; a text that begins with `=>` is a hard link."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as target:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o700 if name.endswith("_x") else 0o600
            if text[:2] in {"->", "=>"}:
                info.type, info.linkname = (tarfile.SYMTYPE if text[0] == "-" else tarfile.LNKTYPE), text[2:]
                target.addfile(info)
            else:
                info.size = len(text)
                target.addfile(info, io.BytesIO(text.encode()))
    return sink.getvalue()


class CountingBlobs(MemoryBlobs):
    """Blobs that count how often they are fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched = 0

    async def get(self, digest: str) -> bytes:
        self.fetched += 1
        await asyncio.sleep(0)
        return await super().get(digest)


async def reference(blobs: MemoryBlobs, content: bytes) -> CodeReference:
    return CodeReference(await blobs.put(content), len(content))


def names(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


def tree(directory: Path) -> dict[str, str]:
    """Return relative names with their modes, or where links lead."""
    return {
        str(path.relative_to(directory)): f"->{path.readlink()}" if path.is_symlink() else oct(path.stat().st_mode & 0o777)
        for path in sorted(directory.rglob("*"))
    }


FILES = {"package.json": "{}", "bin/run_x": "#!", "node_modules/.bin/tool": "->../tool/cli.js", "node_modules/tool/cli.js": "1"}
TREE = {
    "bin": "0o755",
    "bin/run_x": "0o755",
    "node_modules": "0o755",
    "node_modules/.bin": "0o755",
    "node_modules/.bin/tool": "->../tool/cli.js",
    "node_modules/tool": "0o755",
    "node_modules/tool/cli.js": "0o644",
    "package.json": "0o644",
}


@pytest.mark.parametrize("content", [zip_of(**FILES), tar_of(**FILES)], ids=["zip", "tar.gz"])
@pytest.mark.parametrize("umask", [0o022, 0o077])
async def test_what_is_unpacked_can_be_read_by_everybody(tmp_path: Path, content: bytes, umask: int) -> None:
    blobs = MemoryBlobs()
    code = await reference(blobs, content)
    before = os.umask(umask)
    try:
        directory = await CodeCache(blobs, tmp_path / "unpacked").unpacked(code)
    finally:
        os.umask(before)
    assert tree(directory) == TREE
    assert directory.stat().st_mode & 0o777 == 0o755
    assert (directory / "node_modules/.bin/tool").read_text() == "1"
    assert names(directory.parent) == [code.digest]


def test_a_hard_link_in_a_tar_is_a_copy(tmp_path: Path) -> None:
    unpack(tar_of(**{"d/a": "text", "b": "=>d/a"}), tmp_path)
    assert (tmp_path / "b").read_text() == "text"


def test_the_last_of_one_name_stays(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as target:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, "b"
        target.addfile(link)
        target.addfile(tarfile.TarInfo("a"))
    unpack(sink.getvalue(), tmp_path)
    assert tree(tmp_path) == {"a": "0o644"}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"let x", "The file type is unsupported", id="no archive"),
        pytest.param(b"", "The file type is unsupported", id="nothing"),
        pytest.param(zip_of(a="x" * 100)[:-30], "There was an error uncompressing the action archive", id="half a zip"),
        pytest.param(
            tar_of(a="".join(map(str, range(2000))))[:1000],
            "There was an error uncompressing the action archive",
            id="half a tar",
        ),
        pytest.param(b"\x1f\x8b" + b"\0" * 50, "There was an error uncompressing the action archive", id="no gzip"),
        pytest.param(tar_of(b="=>none"), "There was an error uncompressing the action archive", id="a hard link to nothing"),
        pytest.param(zip_of(**{"../a": ""}), "leads outside", id="climbs out"),
        pytest.param(tar_of(**{"/a": ""}), "leads outside", id="absolute"),
        pytest.param(tar_of(a="->/etc/passwd"), "a link that leads outside", id="a link outside"),
        pytest.param(zip_of(**{"d": "->e", "d/f": "x"}), "writes through a link", id="writes through a link"),
        pytest.param(tar_of(**{"e/x": "", "d": "->e", "d/f": "x"}), "writes through a link", id="writes through one inside"),
        pytest.param(zip_of(**{"a": "x", "a/b": "y"}), "There was an error uncompressing", id="a file as directory"),
        pytest.param(zip_of(**{"a/b": "y", "a": "x"}), "There was an error uncompressing", id="a directory as file"),
        pytest.param(zip_of(**{"x" * 300: ""}), "There was an error uncompressing", id="a name too long"),
    ],
)
async def test_what_cannot_be_unpacked_leaves_nothing(tmp_path: Path, content: bytes, error: str) -> None:
    blobs = MemoryBlobs()
    cache = CodeCache(blobs, tmp_path / "unpacked")
    with pytest.raises(CodeError, match=error):
        await cache.unpacked(await reference(blobs, content))
    assert (names(tmp_path), names(tmp_path / "unpacked")) == (["unpacked"], [])


def test_an_archive_that_grows_beyond_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_module, "UNPACKED_BYTES_MOST", 1000)
    with pytest.raises(CodeError, match="larger than 1000 bytes when unpacked"):
        unpack(zip_of(a="x" * 600, b="x" * 600), tmp_path)


async def test_many_who_want_it_at_once_unpack_it_once(tmp_path: Path) -> None:
    blobs = CountingBlobs()
    cache, code = CodeCache(blobs, tmp_path), await reference(blobs, zip_of(a="1"))
    async with asyncio.TaskGroup() as tasks:
        wanting = [tasks.create_task(cache.unpacked(code)) for _ in range(8)]
    assert {each.result() for each in wanting} == {tmp_path / code.digest}
    assert blobs.fetched == 1
    await CodeCache(blobs, tmp_path).unpacked(code)
    assert blobs.fetched == 1


async def test_many_archives_at_once_do_not_hinder_each_other(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    cache = CodeCache(blobs, tmp_path, size_bytes_most=300)
    codes = [await reference(blobs, zip_of(a=f"{number:0100}")) for number in range(30)]
    async with asyncio.TaskGroup() as tasks:
        for code in codes:
            tasks.create_task(cache.unpacked(code))
    assert len(names(tmp_path)) <= 3


async def test_after_a_failure_it_is_tried_again(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    cache, content = CodeCache(blobs, tmp_path), zip_of(a="1")
    code = await reference(blobs, content)
    await blobs.sweep(set(), older_than_s=-1)
    with pytest.raises(NotFoundError):
        await cache.unpacked(code)
    await blobs.put(content)
    assert tree(await cache.unpacked(code)) == {"a": "0o644"}


async def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    cache = CodeCache(blobs, tmp_path, size_bytes_most=250)
    codes = [await reference(blobs, zip_of(a=letter * 100)) for letter in "abc"]
    for age, code in enumerate(codes[:2]):
        os.utime(await cache.unpacked(code), (age, age))
    await cache.unpacked(codes[0])  # used again: the other is older now
    await cache.unpacked(codes[2])
    assert names(tmp_path) == sorted((codes[0].digest, codes[2].digest))


async def test_what_is_larger_than_the_room_is_kept_while_it_is_the_newest(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    cache = CodeCache(blobs, tmp_path, size_bytes_most=10)
    code = await reference(blobs, zip_of(a="x" * 100))
    assert (await cache.unpacked(code)).is_dir()


async def test_source_is_fetched_once(tmp_path: Path) -> None:
    blobs = CountingBlobs()
    cache, code = CodeCache(blobs, tmp_path), await reference(blobs, "let ä".encode())
    assert [await cache.source(code) for _ in range(3)] == ["let ä"] * 3
    assert blobs.fetched == 1


async def test_source_that_is_no_text(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(CodeError, match=r"^The action's code is not UTF-8 text\.$"):
        await CodeCache(blobs, tmp_path).source(await reference(blobs, b"\xff"))


async def test_sources_fetched_at_once_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_module, "_SOURCES_BYTES_MOST", 250)
    blobs = CountingBlobs()
    cache = CodeCache(blobs, tmp_path)
    codes = [await reference(blobs, letter.encode() * 100) for letter in "abc"]
    async with asyncio.TaskGroup() as tasks:
        for code in [codes[0]] * 5 + [codes[1]]:
            tasks.create_task(cache.source(code))
    fetched = blobs.fetched
    for code in codes[:2]:
        await cache.source(code)
    assert blobs.fetched == fetched
    await cache.source(codes[2])  # the first is the one used longest ago
    await cache.source(codes[1])
    assert blobs.fetched == fetched + 1
    await cache.source(codes[0])
    assert blobs.fetched == fetched + 2


async def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    left_over = tmp_path / "unpacking-abc"
    left_over.mkdir()
    CodeCache(MemoryBlobs(), tmp_path)
    assert not left_over.exists()


def test_a_full_disk_is_the_platforms_trouble_not_the_developers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ioruntime.invoker.code._unpack_zip", full)
    with pytest.raises(UnavailableError, match="No space left on device"):
        unpack(b"PK\x03\x04", tmp_path)
