"""`ioruntime trigger`: triggers of a namespace."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.remote import entities
from ioruntime.cli.remote.entities import Limit, Name, Skip, page
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.remote.values import NOTHING, Given, Pairs, as_pairs, read_pairs
from ioruntime.cli.usage import Json

app = App(name="trigger", help="Create, fire, show and delete triggers.", version_flags=[])


@app.command(name="list")
def list_(*, limit: Limit = 30, skip: Skip = 0, json: Json = False, reach: Reach = NEAREST) -> None:
    """List triggers."""
    columns = ("TRIGGER", "VERSION", "CHANGED")
    entities.list_rows(reach, entities.path("triggers"), page(limit, skip), json=json, columns=columns, row=_row)


@app.command
def get(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print a trigger's document with its rules."""
    entities.show(reach, "triggers", name, json=json)


@app.command
def create(
    name: Name,
    /,
    *,
    given: Given = NOTHING,
    annotation: Annotated[Pairs, Parameter(help="NAME VALUE; may be repeated.")] = (),
    update: Annotated[bool, Parameter(negative="", help="Change it if it is there.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Create a trigger."""
    notes = {"annotations": as_pairs(read_pairs(annotation))} if annotation else {}
    entities.put(reach, "triggers", name, given.document() | notes, overwrite=update, json=json)


@app.command
def fire(name: Name, /, *, given: Given = NOTHING, json: Json = False, reach: Reach = NEAREST) -> None:
    """Fire a trigger and print the activation's id, if an active rule follows it."""
    target, payload = entities.path("triggers", name), given.values()
    with reach.open() as api:
        fired = api.call("POST", target, payload)
    if json:
        print_json(fired or {})
    else:
        print(fired["activationId"] if fired else f"trigger {name} is fired; no active rule follows it.")


@app.command
def delete(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Delete a trigger."""
    entities.delete(reach, "triggers", name, {}, json=json)


def _row(trigger: Any) -> tuple[str, str, str]:
    return trigger["name"], trigger["version"], entities.day(trigger["updated"])
