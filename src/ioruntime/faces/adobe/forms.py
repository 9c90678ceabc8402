"""What clients send to create or update an action, turned into what the catalog takes (pure).

A document that was fetched can be sent back as it is, changed or not:

- `name`, `namespace` and `url` of an update count for nothing: the path tells which action is meant.
- `version` counts when it is higher than the stored one; otherwise the stored one is raised as usual. A new action may
  start at any version.
- What is absent, or null, keeps its value; so do `exec.main` and limits that the document does not show.
- `exec.binary` counts for nothing: whether code is base64 shows in the code.

Limits may be numbers or text. `parameters` is read for `params`, and `exec.code` for `code`.
"""

import re
from typing import Any

import msgspec

from ioruntime.core.catalog import ActionPut, ExecPut, LimitsPut
from ioruntime.model.action import Action, check_version
from ioruntime.model.errors import InvalidError
from ioruntime.model.exec import CodeExec, ImageExec
from ioruntime.model.params import Annotation, Parameter

_WHOLE = re.compile(r"-?[0-9]{1,12}", re.ASCII)
_SEQUENCE = "sequence"


class ExecForm(msgspec.Struct, frozen=True):
    """How the action runs; `components` are the actions of a sequence."""

    kind: str | None = None
    binary: bool | None = None
    components: tuple[str, ...] | None = None
    code: str | None = None
    main: str | None = None
    image: str | None = None


class LimitsForm(msgspec.Struct, frozen=True):
    """Limits as numbers or text; timeout in milliseconds, memory and logs in MB."""

    timeout: int | str | None = None
    memory: int | str | None = None
    logs: int | str | None = None
    concurrency: int | str | None = None
    instances: int | str | None = None


class ActionForm(msgspec.Struct, frozen=True):
    """An action as a client sends it."""

    name: str | None = None
    code: str | None = None
    version: str | None = None
    params: tuple[Parameter, ...] | None = None
    parameters: tuple[Parameter, ...] | None = None
    annotations: tuple[Annotation, ...] | None = None
    limits: LimitsForm | None = None
    exec: ExecForm | None = None

    @property
    def given_code(self) -> str | None:
        """The code, wherever it stands; None when it is to stay."""
        return self.code if self.code is not None or self.exec is None else self.exec.code


def creation(form: ActionForm) -> ActionPut:
    """Read a form as a new action.

    Raises:
        InvalidError: a field is not what it must be.
    """
    exec_ = msgspec.UNSET
    if form.exec is not None or form.code is not None:
        exec_ = _exec(form.exec or ExecForm(), form.given_code)
    return _put(form, exec_, msgspec.UNSET if form.version is None else form.version)


def update(form: ActionForm, existing: Action, existing_code: str | None) -> ActionPut:
    """Read a form as a change of an action.

    Raises:
        InvalidError: a field is not what it must be.
    """
    exec_ = msgspec.UNSET
    if form.exec is not None or form.code is not None:
        exec_ = _exec(_completed(form.exec or ExecForm(), existing), _first(form.given_code, existing_code))
    return _put(form, exec_, _raised(form.version, existing.version))


def _put(form: ActionForm, exec_: ExecPut | msgspec.UnsetType, version: str | msgspec.UnsetType) -> ActionPut:
    return ActionPut(
        exec=exec_,
        parameters=_or_unset(_first(form.params, form.parameters)),
        annotations=_or_unset(form.annotations),
        limits=msgspec.UNSET if form.limits is None else _limits(form.limits),
        version=version,
    )


def _exec(form: ExecForm, code: str | None) -> ExecPut:
    if form.components and form.kind in {None, _SEQUENCE}:
        return ExecPut(kind=_SEQUENCE, components=form.components)
    if form.kind == _SEQUENCE:
        return ExecPut(kind=_SEQUENCE, components=form.components or ())
    return ExecPut(kind=form.kind, code=code, main=form.main, image=form.image)


def _completed(form: ExecForm, existing: Action) -> ExecForm:
    """Fill in what the document of an action does not show, or the client has left out."""
    current = existing.exec
    main = current.main if isinstance(current, CodeExec | ImageExec) else None
    image = current.image if isinstance(current, ImageExec) else None
    kind = form.kind or (_SEQUENCE if form.components else current.kind)
    return msgspec.structs.replace(form, kind=kind, main=_first(form.main, main), image=_first(form.image, image))


def _limits(form: LimitsForm) -> LimitsPut:
    given = {field: _whole(field, getattr(form, field)) for field in form.__struct_fields__}
    return LimitsPut(**{field: value for field, value in given.items() if value is not None})


def _whole(field: str, value: int | str | None) -> int | None:
    if not isinstance(value, str):
        return value
    if not _WHOLE.fullmatch(value):
        raise InvalidError(f"limits.{field} must be a whole number, not '{value}'.")
    return int(value)


def _raised(version: str | None, stored: str) -> str | msgspec.UnsetType:
    if version is None or _parts(check_version(version)) <= _parts(stored):
        return msgspec.UNSET
    return version


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def _or_unset(value: Any) -> Any:
    return msgspec.UNSET if value is None else value
