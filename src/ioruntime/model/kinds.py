"""Which kinds of actions there are, what a client's spelling of one stands for, and which interpreter runs it.

Pure: the table comes from the runtimes' manifest, the names of what is installed from the machine. A stored kind never
changes (`nodejs:14` stays `nodejs:14`); which interpreter runs it is decided each time, from what is installed then.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Self

import msgspec

from ioruntime.model.errors import InvalidError, IoRuntimeError

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}", re.ASCII)


class UnknownKindError(InvalidError, ValueError):
    """No such kind on this platform."""

    def __init__(self, kind: str, valid: Iterable[str]) -> None:
        values = ", ".join(f"'{name}'" for name in valid)
        super().__init__(f"The specified runtime '{kind}' is not supported by this platform. Valid values are: {values}.")


class NoInterpreterError(IoRuntimeError):
    """The kind is known, but nothing on this machine runs its family."""

    def __init__(self, kind: str, suggestion: str) -> None:
        super().__init__(f"No interpreter on this machine runs '{kind}'. To get one: ioruntime runtimes install {suggestion}")


class UnknownImageError(InvalidError):
    """A container image that actions may not name here, or no name of an image at all."""

    def __init__(self, image: str) -> None:
        super().__init__(f"The container image '{image}' is not supported by this platform.")


class Kind(msgspec.Struct, frozen=True):
    """One entry of the table that clients see."""

    name: str
    """Such as `nodejs:24`."""
    family: str
    default: bool
    """True for exactly one kind of each family."""
    deprecated: bool
    image: str
    require_main: bool


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The kinds of one language, as the manifest has them. Versions are the one number that tells them apart."""

    kind: str
    """Such as `python:3.{}`."""
    image: str
    default: int
    """The version that stands for the family where none is installed."""
    oldest: int
    newest: int
    listed: tuple[int, ...]
    """Versions that clients are shown."""
    command: tuple[str, ...]
    """What starts the runtime inside a sandbox, with placeholders."""
    variants: tuple[str, ...] = ("",)
    """What may follow the version in a name."""
    aliases: tuple[str, ...] = ()
    """Names that are accepted and stored as they are, and run as the family's default."""
    deprecated: tuple[int, ...] = ()
    require_main: bool = False

    def name(self, version: int) -> str:
        """The plain name of a version."""
        return self.kind.format(version)

    def version(self, name: str) -> int | None:
        """Read the version out of a kind's name; None for an alias and for what is not of this family."""
        prefix = self.kind.removesuffix("{}")
        match = re.fullmatch(r"([1-9][0-9]?)(.*)", name.removeprefix(prefix)) if name.startswith(prefix) else None
        if match is None or match[2] not in self.variants:
            return None
        version = int(match[1])
        return version if self.oldest <= version <= self.newest else None


class Kinds(msgspec.Struct, frozen=True):
    """The table of kinds, and the names of those that are installed on this machine."""

    families: dict[str, Family]
    installed: frozenset[str] = frozenset()
    images: tuple[str, ...] = ()
    """Patterns of the container images that actions may name; none where nothing runs images."""

    @classmethod
    def of(cls, families: Mapping[str, Family], installed: Iterable[str] = (), images: Iterable[str] = ()) -> Self:
        return cls(dict(families), frozenset(installed), tuple(images))

    def accept_image(self, image: str) -> str:
        """Return the name of a container image that an action may have.

        Raises:
            UnknownImageError: see there.
        """
        if not _IMAGE.fullmatch(image) or not any(fnmatchcase(image, pattern) for pattern in self.images):
            raise UnknownImageError(image)
        return image

    def accept(self, text: str) -> str:
        """Return the name to store for what a client wrote.

        Args:
            text: in any case, with blanks around; the bare family or `family:default` stand for its default kind.

        Raises:
            UnknownKindError: no such kind.
        """
        name = text.strip().lower()
        family_name = name.removesuffix(":default")
        if family_name in self.families:
            family = self.families[family_name]
            return family.name(self._default_version(family))
        if self._family_of(name) is None:
            raise UnknownKindError(name, (kind.name for kind in self.listed()))
        return name

    def runs_as(self, stored_name: str) -> str:
        """Return the installed kind that runs a stored one: the same version, else the next newer, else the next older.

        Raises:
            UnknownKindError: a name that `accept` never returns.
            NoInterpreterError: no version of the family is installed.
        """
        family = self._family_of(stored_name)
        if family is None:
            raise UnknownKindError(stored_name, (kind.name for kind in self.listed()))
        versions = self._installed_versions(family)
        if not versions:
            raise NoInterpreterError(stored_name, family.name(family.default))
        wanted = family.version(stored_name) or versions[-1]
        newer = [version for version in versions if version >= wanted]
        return family.name(newer[0] if newer else versions[-1])

    def listed(self) -> Iterator[Kind]:
        """Kinds that clients are shown: the manifest's and those installed, oldest first in each family."""
        for name, family in self.families.items():
            default = self._default_version(family)
            for version in sorted({*family.listed, *self._installed_versions(family), default}):
                yield Kind(
                    name=family.name(version),
                    family=name,
                    default=version == default,
                    deprecated=version in family.deprecated,
                    image=family.image.format(version),
                    require_main=family.require_main,
                )

    def document(self) -> dict[str, list[dict[str, str | bool]]]:
        """The `runtimes` object of `GET /`, as OpenWhisk's clients read it."""
        families: dict[str, list[dict[str, str | bool]]] = {name: [] for name in self.families}
        for kind in self.listed():
            families[kind.family].append(
                {
                    "kind": kind.name,
                    "image": kind.image,
                    "deprecated": kind.deprecated,
                    "default": kind.default,
                    "attached": True,
                    "requireMain": kind.require_main,
                }
            )
        return families

    def _family_of(self, name: str) -> Family | None:
        return next(
            (family for family in self.families.values() if name in family.aliases or family.version(name) is not None),
            None,
        )

    def _default_version(self, family: Family) -> int:
        """The newest version installed; the manifest's where there is none."""
        return max(self._installed_versions(family), default=family.default)

    def _installed_versions(self, family: Family) -> list[int]:
        return sorted({version for name in self.installed if (version := family.version(name)) is not None})
