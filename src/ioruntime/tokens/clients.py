"""Who may ask the built-in issuer for tokens: `clients.json` in the data directory, secrets as their SHA-256.

Secrets are 256 random bits, so a plain digest gives nothing to guess at. Beside it the secret lies sealed, for signatures
that the client checks with it.
"""

import asyncio
import base64
import hmac
import secrets
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import msgspec

from ioruntime.model.errors import AlreadyExistsError, CorruptError, InvalidCredentialsError, InvalidError
from ioruntime.model.identity import Owner
from ioruntime.tokens.files import write_private

CLIENTS_FILE = "clients.json"
_REMEMBERED_S = 1.0


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A program with credentials of its own."""

    client_id: str
    """Comes as `X-Api-Key` with every request that brings one of its tokens."""
    secret_sha256: str
    sealed_secret: str | None = None
    """Base64; None: the secret is not kept."""
    org_id: str = msgspec.field(name="org")
    int_id: str = msgspec.field(name="int")
    scopes: frozenset[str] = frozenset()
    """The most that its tokens may allow."""


class Box(Protocol):
    """Encrypts what is kept."""

    def seal(self, document: bytes, *, place: str) -> bytes:
        """Return what is to be stored at `place`."""
        ...

    def open(self, stored: bytes, *, place: str) -> bytes:
        """Undo `seal`."""
        ...


class ClientRegistry:
    """The clients of one data directory. One process at a time may add to it."""

    def __init__(self, data_dir: Path, box: Box | None = None) -> None:
        """
        Args:
            box: None: secrets are not kept.
        """
        self._path = data_dir / CLIENTS_FILE
        self._box = box
        self._known: tuple[float, dict[str, Client]] = (0.0, {})

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
        client = Client(
            client_id=chosen,
            secret_sha256=_digest(secret),
            sealed_secret=self._sealed(chosen, secret),
            org_id=org,
            int_id=integration,
            scopes=frozenset(scopes),
        )
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

    async def secret(self, client_id: str, owner: Owner) -> str | None:
        """Return the secret of a client of this owner, as the file had it a second ago; None when it is not known.

        Raises:
            CorruptError: it cannot be read.
        """
        try:
            client = (await self._recent()).get(client_id)
        except InvalidError as error:
            raise CorruptError from error
        is_theirs = client is not None and (client.org_id, client.int_id) == (owner.org_id, owner.int_id)
        if client is None or not is_theirs or client.sealed_secret is None or self._box is None:
            return None
        return self._box.open(base64.b64decode(client.sealed_secret), place=_place(client_id)).decode()

    def reseal(self) -> None:
        """Seal what is kept with the newest key.

        Raises:
            InvalidError, CorruptError: the file cannot be read.
        """
        clients = [self._resealed(client) for client in self._read().values()]
        if clients:
            write_private(self._path, _encode(clients))

    def _resealed(self, client: Client) -> Client:
        if client.sealed_secret is None or self._box is None:
            return client
        secret = self._box.open(base64.b64decode(client.sealed_secret), place=_place(client.client_id)).decode()
        return msgspec.structs.replace(client, sealed_secret=self._sealed(client.client_id, secret))

    def _sealed(self, client_id: str, secret: str) -> str | None:
        if self._box is None:
            return None
        return base64.b64encode(self._box.seal(secret.encode(), place=_place(client_id))).decode()

    async def _recent(self) -> dict[str, Client]:
        at_s, clients = self._known
        now_s = time.monotonic()
        if now_s - at_s > _REMEMBERED_S or not at_s:
            clients = await asyncio.to_thread(self._read)
            self._known = (now_s, clients)
        return clients

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


def _place(client_id: str) -> str:
    return f"client {client_id}"


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
