"""An action's code as files hold it: a source file, an archive, or a folder that becomes one."""

import base64
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ioruntime.model.errors import InvalidError

_KINDS = {".js": "nodejs:default", ".mjs": "nodejs:default", ".cjs": "nodejs:default", ".py": "python:default"}
_ARCHIVES = (".zip", ".tar.gz", ".tgz")
_LEFT_OUT = {".git", ".ioruntime", "__pycache__", ".venv", "virtualenv"}
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that equal folders make equal archives."""


def read_exec(artifact: Path, *, kind: str | None = None, main: str | None = None, image: str | None = None) -> dict[str, Any]:
    """Return the field `exec` of an action.

    Args:
        artifact: a source file, an archive, or a folder, which is packed.
        kind: None tells it from the file.
        image: of a container, instead of a kind.

    Raises:
        InvalidError: there is no such file, or nothing tells the kind.
    """
    if not artifact.exists():
        raise InvalidError(f"There is no file {artifact}.")
    content = pack(artifact) if artifact.is_dir() else artifact.read_bytes()
    binary = artifact.is_dir() or artifact.name.endswith(_ARCHIVES)
    document: dict[str, Any] = {"kind": "blackbox", "image": image} if image else {"kind": kind or _kind(artifact, content)}
    try:
        document["code"] = base64.b64encode(content).decode() if binary else content.decode()
    except UnicodeDecodeError as error:
        raise InvalidError(
            f"{artifact} is neither text nor an archive that its name ends as ({', '.join(_ARCHIVES)})."
        ) from error
    return document | ({"main": main} if main else {})


def pack(folder: Path) -> bytes:
    """Return a folder as a zip archive, without what belongs to tools."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files_of(folder):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)), _EPOCH)
            entry.external_attr = file.stat().st_mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return packed.getvalue()


def files_of(artifact: Path) -> Iterator[Path]:
    """Yield the files that make up an artifact, in a fixed order."""
    if not artifact.is_dir():
        yield artifact
        return
    for each in sorted(artifact.iterdir()):
        if each.name not in _LEFT_OUT and (each.is_dir() or each.is_file()):
            yield from files_of(each)


def _kind(artifact: Path, content: bytes) -> str:
    if (kind := _KINDS.get(artifact.suffix)) is not None:
        return kind
    names: set[str] = set()
    if artifact.is_dir() or artifact.suffix == ".zip":
        try:
            names = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
        except zipfile.BadZipFile as error:
            raise InvalidError(f"{artifact} is no zip archive.") from error
    if "__main__.py" in names:
        return "python:default"
    if names & {"package.json", "index.js"}:
        return "nodejs:default"
    raise InvalidError(f"Nothing tells the kind of {artifact}: give one, such as nodejs:default or python:default.")
