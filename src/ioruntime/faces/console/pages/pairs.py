"""Parameters and annotations as rows of a form, both ways (pure)."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from ioruntime.faces.console.form import Form
from ioruntime.faces.console.words import compact, value_of
from ioruntime.model.params import Annotation, Parameter

Web: TypeAlias = Literal["no", "yes", "raw"]
_WEB_KEYS = ("web-export", "raw-http", "final")
_OURS = frozenset({*_WEB_KEYS, "exec", "provide-api-key"})
"""Annotations that have fields of their own, or that the platform writes."""


class Row(msgspec.Struct, frozen=True):
    """One row as its fields hold it."""

    key: str = ""
    value: str = ""
    is_environment: bool = False


def parameter_rows(parameters: Iterable[Parameter]) -> Sequence[Row]:
    return [Row(each.key, compact(each.value), each.init is True) for each in parameters]


def annotation_rows(annotations: Iterable[Annotation]) -> Sequence[Row]:
    """Return the annotations that have no field of their own."""
    return [Row(each.key, compact(each.value)) for each in annotations if each.key not in _OURS]


def read_parameters(form: Form) -> tuple[Parameter, ...]:
    """Read the rows of parameters; those without a name count as not written."""
    rows = zip(form.all("parameter"), form.all("parameter_value"), form.all("parameter_place"), strict=False)
    return tuple(
        Parameter(key.strip(), value_of(value), init=True if place == "environment" else msgspec.UNSET)
        for key, value, place in rows
        if key.strip()
    )


def read_annotations(form: Form) -> tuple[Annotation, ...]:
    """Read the rows of annotations, and the choice about the web."""
    rows = zip(form.all("annotation"), form.all("annotation_value"), strict=False)
    written = tuple(Annotation(key.strip(), value_of(value)) for key, value in rows if key.strip() and key.strip() not in _OURS)
    match form.text("web"):
        case "yes":
            return (*written, Annotation("web-export", True), Annotation("raw-http", False), Annotation("final", True))
        case "raw":
            return (*written, Annotation("web-export", True), Annotation("raw-http", True), Annotation("final", True))
        case _:
            return written


def dropped(before: Iterable[Annotation], after: Iterable[Annotation]) -> tuple[str, ...]:
    """Name the annotations that were there, could be seen in the form, and are not wanted any more."""
    kept = {each.key for each in after} | (_OURS - set(_WEB_KEYS))
    return tuple(each.key for each in before if each.key not in kept)


def web_of(annotations: Iterable[Annotation]) -> Web:
    """Tell whether an action may be called from the web, and with the bare request."""
    values = {each.key: each.value for each in annotations}
    if values.get("web-export") is not True and values.get("web-export") != "yes":
        return "no"
    return "raw" if values.get("raw-http") is True else "yes"
