"""`ioruntime rule`: which action runs when a trigger fires."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from ioruntime.cli.remote import entities
from ioruntime.cli.remote.action import qualified
from ioruntime.cli.remote.entities import Limit, Name, Skip, page
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.usage import Json

app = App(name="rule", help="Create, enable, disable, show and delete rules.", version_flags=[])


@app.command(name="list")
def list_(*, limit: Limit = 30, skip: Skip = 0, json: Json = False, reach: Reach = NEAREST) -> None:
    """List rules."""
    columns = ("RULE", "TRIGGER", "ACTION")
    entities.list_rows(reach, entities.path("rules"), page(limit, skip), json=json, columns=columns, row=_row)


@app.command
def get(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print a rule's document."""
    entities.show(reach, "rules", name, json=json)


@app.command
def create(
    name: Name,
    trigger: Annotated[str, Parameter(help="Trigger that it follows.")],
    action: Annotated[str, Parameter(help="Action that it runs.")],
    /,
    *,
    update: Annotated[bool, Parameter(negative="", help="Change it if it is there.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Create a rule; it is active at once."""
    document = {"trigger": qualified(trigger), "action": qualified(action)}
    entities.put(reach, "rules", name, document, overwrite=update, json=json)


@app.command
def enable(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Make a rule follow its trigger."""
    _set(reach, name, "active", json=json)


@app.command
def disable(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Make a rule rest."""
    _set(reach, name, "inactive", json=json)


@app.command
def delete(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Delete a rule."""
    entities.delete(reach, "rules", name, {}, json=json)


def _set(reach: Reach, name: str, status: str, *, json: bool) -> None:
    target = entities.path("rules", name)
    with reach.open() as api:
        api.call("POST", target, {"status": status})
    entities.told({"name": name, "status": status}, f"rule {name} is {status}", json=json)


def _row(rule: Any) -> tuple[str, str, str]:
    return rule["name"], _name(rule["trigger"]), _name(rule["action"])


def _name(reference: Any) -> str:
    package = str(reference["path"]).partition("/")[2]
    return f"{package}/{reference['name']}" if package else str(reference["name"])
