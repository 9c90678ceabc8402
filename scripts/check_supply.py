"""Check what this project is installed with, without a network: `.venv/bin/python scripts/check_supply.py`.

Every installed package that ioruntime and its extras need is pinned in `constraints.txt` to the version it has, has a
licence that may be shipped, and is in none of the advisories of `advisories.toml`. That list is kept by hand; the file
says how, and when it was last looked through.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = "ioruntime"
LICENCES = {
    "0BSD", "APACHE-2.0", "BSD-2-CLAUSE", "BSD-3-CLAUSE", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "UNLICENSE", "ZLIB",
}  # fmt: skip
SPELLINGS = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD-3-Clause",
    "dfsg approved": "MIT",  # stands beside the licence itself
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""What packages write who do not write SPDX."""


def pins(text: str) -> dict[str, str]:
    """Read `name==version` lines: version by canonical name."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    parts = (line.partition("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version.partition(";")[0].strip() for name, _, version in parts}


def needed(project: str, extras: tuple[str, ...]) -> set[str]:
    """Return the canonical names of everything that a project needs here, found through what is installed."""
    found: set[str] = set()
    waiting = [(project, extras)]
    while waiting:
        name, wanted = waiting.pop()
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if not _applies(requirement, wanted):
                continue
            needs = canonicalize_name(requirement.name)
            if needs not in found and _installed(needs) is not None:
                waiting.append((needs, tuple(requirement.extras)))
            found.add(needs)
    return found


def pin_faults(names: set[str], pinned: Mapping[str, str]) -> Iterator[str]:
    """Tell of installed packages that are not pinned, or not what the pin says."""
    for name in sorted(names):
        installed = _installed(name)
        if installed is None:
            continue  # of an extra that is not installed here
        if name not in pinned:
            yield f"{name} is needed and not pinned in constraints.txt"
        elif installed != pinned[name]:
            yield f"{name} {installed} is installed, and {pinned[name]} pinned"


def licence_faults(names: set[str], accepted: Mapping[str, str]) -> Iterator[str]:
    """Tell of licences that nobody has looked at.

    Args:
        names: packages, which are installed.
        accepted: by name, why a package is fine though its licence is not in the list.
    """
    for name in sorted(names - accepted.keys()):
        if _installed(name) is not None:
            told = licences_of(metadata.metadata(name))
            if not told or not told <= LICENCES:
                strange = ", ".join(sorted(told - LICENCES)) or "unknown"
                yield f"{name} has the licence {strange}, which is not among those allowed"


def licences_of(about: Any) -> set[str]:
    """Return what a package's metadata says, as SPDX names in capitals: every one that its text mentions."""
    expression = str(about.get("License-Expression") or "")
    if not expression:
        classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or () if text.startswith("License")]
        written = classifiers or [(about.get("License") or "").partition("\n")[0]]
        words = [str(text).strip() for text in written]
        expression = " AND ".join(SPELLINGS.get(text.lower(), text) for text in words if text)
    return {part.strip("() ").upper() for part in re.split(r"\s+(?:AND|OR|WITH)\s+", expression) if part.strip("() ")}


def advisory_faults(names: set[str], advisories: list[dict[str, str]]) -> Iterator[str]:
    """Tell of installed versions that an advisory is about."""
    for advisory in advisories:
        name = canonicalize_name(advisory["package"])
        installed = _installed(name) if name in names else None
        if installed is not None and SpecifierSet(advisory["affected"]).contains(installed, prereleases=True):
            yield f"{name} {installed} is affected by {advisory['id']}: {advisory['about']}"


def faults() -> list[str]:
    """Everything that is wrong."""
    reviewed = tomllib.loads((ROOT / "scripts" / "advisories.toml").read_text())
    names = needed(PROJECT, tuple(metadata.metadata(PROJECT).get_all("Provides-Extra") or ()))
    return [
        *pin_faults(names, pins((ROOT / "constraints.txt").read_text())),
        *licence_faults(names, reviewed["licences"]),
        *advisory_faults(names, reviewed["advisory"]),
    ]


def _applies(requirement: Requirement, extras: tuple[str, ...]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    found = faults()
    for fault in found:
        print(f"supply: {fault}", file=sys.stderr)
    sys.exit(bool(found))
