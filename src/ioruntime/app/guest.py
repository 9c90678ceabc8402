"""The namespace of a first start, and the file that tells its credentials."""

import json
import os
from pathlib import Path

from ioruntime.app.settings import Settings
from ioruntime.core.namespaces import Namespaces
from ioruntime.model.errors import NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.tokens.clients import ClientRegistry
from ioruntime.tokens.issuer import BuiltInIssuer

GUEST = Owner("guest", "guest")
_BEARER_TTL_S = 24 * 3600
_SCOPES = ("admin",)


def credentials_path(settings: Settings) -> Path:
    return settings.data_dir / "credentials.json"


async def provide_guest(settings: Settings, namespaces: Namespaces, *, is_new: bool) -> Namespace | None:
    """Create the guest namespace of an empty store; return it when it is there.

    Args:
        settings: `guest_auth` fixes its key, now and on later starts.
        is_new: True when the store was never written to.
    """
    auth = AuthKey.parse(settings.guest_auth) if settings.guest_auth else None
    if is_new:
        return await namespaces.create(GUEST, name="guest", auth=auth)
    try:
        guest = await namespaces.read(GUEST)
    except NotFoundError:
        return None
    return guest if auth is None or guest.auth == auth else await namespaces.rotate_key(GUEST, auth)


def write_credentials(settings: Settings, url: str, guest: Namespace, clients: ClientRegistry, issuer: BuiltInIssuer) -> None:
    """Write `credentials.json`, readable by its owner only, with a fresh bearer token."""
    client = clients.ensure(org=GUEST.org_id, integration=GUEST.int_id, scopes=_SCOPES)
    bearer = issuer.issue(org=GUEST.org_id, integration=GUEST.int_id, client_id=client, ttl_s=_BEARER_TTL_S, scopes=_SCOPES)
    content = {
        "apihost": url,
        "namespace": guest.name,
        "auth": str(guest.auth),
        "orgId": GUEST.org_id,
        "intId": GUEST.int_id,
        "apiKey": client,
        "bearer": bearer,
    }
    path = credentials_path(settings)
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    temporary.replace(path)
