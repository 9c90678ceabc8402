"""The operations of all APIs as one Markdown page (pure): what `docs/reference/operations.md` is written from."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus

from ioruntime.faces.http.application import Face
from ioruntime.faces.http.openapi import refusals
from ioruntime.faces.http.operation import Operation

_INTRODUCTION = """\
# Operations

Written by `scripts/write_reference.py` from the tables that answer requests; a running server shows the same with bodies at
[`/docs`](http://127.0.0.1:3233/docs). `[/]`: with or without the slash. What each refusal says is in [errors](errors.md).
Every operation of the OpenWhisk API is there a second time below `/runtime/api/v1`, where a bearer token is taken too.

Not in the tables, since any path may follow: [web actions](web-actions.md) below `/api/v1/web/{ns}/{package}/{action}`, and the
APIs of the gateway below `/apis/{ns}/{base path}`.
"""
_CREDENTIALS = {"basic": "key", "bearer": "token", "none": "none"}
_HEAD = "| operation | does | credentials | parameters | answers | refuses with |\n| --- | --- | --- | --- | --- | --- |"


def operations_reference(faces: Sequence[Face]) -> str:
    """Write every operation that is not hidden, of every face with a title."""
    parts = [_INTRODUCTION]
    for face in faces:
        if face.title:
            parts += [f"## {face.title}\n", "\n".join([_HEAD, *_rows(face.operations)]) + "\n"]
    return "\n".join(parts)


def _rows(operations: Iterable[Operation]) -> Iterator[str]:
    for row in operations:
        if not row.hidden:
            given = ", ".join(f"`{each.name}`" for each in (*row.query, *row.headers))
            cells = (f"`{row.method} {row.path}`", row.summary, _CREDENTIALS[row.security], given, _answers(row), _refusals(row))
            yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _answers(row: Operation) -> str:
    return ", ".join(str(status) for status in sorted({row.status, *(status for status, _ in row.other_answers)}))


def _refusals(row: Operation) -> str:
    told = {status for status, _ in row.other_answers}
    return ", ".join(
        str(status) for status in refusals(row) if status not in told and HTTPStatus(status) >= HTTPStatus.BAD_REQUEST
    )
