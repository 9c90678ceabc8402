"""What runs when an action is invoked: code of a kind, a sequence of actions, or a container image."""

import base64
import binascii
import re
from typing import TypeAlias

import msgspec

_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")

BLACKBOX = "blackbox"
"""The kind of actions that name their own container image."""

ZIP_MAGIC = b"PK\x03\x04"
GZIP_MAGIC = b"\x1f\x8b"


class CodeReference(msgspec.Struct, frozen=True):
    """Code in the blob store: source text as UTF-8, or the bytes that the client's base64 stood for."""

    digest: str
    """SHA-256 in hexadecimal."""
    size_bytes: int


class CodeExec(msgspec.Struct, frozen=True, tag="code", kw_only=True):
    """Source text or an archive for a managed runtime."""

    kind: str
    """As stored: `nodejs:14` stays `nodejs:14`, whatever runs it here."""
    code: CodeReference
    binary: bool = False
    """True when the client sent base64, so `code` holds the decoded bytes."""
    main: str | None = None


class SequenceExec(msgspec.Struct, frozen=True, tag="sequence"):
    """Actions run one after the other, each with the result of the one before."""

    components: tuple[str, ...]
    """`/ns/name` or `/ns/pkg/name`, `_` already resolved."""
    kind: str = "sequence"


class ImageExec(msgspec.Struct, frozen=True, tag="blackbox", kw_only=True):
    """A container image that speaks the action proxy protocol, with optional code."""

    image: str
    code: CodeReference | None = None
    binary: bool = False
    main: str | None = None
    kind: str = BLACKBOX


class NativeExec(msgspec.Struct, frozen=True, tag="native"):
    """An action of the platform itself, run by the core: it may do what no sandbox may."""

    handler: str
    """Names the part of the platform that runs it, such as `alarms.interval`."""
    kind: str = "native"


Exec: TypeAlias = CodeExec | SequenceExec | ImageExec | NativeExec


def decode_code(text: str) -> tuple[bytes, bool]:
    """Tell source from base64 as OpenWhisk does: by alphabet and length alone. Return the bytes, and whether it was base64."""
    encoded = text.encode()
    stripped = encoded.strip()
    if stripped and len(stripped) % 4 == 0 and _BASE64.fullmatch(stripped):
        try:
            return base64.b64decode(stripped, validate=True), True
        except binascii.Error:
            return encoded, False
    return encoded, False


def encode_code(code: bytes, *, binary: bool) -> str:
    """Undo `decode_code`."""
    return base64.b64encode(code).decode() if binary else code.decode()
