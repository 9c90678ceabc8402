"""What entities may be called, and how a client may write a name (OpenWhisk API contract, section 3)."""

import re
from typing import Self

import msgspec

from ioruntime.model.errors import InvalidError, TooLargeError

_LEGAL = re.compile(r"(\w|\w[\w@ .&-]{0,254}[\w@.&-])", re.ASCII)
_LONGEST = 256

OWN_NAMESPACE = "_"
DEFAULT_PACKAGE = "default"
SYSTEM_NAMESPACE = "whisk.system"


class NameTooLongError(InvalidError):
    """A name of more than 256 characters."""

    def __init__(self, what: str, length: int) -> None:
        # The misspelling is part of the contract.
        label = "Namespace" if what == "namespace" else "Name segement"
        super().__init__(f"{label} longer than allowed: {length} > {_LONGEST}.")


def check_entity_name(text: str) -> str:
    """Return `text` when it may name an action, package, trigger or rule.

    Raises:
        InvalidError: it is too long or has illegal characters.
    """
    if len(text) > _LONGEST:
        raise NameTooLongError("entity", len(text))
    if not _LEGAL.fullmatch(text):
        raise InvalidError("The name of the entity contains illegal characters.")
    return text


def check_namespace_name(text: str) -> str:
    """Return `text` when it may name a namespace.

    Raises:
        InvalidError: it is too long or has illegal characters.
    """
    if len(text) > _LONGEST:
        raise NameTooLongError("namespace", len(text))
    if not _LEGAL.fullmatch(text):
        raise InvalidError("The namespace contains illegal characters.")
    return text


class EntityPath(msgspec.Struct, frozen=True):
    """Where an entity lives: `namespace/name` or, for an action in a package, `namespace/package/name`."""

    namespace: str
    name: str
    package: str | None = None

    @classmethod
    def of(cls, namespace: str, *segments: str) -> Self:
        """Check and join the segments of a path: a name, or a package and a name; the package `default` means none.

        Raises:
            InvalidError: a segment is no legal name, or there are too many.
        """
        check_namespace_name(namespace)
        match segments:
            case (name,):
                return cls(namespace, check_entity_name(name))
            case (package, name):
                inside = None if package == DEFAULT_PACKAGE else check_entity_name(package)
                return cls(namespace, check_entity_name(name), inside)
            case _:
                raise InvalidError("The name of the entity must be 'name' or 'package/name'.")

    @classmethod
    def parse(cls, text: str, *, own_namespace: str) -> Self:
        """Read a fully qualified name as it stands in a body: `/ns/name`, `ns/pkg/name`; `_` is the caller's own.

        Raises:
            InvalidError: fewer than two segments, more than three, or one that is not legal.
        """
        segments = text.removeprefix("/").split("/")
        if len(segments) < 2:
            raise InvalidError(
                "The fully qualified name of the entity must contain at least the namespace and the name of the entity."
            )
        namespace, *rest = segments
        return cls.of(own_namespace if namespace == OWN_NAMESPACE else namespace, *rest)

    @property
    def key(self) -> str:
        """Unique within the namespace: `name` or `package/name`."""
        return self.name if self.package is None else f"{self.package}/{self.name}"

    @property
    def parent(self) -> str:
        """The `namespace` field of the entity's document: `ns` or `ns/package`."""
        return self.namespace if self.package is None else f"{self.namespace}/{self.package}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key}"


def check_size(field: str, size_bytes: int, limit_bytes: int) -> None:
    """Let pass what is not larger than its limit.

    Raises:
        TooLargeError: it is, naming the field and both sizes.
    """
    if size_bytes > limit_bytes:
        raise TooLargeError(field, size_bytes, limit_bytes)
