"""Media types: which are text, how a `Content-Type` is read, what an `Accept` lets pass (pure).

The table of textual types is the one of the HTTP library below OpenWhisk's controller; what is not in it and names no
charset is binary.
"""

import re
from functools import lru_cache

import msgspec

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - no password
_PARAMETER = re.compile(rf'\s*;\s*({_TOKEN})\s*=\s*({_TOKEN}|"(?:[^"\\]|\\.)*")')
_TYPE = re.compile(rf"({_TOKEN})/({_TOKEN})((?:{_PARAMETER.pattern})*)(?:\s*;)?")
_TEXTUAL = frozenset(
    f"application/{name}"
    for name in (
        *("javascript", "x-javascript", "ecmascript", "json", "xml", "xhtml+xml", "atom+xml", "rss+xml", "soap+xml"),
        *("problem+xml", "xml-dtd", "vnd.google-earth.kml+xml", "x-www-form-urlencoded"),
    )
)
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class MediaType(msgspec.Struct, frozen=True):
    """A media type as a header names it."""

    name: str
    """`type/subtype`, lower case."""
    charset: str | None = None

    @property
    def is_json(self) -> bool:
        return self.name == JSON or self.name.endswith("+json")

    @property
    def is_binary(self) -> bool:
        """Tell whether a body of this type travels as base64."""
        if self.name.startswith("multipart/"):
            return True
        return not (self.charset or self.name.startswith("text/") or self.is_json or self.name in _TEXTUAL)

    def encode(self, text: str) -> bytes:
        """Encode in the charset, or in UTF-8 where there is none that is known."""
        try:
            return text.encode(self.charset or "utf-8", "replace")
        except LookupError:
            return text.encode()

    def decode(self, body: bytes) -> str:
        """Undo `encode`; what cannot be read becomes replacement characters."""
        try:
            return body.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return body.decode(errors="replace")


@lru_cache(256)
def parse_media_type(header: str) -> MediaType | None:
    """Read a `Content-Type`; None when it is none."""
    match = _TYPE.fullmatch(header.strip())
    if match is None:
        return None
    parameters = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(match[3])}
    return MediaType(f"{match[1]}/{match[2]}".lower(), parameters.get("charset"))


@lru_cache(256)
def accepts(accept: str, media_type: str) -> bool:
    """Tell whether an `Accept` header lets a media type pass; the most specific of its ranges decides.

    Args:
        accept: the header; ranges that cannot be read count for nothing, and one without any lets everything pass.
        media_type: `type/subtype`.
    """
    main = media_type.partition("/")[0]
    quality: dict[str, float] = {}
    for text in accept.split(","):
        match = _TYPE.fullmatch(text.strip())
        if match is not None:
            quality[f"{match[1]}/{match[2]}".lower()] = _quality(match[3])
    if not quality:
        return True
    for name in (media_type, f"{main}/*", "*/*"):
        if name in quality:
            return quality[name] > 0
    return False


def _quality(parameters: str) -> float:
    for name, value in _PARAMETER.findall(parameters):
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0
