"""What the commands of actions, packages, triggers and rules have in common: reading, listing, deleting."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter

from ioruntime.cli.output import print_json, print_rows
from ioruntime.cli.remote.reach import Reach
from ioruntime.cli.usage import UsageError

PAGE = 200
"""What a server gives at once at most."""

Name: TypeAlias = Annotated[str, Parameter(help="NAME, PACKAGE/NAME or /NAMESPACE/PACKAGE/NAME.")]
Limit: TypeAlias = Annotated[int, Parameter(help="How many at most; 30 by default.")]
Skip: TypeAlias = Annotated[int, Parameter(help="How many to leave out first.")]


def path(collection: str, name: str = "") -> str:
    """Return the API's path of an entity.

    Raises:
        UsageError: what was typed is no name.
    """
    from ioruntime.client.api import entity_path
    from ioruntime.model.errors import InvalidError

    try:
        return entity_path(collection, name)
    except InvalidError as error:
        raise UsageError(str(error)) from error


def page(limit: int, skip: int) -> dict[str, str]:
    """Return the query of a list.

    Raises:
        UsageError: a number that no list can have.
    """
    if not 0 < limit <= PAGE or skip < 0:
        raise UsageError(f"--limit is a number from 1 to {PAGE}, and --skip is 0 or more.")
    return {"limit": str(limit), "skip": str(skip)}


def show(reach: Reach, collection: str, name: str, *, json: bool) -> None:
    """Print an entity's document; people are spared the code of an archive."""
    target = path(collection, name)
    with reach.open() as api:
        document = api.call("GET", target)
    exec_: dict[str, Any] = document.get("exec") or {}
    if not json and exec_.get("binary") and "code" in exec_:
        exec_["code"] = f"({len(exec_['code']) * 3 // 4} bytes; --json prints them)"
    print_json(document)


def list_rows(
    reach: Reach,
    target: str,
    query: Mapping[str, str],
    *,
    json: bool,
    columns: Sequence[str],
    row: Callable[[Any], Sequence[str]],
) -> None:
    """Print a list, as the server's documents or as rows below `columns`."""
    with reach.open() as api:
        found: list[Any] = api.call("GET", target, query=query)
    if json:
        print_json(found)
    else:
        print_rows([columns, *map(row, found)])


def delete(reach: Reach, collection: str, name: str, query: Mapping[str, str], *, json: bool) -> None:
    """Delete an entity and say so."""
    target = path(collection, name)
    with reach.open() as api:
        gone = api.call("DELETE", target, query=query)
    told(gone, f"{collection[:-1]} {name} is deleted", json=json)


def put(reach: Reach, collection: str, name: str, document: Any, *, overwrite: bool, json: bool) -> None:
    """Create or change an entity and say so."""
    target = path(collection, name)
    with reach.open() as api:
        made = api.call("PUT", target, document, query={"overwrite": str(overwrite).lower()})
    told(made, f"{collection[:-1]} {name} is {'at version ' + made['version'] if overwrite else 'created'}", json=json)


def told(document: Any, sentence: str, *, json: bool) -> None:
    """Print the document, without the code that was just sent, or the sentence."""
    if json:
        print_json(document)
    else:
        print(f"{sentence}.")


def full_name(document: Any) -> str:
    """Return how a command takes an entity of a list: with its package, without the namespace."""
    package = document["namespace"].partition("/")[2]
    return f"{package}/{document['name']}" if package else document["name"]


def day(milliseconds: int) -> str:
    """Write a time as local people read it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
