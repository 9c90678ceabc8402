"""Brings a project to a server, and takes it away again."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from ioruntime.cli.project.manifest import MANAGED, Entity, Project
from ioruntime.client.api import RefusedError, entity_path

if TYPE_CHECKING:
    from ioruntime.client.api import Api

Tell = Callable[[str, str], None]
"""Is told each thing done: `deployed` or `removed`, and what."""

_PAGE = 200
_REMOVAL = ("rules", "triggers", "actions", "packages")
"""Users before what they use."""


class Owned(msgspec.Struct, frozen=True):
    """Something on the server that bears a project's mark."""

    collection: str
    name: str
    feed: str | None = None

    def __str__(self) -> str:
        return f"{self.collection[:-1]} {self.name}"


def deploy(api: "Api", project: Project, tell: Tell) -> None:
    """Create or change everything of a project.

    Raises:
        RefusedError: the server says no to one; those before it are deployed.
    """
    for entity in project.entities:
        put(api, entity)
        tell("deployed", f"{entity.collection[:-1]} {entity.name}")


def put(api: "Api", entity: Entity) -> None:
    """Create or change one thing.

    Raises:
        RefusedError: the server says no; the message names the thing.
    """
    try:
        target = entity_path(entity.collection, entity.name)
        made = api.call("PUT", target, entity.document, query={"overwrite": "true"})
        if entity.feed is not None:
            _start_feed(api, entity, f"/{made['namespace']}/{made['name']}")
    except RefusedError as error:
        raise RefusedError(f"{entity.collection[:-1]} {entity.name}: {error}", status=error.status) from error


def remove(api: "Api", project: str, tell: Tell, *, keep: frozenset[tuple[str, str]] = frozenset()) -> None:
    """Delete what bears a project's mark, but for `keep`; what others put into its packages stays, and the packages too."""
    for owned in list(_owned(api, project)):
        if (owned.collection, owned.name) in keep:
            continue
        if owned.feed is not None:
            _tell_feed(api, owned.feed, "DELETE", f"/_/{owned.name}", {})
        try:
            api.call("DELETE", entity_path(owned.collection, owned.name))
        except RefusedError as error:
            if error.status == 404:
                continue
            if error.status == 409 and owned.collection == "packages":
                tell("kept", f"{owned}, in which others have actions")
                continue
            raise
        tell("removed", str(owned))


def kept_by(project: Project) -> frozenset[tuple[str, str]]:
    """Return what a project consists of, for `remove`."""
    return frozenset((entity.collection, entity.name) for entity in project.entities)


def _owned(api: "Api", project: str) -> Iterator[Owned]:
    for collection in _REMOVAL:
        for document in _all(api, collection):
            notes = {note["key"]: note["value"] for note in document["annotations"]}
            mark = notes.get(MANAGED)
            if isinstance(mark, dict) and mark.get("projectName") == project:  # pyright: ignore[reportUnknownMemberType] - JSON of whoever marked it
                package = str(document["namespace"]).partition("/")[2]
                name = f"{package}/{document['name']}" if package else str(document["name"])
                yield Owned(collection, name, notes.get("feed") if collection == "triggers" else None)


def _all(api: "Api", collection: str) -> Iterator[Any]:
    skip = 0
    while True:
        page: list[Any] = api.call("GET", entity_path(collection), query={"limit": str(_PAGE), "skip": str(skip)})
        yield from page
        if len(page) < _PAGE:
            return
        skip += _PAGE


def _start_feed(api: "Api", entity: Entity, trigger: str) -> None:
    assert entity.feed is not None
    # A feed that knows the trigger already would refuse to start it again.
    _tell_feed(api, entity.feed, "DELETE", trigger, {})
    answer = _tell_feed(api, entity.feed, "CREATE", trigger, entity.inputs)
    if answer is not None:
        raise RefusedError(f"its feed {entity.feed} says no: {answer}", status=502)


def _tell_feed(api: "Api", feed: str, event: str, trigger: str, inputs: dict[str, Any]) -> str | None:
    """Tell a feed's action about a trigger's life; return what it said no with."""
    payload = inputs | {"lifecycleEvent": event, "triggerName": trigger, "authKey": api.credentials.auth}
    answer = api.exchange("POST", entity_path("actions", feed), payload, query={"blocking": "true", "result": "true"})
    return None if answer.status < 400 else str(msgspec.json.decode(answer.body).get("error"))
