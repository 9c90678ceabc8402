"""Style sheets, scripts and fonts: read once, named by their content, so that browsers may keep them."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

import msgspec

from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import NotFoundError

FOLDER = Path(__file__).parent / "static"
PREFIX = "/console/static"
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".woff2": b"font/woff2",
}
_FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")
_A_WHILE = (b"cache-control", b"public, max-age=3600")


class Asset(msgspec.Struct, frozen=True):
    """One file."""

    content: bytes
    media_type: bytes
    digest: str

    @property
    def can_be_packed(self) -> bool:
        """False for fonts: they are compressed already."""
        return self.media_type != b"font/woff2"


@cache
def assets() -> dict[str, Asset]:
    """Return all files by their paths below `static`."""
    found: dict[str, Asset] = {}
    for file in sorted(FOLDER.rglob("*")):
        if file.suffix in _TYPES:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[file.relative_to(FOLDER).as_posix()] = Asset(content, _TYPES[file.suffix], digest)
    return found


def url(name: str) -> str:
    """Return where browsers get a file; the address changes with the content."""
    return f"{PREFIX}/{name}?v={assets()[name].digest}"


async def show_asset(call: Call) -> Reply:
    """Return a file of the console."""
    name = "/".join(call.params[each] for each in ("folder", "name") if each in call.params)
    asset = assets().get(name)
    if asset is None:
        raise NotFoundError("There is no such file.")
    headers = (_FOREVER if call.query.get("v") == asset.digest else _A_WHILE,)
    if asset.can_be_packed and "gzip" in (call.header(b"accept-encoding") or ""):
        headers = (*headers, (b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))
        return Reply(200, _packed(name), asset.media_type, headers)
    return Reply(200, asset.content, asset.media_type, headers)


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(assets()[name].content, 6)
