"""`ioruntime namespace`: who may use the platform."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from ioruntime.cli.output import print_facts, print_json, print_rows
from ioruntime.cli.usage import ANYWHERE, Json, Place

if TYPE_CHECKING:
    from ioruntime.model.identity import Namespace

app = App(name="namespace", help="Create, list and delete namespaces; renew their keys.", version_flags=[])

Org = Annotated[str, Parameter(help="Organization id.")]
Int = Annotated[str, Parameter(help="Integration id.")]
Auth = Annotated[str | None, Parameter(help="Key uuid:key instead of a random one.")]


@app.command
async def create(
    org: Org,
    int_: Int,
    /,
    *,
    name: Annotated[str | None, Parameter(help="Name instead of ORG_INT.")] = None,
    auth: Auth = None,
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Create the namespace of an organization's integration, or show the one it has, with its key."""
    settings = place.settings()
    from ioruntime.app.admin import open_admin
    from ioruntime.model.identity import AuthKey, Owner

    owner, key = Owner.of(org, int_), AuthKey.parse(auth) if auth else None
    async with open_admin(settings) as admin:
        _show(await _told(org, int_, admin.namespaces.create(owner, name=name, auth=key)), json=json)


@app.command(name="list")
async def list_(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """List all namespaces, without their keys."""
    settings = place.settings()
    from ioruntime.app.admin import open_admin

    async with open_admin(settings) as admin:
        found = await admin.namespaces.list()
    if json:
        print_json([_facts(each) for each in found])
    else:
        print_rows([("NAMESPACE", "ORG", "INT"), *((each.name, each.owner.org_id, each.owner.int_id) for each in found)])


@app.command
async def delete(org: Org, int_: Int, /, *, json: Json = False, place: Place = ANYWHERE) -> None:
    """Delete a namespace with everything in it."""
    settings = place.settings()
    from ioruntime.app.admin import open_admin
    from ioruntime.model.identity import Owner

    async with open_admin(settings) as admin:
        gone = await _told(org, int_, admin.namespaces.delete(Owner.of(org, int_)))
    if json:
        print_json(_facts(gone))
    else:
        print(f"The namespace {gone.name} is deleted, with everything in it.")


@app.command
async def rotate_key(org: Org, int_: Int, /, *, auth: Auth = None, json: Json = False, place: Place = ANYWHERE) -> None:
    """Give a namespace a new key; the old one is worth nothing after `auth.key_grace_s`, which is at once unless set."""
    settings = place.settings()
    from ioruntime.app.admin import open_admin
    from ioruntime.model.identity import AuthKey, Owner

    key = AuthKey.parse(auth) if auth else None
    async with open_admin(settings) as admin:
        _show(await _told(org, int_, admin.namespaces.rotate_key(Owner.of(org, int_), key)), json=json)


async def _told(org: str, int_: str, work: Awaitable["Namespace"]) -> "Namespace":
    """Put what the store says no to in words that name what was asked for."""
    from ioruntime.model.errors import AlreadyExistsError, ConflictError, NotFoundError

    try:
        return await work
    except NotFoundError as error:
        raise NotFoundError(f"Integration {int_} of organization {org} has no namespace.") from error
    except AlreadyExistsError as error:
        raise ConflictError("The name or the key belongs to the namespace of another organization or integration.") from error


def _facts(namespace: "Namespace") -> dict[str, str]:
    return {"namespace": namespace.name, "orgId": namespace.owner.org_id, "intId": namespace.owner.int_id}


def _show(namespace: "Namespace", *, json: bool) -> None:
    facts = {**_facts(namespace), "auth": str(namespace.auth)}
    if json:
        print_json(facts)
    else:
        print_facts(facts)
