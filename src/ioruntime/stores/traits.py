"""What stores must know of an entity or a filter to find it again *(pure)*."""

from ioruntime.model.action import Action
from ioruntime.model.exec import CodeExec, ImageExec
from ioruntime.model.note import Note
from ioruntime.model.package import Package
from ioruntime.model.trigger import Rule, Trigger
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.entities import Collection, Entity


def collection_of(entity: Entity) -> Collection:
    match entity:
        case Action():
            return Collection.ACTIONS
        case Package():
            return Collection.PACKAGES
        case Trigger():
            return Collection.TRIGGERS
        case Rule():
            return Collection.RULES
        case Note():
            return Collection.NOTES


def is_binding(entity: Entity) -> bool:
    return isinstance(entity, Package) and entity.binding is not None


def code_digest_of(entity: Entity) -> str | None:
    match entity:
        case Action(exec=CodeExec(code=code)) | Action(exec=ImageExec(code=code)) if code is not None:
            return code.digest
        case _:
            return None


def as_int64(value: int) -> int:
    """Bring a bound or an offset into the range of a column; no stored value lies outside."""
    return max(-(2**63), min(value, 2**63 - 1))


def wanted_name(wanted: ActivationFilter) -> tuple[str | None, str | None]:
    """Split the filter's name into package and name; None matches all."""
    if wanted.name is None:
        return None, None
    package, slash, name = wanted.name.partition("/")
    return (package, name) if slash else (None, package)
