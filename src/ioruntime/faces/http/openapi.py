"""The OpenAPI document of a table of operations (pure): what the rows say, in the words of OpenAPI 3.1."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, cast

import msgspec

from ioruntime.faces.http.errors import OpenWhiskError
from ioruntime.faces.http.operation import Operation, QueryParameter

_NAMES = re.compile(r"\{(\w+)\}")
_REFERENCE = "#/components/schemas/{name}"
_SECURITY_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "The namespace's key: `uuid:key`."},
    "bearer": {"type": "http", "scheme": "bearer"},
}

Json = dict[str, Any]


class Section(msgspec.Struct, frozen=True):
    """Operations whose refusals have the same form."""

    operations: tuple[Operation, ...]
    error: Any = OpenWhiskError
    """Type of the body of a refusal."""


def document(*, title: str, version: str, sections: Sequence[Section]) -> Json:
    """Describe the operations that are not hidden."""
    shown = [(row, section.error) for section in sections for row in section.operations if not row.hidden]
    types = _types(shown)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    writer = _Writer(dict(zip(map(_key, types), schemas, strict=True)))
    paths: dict[str, Json] = {}
    for row, error in shown:
        paths.setdefault(_path(row), {})[row.method.lower()] = writer.operation(row, error)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SECURITY_SCHEMES},
    }


class _Writer:
    """Writes single operations, with the schemas of all types at hand."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def operation(self, row: Operation, error: Any) -> Json:
        entry: Json = {
            "summary": row.summary,
            "operationId": re.sub(r"\W+", "-", f"{row.method.lower()}{_path(row)}").strip("-"),
            "security": [] if row.security == "none" else [{row.security: []}],
            "parameters": [*_path_parameters(row), *_parameters(row.query, "query"), *_parameters(row.headers, "header")],
            "responses": self._responses(row, error),
        }
        if row.body is not None:
            content = self._content(row.body)
            if row.example is not None:
                content["application/json"]["example"] = row.example
            entry["requestBody"] = {"required": row.body_required, "content": content}
        return entry

    def _responses(self, row: Operation, error: Any) -> Json:
        answers: dict[int, Any] = {row.status: row.answer} | dict(row.other_answers)
        responses = {str(status): self._response(status, answer) for status, answer in answers.items()}
        for status in refusals(row):
            responses.setdefault(str(status), self._response(status, error))
        return dict(sorted(responses.items()))

    def _response(self, status: int, answer: Any) -> Json:
        response: Json = {"description": HTTPStatus(status).phrase}
        if answer is not None:
            response["content"] = self._content(answer)
        return response

    def _content(self, type_: Any) -> Json:
        schemas = [self._schemas[_key(each)] for each in _alternatives(type_)]
        return {"application/json": {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}


def _types(shown: Iterable[tuple[Operation, Any]]) -> list[Any]:
    """Every type that a body has, once."""
    found: dict[str, Any] = {}
    for row, error in shown:
        for body in (row.answer, row.body, error, *(answer for _, answer in row.other_answers)):
            found.update((_key(type_), type_) for type_ in _alternatives(body) if type_ is not None)
    return list(found.values())


def _alternatives(body: Any) -> tuple[Any, ...]:
    """The types that a body may have."""
    return cast("tuple[Any, ...]", body) if isinstance(body, tuple) else (body,)  # a row's types are open


def _key(type_: Any) -> str:
    return repr(type_)


def refusals(row: Operation) -> list[int]:
    """Statuses in which an operation may refuse: its own, and those that every one of its sort has."""
    secured = [] if row.security == "none" else [401, 403]
    with_body = [] if row.body is None else [413, 415]
    return sorted({*row.other_statuses, *secured, *with_body, 400, 500, 503})


def _path(row: Operation) -> str:
    return row.path.removesuffix("[/]") or "/"


def _path_parameters(row: Operation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAMES.findall(row.path)
    ]


def _parameters(parameters: Iterable[QueryParameter], place: str) -> list[Json]:
    return [
        {"name": each.name, "in": place, "schema": each.schema, **({"description": each.description} if each.description else {})}
        for each in parameters
    ]
