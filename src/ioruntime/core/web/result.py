"""From an action's result to an HTTP answer, by the extension of the URL (pure; OpenWhisk API contract, 18.4 and 18.5)."""

import base64
import binascii
import re
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ioruntime.core.web.exchange import Extension, Headers, WebResponse
from ioruntime.core.web.mediatypes import JSON, MediaType, parse_media_type
from ioruntime.model.errors import InvalidError, NotFoundError

T = TypeVar("T")

_HTML = "text/html; charset=UTF-8"
_MISMATCH = "Response type in header did not match generated content type."
_UNKNOWN_TYPE = "Response did not specify a known content-type."
_NO_PROPERTY = "Response does not include requested property."
_STATUS = re.compile(r"\+?0*([0-9]{3})", re.ASCII)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_BODILESS = frozenset({204, 205, 304})
_OWN = frozenset(
    {"connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"x-gw-cache", "x-openwhisk-activation-id", "x-request-id"}
)
"""Headers that the server sets: what an action says of them is dropped."""


def render(result: msgspec.Raw, extension: Extension) -> WebResponse:
    """Build the answer that a result stands for.

    Args:
        result: what the action answered; of an application error the value of `error`.

    Raises:
        InvalidError: it is not what the extension needs.
        NotFoundError: the text to show is not there.
    """
    match extension:
        case "http":
            return _http(result)
        case "json":
            if _first(result) not in {b"{", b"["}:
                raise _not_valid(JSON)
            return _answer(JSON, pretty(result))
        case "html":
            return _shown(result, "html", _HTML, "text/html")
        case "svg":
            return _shown(result, "svg", "image/svg+xml", "image/svg+xml")
        case "text":
            return _text(result)


def pretty(value: msgspec.Raw) -> bytes:
    """Indent JSON by two spaces; what is nested too deeply, or has half of a character, stays as it is."""
    try:
        return msgspec.json.format(bytes(value), indent=2)
    except (RecursionError, msgspec.DecodeError):
        return bytes(value)


def _http(result: msgspec.Raw) -> WebResponse:
    fields = _object(result, "message/http")
    try:
        status = None if "statusCode" not in fields else _status(bytes(fields["statusCode"]))
        headers = _headers(bytes(fields.get("headers", b"")))
    except (ValueError, RecursionError) as error:
        raise _not_valid("message/http") from error
    body = fields.get("body", _NULL)
    kept = tuple([pair for pair in headers if pair[0] != "content-type"])
    if bytes(body) in {b"null", b'""'} or status in _BODILESS:
        return WebResponse(status=status or 204, headers=kept)
    content_type, content = _content(body, next((value for name, value in headers if name == "content-type"), None))
    return WebResponse(status=status or 200, headers=(*kept, ("content-type", content_type)), body=content)


def _content(body: msgspec.Raw, content_type: str | None) -> tuple[str, bytes]:
    kind = None if content_type is None else parse_media_type(content_type)
    if content_type is not None and kind is None:
        raise InvalidError(_UNKNOWN_TYPE)
    if _first(body) == b'"':
        text = _decode(body, _STRING, "message/http")
        if content_type is None or kind is None:
            return _HTML, text.encode()
        is_bare_text = kind.name.startswith("text/") and kind.charset is None
        return f"{content_type}; charset=UTF-8" if is_bare_text else content_type, _string(text, kind)
    if kind is not None and not kind.is_json:
        raise InvalidError(_MISMATCH)
    return content_type or JSON, pretty(body)


def _string(text: str, kind: MediaType) -> bytes:
    if kind.is_binary:
        try:
            return _from_base64(text)
        except ValueError as error:
            raise InvalidError(_MISMATCH) from error
    if kind.is_json and not _is_json(text):
        try:
            return _from_base64(text)
        except ValueError:
            return kind.encode(text)
    return kind.encode(text)


@lru_cache(256)
def _status(value: bytes) -> int:
    """Read a status; those that announce another answer, or are none, are refused.

    Raises:
        ValueError: it is no status.
    """
    decoded: Any = _ANY.decode(value)
    if isinstance(decoded, float) and decoded.is_integer():
        decoded = int(decoded)
    match = _STATUS.fullmatch(str(decoded)) if isinstance(decoded, int | str) else None
    if match is None or not 200 <= int(match[1]) <= 599:
        raise ValueError(decoded)
    return int(match[1])


def _headers(value: bytes) -> Headers:
    return _read_headers(value) if len(value) > _KEPT_BYTES_MOST else _kept_headers(value)


def _read_headers(value: bytes) -> Headers:
    """Read headers; an array stands for as many headers of the same name.

    Raises:
        ValueError: a name or a value is none.
    """
    if not value:
        return ()
    pairs: list[tuple[str, str]] = []
    for name, raw in _FIELDS.decode(value).items():
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        pairs += [(name.lower(), one) for one in _header_values(raw)]
    return tuple([pair for pair in pairs if pair[0] not in _OWN])


_KEPT_BYTES_MOST = 1024
_kept_headers = lru_cache(512)(_read_headers)
"""An action's answers mostly have the same headers."""


def _header_values(raw: msgspec.Raw) -> list[str]:
    return [_header_value(one) for one in _ITEMS.decode(raw)] if _first(raw) == b"[" else [_header_value(raw)]


def _header_value(raw: msgspec.Raw) -> str:
    match _first(raw):
        case b'"':
            text = _STRING.decode(raw)
        case b"{" | b"[" | b"n":
            raise ValueError(bytes(raw))
        case _:
            text = bytes(raw).decode()
    if not _VALUE.fullmatch(text):
        raise ValueError(text)
    return text.strip()


def _shown(result: msgspec.Raw, field: str, content_type: str, name: str) -> WebResponse:
    """Show the text in `body`, or in the field of the extension's own name."""
    fields = _object(result, name)
    value = fields.get("body", fields.get(field, _NULL))
    return _answer(content_type, _decode(value, _STRING, name).encode())


def _text(result: msgspec.Raw) -> WebResponse:
    fields = _object(result, "text/plain") if _first(result) == b"{" else dict[str, msgspec.Raw]()
    value = fields.get("body", fields.get("text"))
    if value is None:
        raise NotFoundError(_NO_PROPERTY)
    if _first(value) == b'"':
        return _answer("text/plain; charset=UTF-8", _decode(value, _STRING, "text/plain").encode())
    return _answer("text/plain; charset=UTF-8", pretty(value))


def _answer(content_type: str, body: bytes) -> WebResponse:
    return WebResponse(status=200, headers=(("content-type", content_type),), body=body)


def _object(result: msgspec.Raw, name: str) -> dict[str, msgspec.Raw]:
    return _decode(result, _FIELDS, name)


def _decode(value: msgspec.Raw, decoder: msgspec.json.Decoder[T], name: str) -> T:
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_valid(name) from error


def _not_valid(name: str) -> InvalidError:
    return InvalidError(f"Response is not valid '{name}'.")


def _from_base64(text: str) -> bytes:
    """Decode base64, padded or not.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _first(value: msgspec.Raw) -> bytes:
    return bytes(memoryview(value)[:16]).lstrip()[:1]


_NULL = msgspec.Raw(b"null")
_ANY = msgspec.json.Decoder()
_STRING = msgspec.json.Decoder(str)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
