"""Archives that attack whoever unpacks them: they are refused, or harm only the sandbox that shows them."""

import base64
import io
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.system.hostile.conftest import Arena

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import actions

pytestmark = pytest.mark.timeout(180)

MARK = f"intruder-{new_activation_id()[:12]}"
OUTSIDE = Path(tempfile.gettempdir(), MARK)
CODE = """
const fs = require('fs')
exports.main = () => {
  const breaches = []
  for (const name of fs.readdirSync(__dirname)) {
    if (name === 'index.js') continue
    try { if (/root:|localhost/.test(fs.readFileSync(`${__dirname}/${name}`, 'utf8'))) breaches.push(name) } catch {}
  }
  return { breaches }
}
"""


def _zip(add: Callable[[zipfile.ZipFile], None]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.js", CODE)
        add(archive)
    return packed.getvalue()


def _tar(*members: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        index = tarfile.TarInfo("index.js")
        index.size = len(CODE)
        archive.addfile(index, io.BytesIO(CODE.encode()))
        for member in members:
            archive.addfile(member)
    return packed.getvalue()


def _member(name: str, kind: bytes, target: str = "", device: tuple[int, int] = (0, 0)) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, (member.devmajor, member.devminor) = kind, target, device
    return member


def _link(archive: zipfile.ZipFile) -> None:
    for name, target in {"passwords": "/etc/passwd", "hosts": "../../../../../../etc/hosts", "root": "/"}.items():
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)


def _many(archive: zipfile.ZipFile) -> None:
    for number in range(120_000):
        archive.writestr(zipfile.ZipInfo(f"f{number}"), b"")


UPLOADS: dict[str, Callable[[], bytes]] = {
    "a zip that climbs out": lambda: _zip(lambda z: z.writestr(f"../../../../../../../..{OUTSIDE}", "x")),
    "a zip with an absolute path": lambda: _zip(lambda z: z.writestr(str(OUTSIDE), "x")),
    "a zip with links out": lambda: _zip(_link),
    "a zip through a link": lambda: _zip(lambda z: (_link(z), z.writestr(f"root/tmp/{MARK}", "x"))[0]),
    "a zip that becomes large": lambda: _zip(lambda z: z.writestr("zeros", bytes(1 << 29))),
    "a zip of very many files": lambda: _zip(_many),
    "a zip with a long name": lambda: _zip(lambda z: z.writestr("/".join(["n" * 255] * 40), "x")),
    "a tar that climbs out": lambda: _tar(_member(f"../../../../../../../..{OUTSIDE}", tarfile.REGTYPE)),
    "a tar with links out": lambda: _tar(
        _member("passwords", tarfile.SYMTYPE, "/etc/passwd"), _member("up", tarfile.SYMTYPE, "..")
    ),
    "a tar with hard links": lambda: _tar(_member("passwords", tarfile.LNKTYPE, "/etc/passwd")),
    "a tar with a disk": lambda: _tar(_member("disk", tarfile.BLKTYPE, device=(8, 0))),
    "a tar with a pipe": lambda: _tar(_member("pipe", tarfile.FIFOTYPE)),
    "no archive": lambda: b"PK\x03\x04" + bytes(1000),
}


@pytest.mark.parametrize("upload", UPLOADS)
def test_upload(arena: Arena, upload: str) -> None:
    code = base64.b64encode(UPLOADS[upload]()).decode()
    name = "upload"
    with arena.victim.answering():
        body = {"exec": {"kind": "nodejs:default", "code": code, "binary": True}, "limits": {"timeout": 20_000}}
        answer = arena.attacker.request("PUT", f"{actions(name)}?overwrite=true", body, timeout_s=60)
        if answer.status == 200:
            response = arena.attacker.invoke(name, timeout_s=60).json()["response"]
            assert not response["success"] or response["result"] == {"breaches": []}, response
        else:
            assert 400 <= answer.status < 500, answer.body
    assert not OUTSIDE.exists()
