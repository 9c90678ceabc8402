"""Which files a project is made of, what state they are in, and what a change of them asks to deploy."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from ioruntime.cli.project.manifest import Entity, Project
from ioruntime.client.artifact import files_of

Stamps: TypeAlias = dict[Path, str]
"""The state of each source, a file or a folder, in a form that differs when its content may differ."""


def stamp(manifest: Path, sources: Iterable[Path]) -> Stamps:
    """Look at the manifest, the `.env` beside it, and sources; those given may hold the first two already."""
    watched = {manifest, manifest.parent / ".env", *sources}
    return {source: ";".join(_states(source)) for source in watched}


def changed(project: Project, before: Stamps, now: Stamps) -> tuple[Entity, ...]:
    """Return what to deploy: what a changed source holds, or everything when the manifest or its variables changed."""
    sources = {entity.source for entity in project.entities if entity.source is not None}
    differing = {source for source, state in now.items() if before.get(source) != state}
    if differing - sources:
        return project.entities
    return tuple(entity for entity in project.entities if entity.source in differing)


def _states(source: Path) -> Iterator[str]:
    try:
        for file in files_of(source):
            state = file.stat()
            yield f"{file} {state.st_mtime_ns} {state.st_size}"
    except OSError:
        # Editors replace a file by another; the next look sees what has become of it.
        yield "gone"
