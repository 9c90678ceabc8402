"""`ioruntime token`: a bearer token of the built-in issuer."""

import sys
from typing import Annotated

from cyclopts import Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import ANYWHERE, Json, Place, UsageError


async def token(
    *,
    org: Annotated[str, Parameter(help="Organization id; * is every one.")],
    int_: Annotated[str, Parameter(name="--int", help="Integration id; * is every one.")],
    client_id: Annotated[str | None, Parameter(help="Whom it is for, which X-Api-Key must repeat; ORG_INT by default.")] = None,
    ttl: Annotated[int, Parameter(help="Seconds that it is valid.")] = 86_400,
    scope: Annotated[
        tuple[str, ...], Parameter(negative="", help="A right beyond the namespace, such as admin; may be repeated.")
    ] = (),
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Print a bearer token; the namespace need not exist yet."""
    if ttl < 1:
        raise UsageError(f"--ttl must be 1 second or more, not {ttl}.")
    settings = place.settings()
    from ioruntime.app.admin import open_admin

    client = client_id or f"{org}_{int_}"
    async with open_admin(settings) as admin:
        bearer = admin.issuer.issue(org=org, integration=int_, client_id=client, ttl_s=ttl, scopes=scope)
    if json:
        print_json({"bearer": bearer, "apiKey": client, "expiresIn": ttl})
    else:
        print(f"To be sent with X-Api-Key: {client}", file=sys.stderr)
        print(bearer)
