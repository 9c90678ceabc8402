"""Reads providers of events out of documents: AsyncAPI 2 and 3 in JSON, or plain JSON metadata (pure)."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ioruntime.model.errors import InvalidError

_SAMPLE_BYTES = 64 * 1024
_REFERENCE = "#/"
_Object = dict[str, Any]


class EventSort(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sort of event, as the management API takes it."""

    event_code: str
    label: str = ""
    description: str = ""
    sample_event_template: str | None = None
    """JSON in base64."""


class ProviderDraft(msgspec.Struct, frozen=True):
    """A provider that is to be made."""

    label: str
    description: str
    events: tuple[EventSort, ...]


def read_metadata(content: bytes) -> ProviderDraft:
    """Read a document.

    Raises:
        InvalidError: it is not JSON, or names no provider or no event.
    """
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"The file is no JSON object: {error}. AsyncAPI in YAML must be converted first.") from error
    draft = _asyncapi(document) if "asyncapi" in document else _plain(document)
    if not draft.label or not draft.events:
        raise InvalidError("The file must name a provider (label, or info.title) and at least one event.")
    return draft


def _plain(document: _Object) -> ProviderDraft:
    try:
        events = msgspec.convert(document.get("events", []), tuple[EventSort, ...])
    except msgspec.ValidationError as error:
        raise InvalidError(f"The file's events are not as they must be: {error}.") from error
    return ProviderDraft(_text(document.get("label")), _text(document.get("description")), events)


def _asyncapi(document: _Object) -> ProviderDraft:
    info = _object(document.get("info"))
    sorts = {each.event_code: each for each in _messages(document)}
    return ProviderDraft(_text(info.get("title")), _text(info.get("description")), tuple(sorts.values()))


def _messages(document: _Object) -> Iterator[EventSort]:
    for name, channel in _object(document.get("channels")).items():
        found = _resolved(document, channel)
        for operation in ("subscribe", "publish"):
            message = _resolved(document, _object(found.get(operation)).get("message"))
            for each in message.get("oneOf", [message] if message else []):
                yield _sort(_resolved(document, each), name)
        for key, message in _object(found.get("messages")).items():
            yield _sort(_resolved(document, message), key)


def _sort(message: Mapping[str, Any], otherwise: str) -> EventSort:
    code = message.get("name") or message.get("messageId") or otherwise
    return EventSort(
        event_code=_text(code),
        label=_text(message.get("title")) or _text(code),
        description=_text(message.get("summary")) or _text(message.get("description")),
        sample_event_template=_sample(message.get("examples")),
    )


def _sample(examples: Any) -> str | None:
    match examples:
        case [{"payload": payload}, *_]:
            content = msgspec.json.encode(payload)
            return base64.b64encode(content).decode() if len(content) <= _SAMPLE_BYTES else None
        case _:
            return None


def _resolved(document: _Object, value: Any) -> _Object:
    """Follow a reference within the document; one that leads nowhere is an empty object."""
    found = _object(value)
    for _ in range(8):
        reference = found.get("$ref")
        if not isinstance(reference, str) or not reference.startswith(_REFERENCE):
            return found
        target: Any = document
        for part in reference.removeprefix(_REFERENCE).split("/"):
            target = _object(target).get(part.replace("~1", "/").replace("~0", "~"))
        found = _object(target)
    return {}


def _object(value: Any) -> _Object:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - decoded JSON has text keys


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
