"""What the path of a web action's URL says (pure)."""

from functools import lru_cache
from typing import get_args
from urllib.parse import unquote_to_bytes

import msgspec

from ioruntime.core.web.exchange import Extension
from ioruntime.model.errors import NotFoundError
from ioruntime.model.names import DEFAULT_PACKAGE

PREFIXES = ("/api/v1/web", "/runtime/api/v1/web")
_EXTENSIONS: dict[str, Extension] = {name: name for name in get_args(Extension)}


class Address(msgspec.Struct, frozen=True):
    """A web action, as a URL names it."""

    namespace: str
    package: str | None
    action: str
    extension: Extension
    rest: str
    """What follows the action: empty, or from `/` on, as it came."""
    mount: str
    """The prefix that the path began with."""


@lru_cache(256)
def parse_address(raw_path: bytes, *, namespace: str | None) -> Address:
    """Read an escaped path.

    Args:
        namespace: the one that the host names; None when the path does.

    Raises:
        NotFoundError: it names no web action.
    """
    path = (b"/" + raw_path.partition(b"?")[0].lstrip(b"/")).decode("ascii", "replace")
    mount = next((prefix for prefix in PREFIXES if path.startswith(f"{prefix}/")), None)
    if mount is None:
        raise NotFoundError
    below = path[len(mount) + 1 :]
    segments = below.split("/", 2 if namespace is not None else 3)
    if namespace is None:
        namespace, *segments = [_unescape(segments[0]), *segments[1:]]
    if len(segments) < 2:
        raise NotFoundError
    package, last, *rest = segments
    package = _unescape(package)
    action, extension = _split(_unescape(last))
    return Address(
        namespace=namespace,
        package=None if package == DEFAULT_PACKAGE else package,
        action=action,
        extension=extension,
        rest=f"/{rest[0]}" if rest else "",
        mount=mount,
    )


def _split(segment: str) -> tuple[str, Extension]:
    name, dot, extension = segment.rpartition(".")
    return (name, _EXTENSIONS[extension]) if dot and extension in _EXTENSIONS else (segment, "http")


def _unescape(segment: str) -> str:
    return unquote_to_bytes(segment).decode(errors="replace") if "%" in segment else segment
