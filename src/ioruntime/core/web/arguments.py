"""What a web action gets as arguments of a request (pure; OpenWhisk API contract, section 18.3)."""

import base64
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ioruntime.core.web.exchange import WebRequest
from ioruntime.core.web.mediatypes import FORM, JSON, MediaType, parse_media_type
from ioruntime.model.errors import InvalidError, MalformedBodyError
from ioruntime.model.params import Arguments, read_arguments

RESERVED = frozenset({"__ow_method", "__ow_headers", "__ow_path", "__ow_user", "__ow_query", "__ow_body"})
_UNTYPED = MediaType("application/octet-stream")
_BODY = "__ow_body"


def fields_of(request: WebRequest) -> Arguments:
    """Read query and body as the arguments that they are, and a body that is no object as `__ow_body`'s value.

    Raises:
        MalformedBodyError: the body says that it is JSON, and is not.
        InvalidError: an argument has a reserved name.
    """
    fields = _texts(request.query)
    kind = parse_media_type(request.header("content-type") or "") or _UNTYPED
    opaque: msgspec.Raw | None = None
    if kind.is_json:
        members, opaque = _json(request.body)
        fields |= members
    elif kind.name == FORM:
        fields |= _texts(kind.decode(request.body))
    elif request.body or request.header("content-type"):
        opaque = _raw(_text(request.body, as_text=not kind.is_binary, kind=kind))
    fields |= {key: _raw(value) for key, value in request.extra_arguments.items()}
    if not RESERVED.isdisjoint(fields):
        raise InvalidError(NOT_ALLOWED)
    if opaque is not None:
        fields[_BODY] = opaque
    return fields


def raw_fields_of(request: WebRequest) -> Arguments:
    """Hand on query and body as they came; JSON and what is binary as base64."""
    kind = parse_media_type(request.header("content-type") or "") or _UNTYPED
    body = _text(request.body, as_text=not (kind.is_binary or kind.name == JSON), kind=kind)
    fields = {key: _raw(value) for key, value in request.extra_arguments.items()}
    return fields | {"__ow_query": _raw(request.query), _BODY: _raw(body)}


def context_of(request: WebRequest) -> Arguments:
    """Tell of the request itself: method, headers, path and who calls."""
    context = {
        "__ow_method": _raw(request.method.lower()),
        "__ow_headers": _raw(_joined(request)),
        "__ow_path": _raw(request.path),
    }
    if request.caller is not None:
        context["__ow_user"] = _raw(request.caller.name)
    return context


class Context(msgspec.Struct, frozen=True):
    """The arguments that requests with the same head have in common, encoded: members without braces."""

    before: bytes
    """Of the query: they come before those of the body."""
    behind: bytes
    taken: frozenset[str]
    """Names that the body's members must not have if they are to be put between."""


def encoded_context(request: WebRequest) -> Context | None:
    """Work out what `spliced` needs; None when the body does not become arguments as a JSON object does."""
    kind = parse_media_type(request.header("content-type") or "")
    if request.extra_arguments or (not kind.is_json if kind else bool(request.body or request.header("content-type"))):
        return None
    texts = _texts(request.query)
    return Context(_ENCODER.encode(texts)[1:-1], _ENCODER.encode(context_of(request))[1:-1], RESERVED | texts.keys())


def spliced(body: bytes, context: Context) -> msgspec.Raw | None:
    """Put the body's members where the context left room for them; None: it takes `fields_of` to read them."""
    try:
        members = read_arguments(body) if body.isascii() else None
    except InvalidError:
        return None
    if members is None or not context.taken.isdisjoint(members):
        return None
    inside = body.strip()[1:-1] if members else b""
    return msgspec.Raw(b"{" + b",".join([part for part in (context.before, inside, context.behind) if part]) + b"}")


def _joined(request: WebRequest) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in headers else value
    return headers


def _json(body: bytes) -> tuple[Arguments, msgspec.Raw | None]:
    """Return the members of an object, or any other value as it is."""
    if not body:
        return {}, None
    try:
        if not body.isascii():
            body.decode()  # the values stay unread
        if body.lstrip().startswith(b"{"):
            return read_arguments(body), None
        return {}, msgspec.json.decode(body, type=msgspec.Raw)
    except (InvalidError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(str(error)) from error


def _text(body: bytes, *, as_text: bool, kind: MediaType) -> str:
    return kind.decode(body) if as_text else base64.b64encode(body).decode()


def _texts(form: str) -> Arguments:
    if not form:
        return {}
    return {key: _raw(value) for key, value in parse_qsl(form, keep_blank_values=True)}


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))


NOT_ALLOWED = "Request defines parameters that are not allowed (e.g., reserved properties)."
_ENCODER = msgspec.json.Encoder()
