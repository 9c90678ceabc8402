"""`ioruntime deploy` and `ioruntime undeploy`: a project of a manifest."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.usage import Json

if TYPE_CHECKING:
    from ioruntime.cli.project.manifest import Project

Manifest = Annotated[
    Path | None,
    Parameter(name=["--manifest", "-m"], help="manifest.yml or app.config.yaml; the current folder's by default."),
]


def deploy(
    *,
    manifest: Manifest = None,
    prune: Annotated[bool, Parameter(negative="", help="Remove what the manifest no longer has.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Create or change everything that a manifest describes."""
    from ioruntime.cli.project import deploying

    project, telling = read(manifest), _Telling(json=json)
    for each in project.left_out:
        print(f"ioruntime: {each} are left out; create them with `wsk api` or `aio rt api`.", file=sys.stderr)
    with reach.open() as api:
        deploying.deploy(api, project, telling)
        if prune:
            deploying.remove(api, project.name, telling, keep=deploying.kept_by(project))
    telling.end()


def undeploy(
    *,
    manifest: Manifest = None,
    project: Annotated[str | None, Parameter(help="Name of the project, instead of a manifest.")] = None,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Remove what was deployed from a manifest, and nothing else."""
    from ioruntime.cli.project import deploying
    from ioruntime.cli.project.manifest import find_manifest, read_name

    name, telling = project or read_name(manifest or find_manifest(Path.cwd())), _Telling(json=json)
    with reach.open() as api:
        deploying.remove(api, name, telling)
    telling.end()


def read(manifest: Path | None) -> "Project":
    """Read a manifest with the variables of the environment and of the `.env` beside it.

    Raises:
        UsageError: there is none, or it cannot be deployed.
    """
    from ioruntime.cli.project.manifest import find_manifest, read_project
    from ioruntime.client.credentials import properties

    file = manifest or find_manifest(Path.cwd())
    return read_project(file, properties(file.resolve().parent / ".env") | dict(os.environ))


class _Telling:
    """Says what is done as it is done, or at the end as JSON."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._done: list[dict[str, str]] = []

    def __call__(self, what: str, entity: str) -> None:
        kind, _, name = entity.partition(" ")
        self._done.append({"done": what, "kind": kind, "name": name})
        if not self._json:
            print(f"{what} {entity}", flush=True)

    def end(self) -> None:
        if self._json:
            print_json(self._done)
        elif not self._done:
            print("There was nothing to do.")
