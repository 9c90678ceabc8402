"""`ioruntime package`: packages of a namespace, and bindings to those of others."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from ioruntime.cli.remote import entities
from ioruntime.cli.remote.entities import Limit, Name, Skip, page
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.remote.values import NOTHING, Given, Pairs, as_pairs, read_pairs
from ioruntime.cli.usage import Json, UsageError

app = App(name="package", help="Create, bind, show and delete packages.", version_flags=[])

Notes = Annotated[Pairs, Parameter(name="--annotation", help="NAME VALUE; may be repeated.")]


@app.command(name="list")
def list_(*, limit: Limit = 30, skip: Skip = 0, json: Json = False, reach: Reach = NEAREST) -> None:
    """List packages and bindings."""
    columns = ("PACKAGE", "VERSION", "SHARED", "BOUND TO")
    entities.list_rows(reach, entities.path("packages"), page(limit, skip), json=json, columns=columns, row=_row)


@app.command
def get(name: Name, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print a package's document with the actions and feeds in it."""
    entities.show(reach, "packages", name, json=json)


@app.command
def create(
    name: Name,
    /,
    *,
    given: Given = NOTHING,
    notes: Notes = (),
    shared: Annotated[bool | None, Parameter(negative="--private", help="Let every namespace use it.")] = None,
    update: Annotated[bool, Parameter(negative="", help="Change it if it is there.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Create a package."""
    document = given.document() | _annotations(notes) | ({} if shared is None else {"publish": shared})
    entities.put(reach, "packages", name, document, overwrite=update, json=json)


@app.command
def bind(
    package: Annotated[str, Parameter(help="/NAMESPACE/PACKAGE to bind to.")],
    name: Name,
    /,
    *,
    given: Given = NOTHING,
    notes: Notes = (),
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Give a package a name in the own namespace, with parameters of one's own."""
    namespace, slash, bound = package.removeprefix("/").partition("/")
    if not slash:
        namespace, bound = "_", namespace
    if not namespace or not bound or "/" in bound:
        raise UsageError(f"'{package}' is no package: write /NAMESPACE/PACKAGE.")
    document = {"binding": {"namespace": namespace, "name": bound}} | given.document() | _annotations(notes)
    entities.put(reach, "packages", name, document, overwrite=False, json=json)


@app.command
def delete(
    name: Name,
    /,
    *,
    force: Annotated[bool, Parameter(negative="", help="With the actions in it.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Delete a package."""
    entities.delete(reach, "packages", name, {"force": "true"} if force else {}, json=json)


def _annotations(notes: Pairs) -> dict[str, Any]:
    return {"annotations": as_pairs(read_pairs(notes))} if notes else {}


def _row(package: Any) -> tuple[str, str, str, str]:
    binding: dict[str, str] = package.get("binding") or {}
    bound = f"/{binding['namespace']}/{binding['name']}" if binding else ""
    return package["name"], package["version"], "shared" if package["publish"] else "", bound
