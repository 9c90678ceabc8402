"""Actions and the packages they live in."""

import re

import msgspec

from ioruntime.model.errors import InvalidError
from ioruntime.model.exec import Exec
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Parameter

FIRST_VERSION = "0.0.1"
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)


class Action(msgspec.Struct, frozen=True, kw_only=True, tag="action"):
    """A stored action."""

    path: EntityPath
    exec: Exec
    version: str = FIRST_VERSION
    publish: bool = False
    parameters: tuple[Parameter, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    limits: ActionLimits = ActionLimits()
    updated_ms: int = 0
    revision: int = 0
    """The store's concurrency token; 0 before the first write."""


def check_version(text: str) -> str:
    """Return a semantic version that a client may set.

    Raises:
        InvalidError: it is not `a.b.c`, or it is 0.0.0.
    """
    match = _VERSION.fullmatch(text)
    if match is None or not any(int(part) for part in match.groups()):
        raise InvalidError(f"'{text}' is not a semantic version of the form a.b.c above 0.0.0.")
    return text


def next_version(version: str) -> str:
    """Bump the patch level."""
    major, minor, patch = version.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"
