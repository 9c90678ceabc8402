"""Give disk back: records older than the retention time, and code that no action refers to any more."""

import asyncio

from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.blobs import BlobStore
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore

_EVERY_S = 600.0
_BATCH = 5_000
_BLOB_AGE_S = 3_600.0
_DAY_MS = 86_400_000


async def keep_tidy(
    activations: ActivationStore, entities: EntityStore, blobs: BlobStore, clock: Clock, *, retention_days: float
) -> None:
    """Tidy up, for ever, every ten minutes; in small steps, so that other writers get their turns."""
    while True:
        await tidy(activations, entities, blobs, clock, retention_days=retention_days)
        await asyncio.sleep(_EVERY_S)


async def tidy(
    activations: ActivationStore, entities: EntityStore, blobs: BlobStore, clock: Clock, *, retention_days: float
) -> None:
    """Delete what is too old and what nobody refers to."""
    before_ms = clock.now_ms() - round(retention_days * _DAY_MS)
    while await activations.delete_before(before_ms, most=_BATCH) == _BATCH:
        pass  # each step is a transaction of its own, so that other writers get their turns
    await blobs.sweep(await entities.code_digests(), older_than_s=_BLOB_AGE_S)
