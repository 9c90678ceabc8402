"""What the administration commands use: the store and the keys, whether a server runs on them or not."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from ioruntime.app.auditing import Auditor
from ioruntime.app.clock import SystemClock
from ioruntime.app.events.keys import add_event_key
from ioruntime.app.secrets import add_key, build_sealer, keys_file
from ioruntime.app.settings import Settings, SettingsError
from ioruntime.core.namespaces import Namespaces
from ioruntime.faces.adobe.audit import AdminChange
from ioruntime.model.limits import Limits
from ioruntime.stores.sql.migrate import SchemaState, migrate
from ioruntime.stores.sql.reseal import reseal
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.tokens.clients import ClientRegistry
from ioruntime.tokens.issuer import BuiltInIssuer


class _Audited:
    """Nobody in this process remembers anything: a running server follows the store's changes. But they are told."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def namespace_changed(self, name: str) -> None:
        self._tell("key or limits changed", name)

    def namespace_deleted(self, name: str) -> None:
        self._tell("namespace deleted", name)

    def _tell(self, what: str, namespace: str) -> None:
        if self._file is not None:  # without one there is nobody to tell: whoever typed the command knows
            Auditor(self._file).changed(AdminChange(what=what, namespace=namespace, who=f"user {os.geteuid()} of this machine"))


class Admin:
    """Use cases of an operator."""

    def __init__(self, namespaces: Namespaces, issuer: BuiltInIssuer, limits: Limits) -> None:
        self.namespaces = namespaces
        self.issuer = issuer
        self.limits = limits


@asynccontextmanager
async def open_admin(settings: Settings) -> AsyncGenerator[Admin]:
    """Open the store that the settings name.

    Raises:
        SchemaError, UnavailableError: it cannot be used.
    """
    for folder in (settings.data_dir, settings.keys):
        folder.mkdir(parents=True, exist_ok=True)
    async with SqlStores.open(settings.store_url(), sealer=build_sealer(settings.secrets, settings.keys)) as stores:
        grace_s = settings.auth.key_grace_s
        namespaces = Namespaces(
            stores.namespaces, clock=SystemClock(), listener=_Audited(settings.log.audit_file), key_grace_s=grace_s
        )
        yield Admin(namespaces, BuiltInIssuer(settings.keys), settings.limits.effective())


async def migrate_store(settings: Settings) -> SchemaState:
    """Bring the store to this version's schema; return what it was at before."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return await migrate(settings.store_url())


async def rotate_secrets(settings: Settings) -> tuple[str, int]:
    """Put a new key to use and encrypt everything with it; return its id, and how many documents were written.

    Servers that run read the new key when they meet it, and may write a little with the old one until then.

    Raises:
        SettingsError: encryption is switched off, or the file of keys cannot be used.
        SchemaError, UnavailableError, CorruptError: the store cannot be used.
    """
    if not settings.secrets.encrypt:
        raise SettingsError("secrets.encrypt is false: there is no key in use that could be replaced.")
    settings.keys.mkdir(parents=True, exist_ok=True)
    key = add_key(keys_file(settings.secrets, settings.keys))
    sealer = build_sealer(settings.secrets, settings.keys)
    async with SqlStores.open(settings.store_url(), sealer=sealer) as stores:
        await asyncio.to_thread(ClientRegistry(settings.data_dir, sealer).reseal)
        return key.id, await reseal(stores.engine, sealer)


def rotate_event_keys(settings: Settings) -> str:
    """Put a new key for signatures of webhooks to use; return the path at which its public half is served.

    Servers that run see it within a second; the newest key of before goes on to sign beside it.

    Raises:
        CorruptError: the file of keys cannot be read.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return add_event_key(settings.data_dir).path
