"""Open what the settings say of the store: its database, its keys, its place for action code."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from ioruntime.app.secrets import build_sealer
from ioruntime.app.settings import Settings
from ioruntime.ports.blobs import BlobStore
from ioruntime.stores.blobs import FileBlobs
from ioruntime.stores.sql.blobs import SqlBlobs
from ioruntime.stores.sql.stores import SqlStores


def open_store(settings: Settings) -> AbstractAsyncContextManager[SqlStores]:
    """Open the database while the context lasts.

    Raises:
        SettingsError: the file of keys cannot be used.
        UnavailableError, SchemaError, InvalidError: the database cannot be used.
    """
    settings.keys.mkdir(parents=True, exist_ok=True)
    sealer = build_sealer(settings.secrets, settings.keys)
    return SqlStores.open(settings.store_url(), sealer=sealer, connections=settings.store.connections)


@asynccontextmanager
async def open_blobs(settings: Settings, stores: SqlStores) -> AsyncGenerator[BlobStore]:
    """Give what keeps action code: a directory, or the database that other machines see too."""
    directory = settings.store.blobs_dir
    if directory is None and not stores.engine.is_sqlite:
        yield SqlBlobs(stores.engine)
        return
    async with FileBlobs(directory or settings.data_dir / "blobs") as blobs:
        yield blobs
