"""Who may ask the built-in issuer for tokens: `clients.json` in the data directory, secrets as their SHA-256.

Secrets are 256 random bits, so a plain digest gives nothing to guess at.
"""

import asyncio
import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec

from ioruntime.model.errors import AlreadyExistsError, CorruptError, InvalidCredentialsError, InvalidError
from ioruntime.tokens.files import write_private

CLIENTS_FILE = "clients.json"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A program with credentials of its own."""

    client_id: str
    """Comes as `X-Api-Key` with every request that brings one of its tokens."""
    secret_sha256: str
    org_id: str = msgspec.field(name="org")
    int_id: str = msgspec.field(name="int")
    scopes: frozenset[str] = frozenset()
    """The most that its tokens may allow."""


class ClientRegistry:
    """The clients of one data directory. One process at a time may add to it."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / CLIENTS_FILE

    def create(
        self, *, org: str, integration: str, scopes: Iterable[str] = (), client_id: str | None = None
    ) -> tuple[Client, str]:
        """Add a client; return it with its secret, which is not kept and cannot be had again.

        Raises:
            AlreadyExistsError: there is a client with this id.
            InvalidError: the file cannot be read.
        """
        clients = self._read()
        chosen = client_id or secrets.token_hex(16)
        if chosen in clients:
            raise AlreadyExistsError
        secret = secrets.token_urlsafe(32)
        client = Client(client_id=chosen, secret_sha256=_digest(secret), org_id=org, int_id=integration, scopes=frozenset(scopes))
        write_private(self._path, _encode([*clients.values(), client]))
        return client, secret

    def of_owner(self, org: str, integration: str) -> Client | None:
        """Return the first client that was made for this organization's integration.

        Raises:
            InvalidError: the file cannot be read.
        """
        return next((c for c in self._read().values() if (c.org_id, c.int_id) == (org, integration)), None)

    async def authenticate(self, client_id: str, secret: str) -> Client:
        """Return the client with these credentials, as the file has it now.

        Raises:
            InvalidCredentialsError: there is none.
            CorruptError: the file cannot be read.
        """
        try:
            client = (await asyncio.to_thread(self._read)).get(client_id)
        except InvalidError as error:
            raise CorruptError from error
        stored = client.secret_sha256 if client is not None else _digest("")
        if not hmac.compare_digest(stored.encode(), _digest(secret).encode()) or client is None:
            raise InvalidCredentialsError
        return client

    def _read(self) -> dict[str, Client]:
        try:
            clients = msgspec.json.decode(self._path.read_bytes(), type=list[Client])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidError(f"{self._path} is no list of clients: {error}") from error
        return {client.client_id: client for client in clients}


def _encode(clients: list[Client]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(clients, order="deterministic"), indent=2)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
