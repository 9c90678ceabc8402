"""What a page's path names, and where a page of a thing is."""

from urllib.parse import quote

from ioruntime.faces.console.visit import Visit
from ioruntime.model.names import DEFAULT_PACKAGE, EntityPath


def action_of(visit: Visit) -> EntityPath:
    """Return the action of the path.

    Raises:
        InvalidError: it is no legal name.
    """
    return EntityPath.of(visit.namespace, visit.call.params["package"], visit.call.params["name"])


def entity_of(visit: Visit) -> EntityPath:
    """Return the trigger, rule or package of the path.

    Raises:
        InvalidError: it is no legal name.
    """
    return EntityPath.of(visit.namespace, visit.call.params["name"])


def home(namespace: str) -> str:
    return f"/console/ns/{quote(namespace, safe='')}"


def action_page(namespace: str, package: str | None, name: str) -> str:
    """Return where an action is shown; without a package, its place is called `default`, as web actions have it."""
    return f"{home(namespace)}/actions/{quote(package or DEFAULT_PACKAGE, safe='')}/{quote(name, safe='')}"


def page_of(path: EntityPath) -> str:
    return action_page(path.namespace, path.package, path.name)
