"""The system calls that an action may make, read from `profile.toml`; and their numbers, from `numbers.txt`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

_HERE = Path(__file__).parent
_MACHINES = ("x86_64", "aarch64")


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Holds when an argument is one of `values`, or none of `unless`."""

    argument: int
    mask: int = 0xFFFF_FFFF
    values: tuple[int, ...] = ()
    unless: tuple[int, ...] = ()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lets a call pass that fits all tests of one of its lines."""

    reason: str
    lines: tuple[tuple[Test, ...], ...]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that are answered alike, whatever their arguments."""

    reason: str
    calls: tuple[str, ...]


class Profile(msgspec.Struct, frozen=True):
    """What is let through; the rest is refused."""

    groups: Mapping[str, Group]
    rules: Mapping[str, Rule]
    absent: Group
    """Answered as by a kernel that does not have them."""


def profile() -> Profile:
    """Read the profile that the platform ships."""
    document = tomllib.loads((_HERE / "profile.toml").read_text())
    rules, absent = document.pop("rules"), document.pop("absent")
    return msgspec.convert({"groups": document, "rules": rules, "absent": absent}, Profile)


def numbers(machine: str) -> dict[str, int] | None:
    """Return the number of each system call by name, or None for a machine that nobody wrote them down for."""
    if machine not in _MACHINES:
        return None
    column = _MACHINES.index(machine) + 1
    rows = [line.split() for line in (_HERE / "numbers.txt").read_text().splitlines() if not line.startswith("#")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
