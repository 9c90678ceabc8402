"""The namespace of a first start, and the file that tells its credentials."""

from pathlib import Path

import msgspec

from ioruntime.app.settings import Settings
from ioruntime.app.tokens import Tokens
from ioruntime.core.namespaces import Namespaces
from ioruntime.model.errors import NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.tokens.clients import ClientRegistry
from ioruntime.tokens.files import write_private

GUEST = Owner("guest", "guest")
_BEARER_TTL_S = 24 * 3600
_SCOPES = ("admin",)


class Credentials(msgspec.Struct, frozen=True, rename="camel"):
    """What a developer needs to use the namespace of a first start."""

    apihost: str
    namespace: str
    auth: str
    org_id: str
    int_id: str
    api_key: str
    bearer: str
    """Valid for 24 hours from the start of the server."""
    client_secret: str = ""
    """For `POST /ims/token/v3`, beside the API key as client id."""


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


def write_credentials(settings: Settings, url: str, guest: Namespace, tokens: Tokens) -> None:
    """Write `credentials.json`, readable by its owner only, with a fresh bearer token."""
    path = credentials_path(settings)
    client_id, secret = _client(path, tokens.clients)
    bearer = tokens.issuer.issue(
        org=GUEST.org_id, integration=GUEST.int_id, client_id=client_id, ttl_s=_BEARER_TTL_S, scopes=_SCOPES
    )
    credentials = Credentials(
        apihost=url,
        namespace=guest.name,
        auth=str(guest.auth),
        org_id=GUEST.org_id,
        int_id=GUEST.int_id,
        api_key=client_id,
        client_secret=secret,
        bearer=bearer,
    )
    write_private(path, msgspec.json.format(msgspec.json.encode(credentials), indent=1) + b"\n")


def _client(path: Path, clients: ClientRegistry) -> tuple[str, str]:
    """Return the guest's client with its secret, which only the file of an earlier start knows; else make a new one."""
    existing = clients.of_owner(GUEST.org_id, GUEST.int_id)
    if existing is not None:
        try:
            earlier = msgspec.json.decode(path.read_bytes(), type=Credentials)
        except (OSError, msgspec.DecodeError):
            return existing.client_id, ""
        return existing.client_id, earlier.client_secret if earlier.api_key == existing.client_id else ""
    client, secret = clients.create(org=GUEST.org_id, integration=GUEST.int_id, scopes=_SCOPES)
    return client.client_id, secret
