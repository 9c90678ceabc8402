"""What the code of an action becomes on its way to the server."""

import base64
import io
import zipfile
from pathlib import Path

import pytest

from ioruntime.client.artifact import pack, read_exec
from ioruntime.model.errors import InvalidError


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    return folder


@pytest.mark.parametrize(("name", "kind"), [("a.js", "nodejs:default"), ("a.mjs", "nodejs:default"), ("a.py", "python:default")])
def test_a_source_file_tells_its_kind_and_is_sent_as_text(tmp_path: Path, name: str, kind: str) -> None:
    assert read_exec(write(tmp_path, name) / name) == {"kind": kind, "code": "text"}


def test_what_is_said_goes_before_what_the_file_tells(tmp_path: Path) -> None:
    found = read_exec(write(tmp_path, "a.js") / "a.js", kind="nodejs:22", main="run")
    assert found == {"kind": "nodejs:22", "code": "text", "main": "run"}
    assert read_exec(tmp_path / "a.js", image="me/mine")["image"] == "me/mine"


@pytest.mark.parametrize(
    ("name", "kind"), [("package.json", "nodejs:default"), ("index.js", "nodejs:default"), ("__main__.py", "python:default")]
)
def test_a_folder_is_packed_and_tells_its_kind(tmp_path: Path, name: str, kind: str) -> None:
    found = read_exec(write(tmp_path, name, "lib/more.js", ".git/x", "__pycache__/y"))
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(found["code"]))).namelist()
    assert (found["kind"], sorted(names)) == (kind, sorted([name, "lib/more.js"]))


def test_equal_folders_make_equal_archives(tmp_path: Path) -> None:
    assert pack(write(tmp_path / "a", "index.js", "b/c")) == pack(write(tmp_path / "b", "b/c", "index.js"))


@pytest.mark.parametrize("name", ["a.txt", "a.zip"])
def test_what_tells_nothing_asks_for_a_kind(tmp_path: Path, name: str) -> None:
    if name == "a.zip":
        (tmp_path / name).write_bytes(pack(write(tmp_path / "in", "other")))
    with pytest.raises(InvalidError, match="kind"):
        read_exec(write(tmp_path, "x") / name if name == "a.zip" else write(tmp_path, name) / name)


def test_what_is_not_there_or_no_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="There is no file"):
        read_exec(tmp_path / "none.js")
    with pytest.raises(InvalidError, match="no zip archive"):
        read_exec(write(tmp_path, "bad.zip") / "bad.zip")
    (tmp_path / "bytes.js").write_bytes(b"\xff")
    with pytest.raises(InvalidError, match="neither text nor an archive"):
        read_exec(tmp_path / "bytes.js")
