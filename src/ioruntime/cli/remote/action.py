"""`ioruntime action`: actions of a namespace."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from ioruntime.cli.remote import entities
from ioruntime.cli.remote.entities import Limit, Name, Skip, full_name, page
from ioruntime.cli.remote.invoke import invoke
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.remote.values import NOTHING, Given, Pairs, as_pairs, read_pairs
from ioruntime.cli.usage import Json, UsageError

app = App(name="action", help="Create, show, change, invoke and delete actions.", version_flags=[])
app.command(invoke)

Artifact = Annotated[Path | None, Parameter(help="Source file, archive, or folder to pack.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Making:
    """What an action is made of, beside its file."""

    kind: Annotated[str | None, Parameter(help="Kind, such as nodejs:24; told from the file by default.")] = None
    main: Annotated[str | None, Parameter(help="Function to call; main by default.")] = None
    docker: Annotated[str | None, Parameter(help="Container image that runs it.")] = None
    sequence: Annotated[str | None, Parameter(help="Actions to run one after the other, with commas between them.")] = None
    web: Annotated[Literal["true", "false", "raw"] | None, Parameter(help="Whether it has a web URL.")] = None
    annotation: Annotated[Pairs, Parameter(help="NAME VALUE; may be repeated.")] = ()
    timeout: Annotated[int | None, Parameter(help="Milliseconds it may run.")] = None
    memory: Annotated[int | None, Parameter(help="Megabytes it may use.")] = None
    logsize: Annotated[int | None, Parameter(help="Megabytes it may log.")] = None
    concurrency: Annotated[int | None, Parameter(help="Activations in one sandbox at a time.")] = None

    def document(self, artifact: Path | None, given: Given) -> dict[str, Any]:
        """Return what to send; what is not said is left out, so that an update keeps it.

        Raises:
            UsageError: the file is missing, or nothing tells its kind.
        """
        sizes = {"timeout": self.timeout, "memory": self.memory, "logs": self.logsize, "concurrency": self.concurrency}
        limits = {name: size for name, size in sizes.items() if size is not None}
        annotations = self._annotations()
        return (
            self._exec(artifact)
            | given.document()
            | ({"annotations": as_pairs(annotations)} if annotations else {})
            | ({"limits": limits} if limits else {})
        )

    def _exec(self, artifact: Path | None) -> dict[str, Any]:
        from ioruntime.client.artifact import read_exec
        from ioruntime.model.errors import InvalidError

        if self.sequence is not None:
            components = [part.strip() for part in self.sequence.split(",") if part.strip()]
            return {"exec": {"kind": "sequence", "components": [qualified(each) for each in components]}}
        if artifact is None:
            return {"exec": {"kind": "blackbox", "image": self.docker}} if self.docker else {}
        try:
            return {"exec": read_exec(artifact, kind=self.kind, main=self.main, image=self.docker)}
        except InvalidError as error:
            raise UsageError(str(error)) from error

    def _annotations(self) -> dict[str, Any]:
        web = {"web-export": self.web != "false", "raw-http": self.web == "raw"} if self.web is not None else {}
        return web | read_pairs(self.annotation)


PLAIN = Making()


@app.command(name="list")
def list_(
    package: Annotated[str | None, Parameter(help="Only those of a package.")] = None,
    /,
    *,
    limit: Limit = 30,
    skip: Skip = 0,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """List actions, those changed last first."""
    target = f"{entities.path('actions', package)}/" if package else entities.path("actions")
    entities.list_rows(reach, target, page(limit, skip), json=json, columns=("ACTION", "VERSION", "KIND", "CHANGED"), row=_row)


@app.command
def get(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print an action's document with its code."""
    entities.show(reach, "actions", name, json=json)


@app.command
def create(
    name: Name,
    artifact: Artifact = None,
    /,
    *,
    making: Making = PLAIN,
    given: Given = NOTHING,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Create an action from a file, an archive, a folder or other actions."""
    document = making.document(artifact, given)
    if "exec" not in document:
        raise UsageError("Say what the action is: a FILE, --sequence or --docker.")
    entities.put(reach, "actions", name, document, overwrite=False, json=json)


@app.command
def update(
    name: Name,
    artifact: Artifact = None,
    /,
    *,
    making: Making = PLAIN,
    given: Given = NOTHING,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Change an action, or create it; what is not said stays as it is."""
    entities.put(reach, "actions", name, making.document(artifact, given), overwrite=True, json=json)


@app.command
def delete(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Delete an action."""
    entities.delete(reach, "actions", name, {}, json=json)


def qualified(name: str) -> str:
    """Return a name with the caller's namespace before it, as sequences and rules want it."""
    return name if name.startswith("/") else f"/_/{name}"


def _row(action: Any) -> tuple[str, str, str, str]:
    kind = next((each["value"] for each in action["annotations"] if each["key"] == "exec"), "")
    return full_name(action), action["version"], str(kind), entities.day(action["updated"])
