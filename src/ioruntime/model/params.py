"""Parameters and annotations: key-value pairs with rules of their own (OpenWhisk API contract, section 7)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ioruntime.model.errors import InvalidError

Arguments = dict[str, msgspec.Raw]
"""A JSON object whose values stay as the bytes they came as."""


class Parameter(msgspec.Struct, frozen=True):
    """A value that is handed to an action unless the call brings its own."""

    key: str
    value: Any = None
    init: bool | msgspec.UnsetType = msgspec.UNSET
    """True: part of the environment at `/init`, not of the arguments."""
    encryption: str | msgspec.UnsetType | None = msgspec.UNSET


class Annotation(msgspec.Struct, frozen=True):
    """A fact about an entity or an activation."""

    key: str
    value: Any = None


def annotation(annotations: Iterable[Annotation], key: str) -> Any:
    """Return the value of the annotation `key`, or None."""
    return next((a.value for a in annotations if a.key == key), None)


def has_annotation(annotations: Iterable[Annotation], key: str) -> bool:
    return any(a.key == key for a in annotations)


def merge_annotations(*layers: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """Overlay annotations; later layers win, the place of the first mention is kept."""
    merged: dict[str, Annotation] = {}
    for layer in layers:
        merged.update((a.key, a) for a in layer)
    return tuple(merged.values())


def merge_parameters(*layers: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Overlay parameters: package < binding < action; later layers win as a whole, with their `init`."""
    merged: dict[str, Parameter] = {}
    for layer in layers:
        merged.update((p.key, p) for p in layer)
    return tuple(merged.values())


def is_truthy(value: Any) -> bool:
    """Tell whether an annotation's value means yes, as OpenWhisk reads it: not null, false, zero or empty text."""
    match value:
        case None | False | "" | 0:
            return False
        case _:
            return True


def read_arguments(body: bytes) -> Arguments:
    """Read a JSON object without reading its values.

    Raises:
        InvalidError: the body is no JSON object; the text says what it is.
    """
    if not body:
        return {}
    try:
        return _ARGUMENTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidError(f"The body must be a JSON object: {error}") from error


def environment_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Turn `init` parameters into environment variables: text as it is, the rest as JSON."""
    return {key: value if isinstance(value, str) else msgspec.json.encode(value).decode() for key, value in parameters.items()}


_ARGUMENTS = msgspec.json.Decoder(Arguments)
