"""Give disk back: records and events older than their retention times, and code that no action refers to any more."""

import asyncio
from contextlib import suppress

import msgspec

from ioruntime.core.events.journal import KEPT_DAYS
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.blobs import BlobStore
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore
from ioruntime.ports.events import EventStore

_EVERY_S = 600.0
_BATCH = 5_000
_BLOB_AGE_S = 3_600.0
_DAY_MS = 86_400_000


class Shelves(msgspec.Struct, frozen=True):
    """Where things get old."""

    activations: ActivationStore
    events: EventStore
    entities: EntityStore
    blobs: BlobStore


async def keep_tidy(shelves: Shelves, clock: Clock, *, retention_days: float) -> None:
    """Tidy up, for ever, every ten minutes; in small steps, so that other writers get their turns."""
    while True:
        with suppress(UnavailableError):  # a store that is away for a while; who writes to it tells the operator
            await tidy(shelves, clock, retention_days=retention_days)
        await asyncio.sleep(_EVERY_S)


async def tidy(shelves: Shelves, clock: Clock, *, retention_days: float) -> None:
    """Delete what is too old and what nobody refers to.

    Args:
        retention_days: of activations; events have their own time.
    """
    now_ms = clock.now_ms()
    # Each step is a transaction of its own, so that other writers get their turns.
    while await shelves.activations.delete_before(now_ms - round(retention_days * _DAY_MS), most=_BATCH) == _BATCH:
        pass
    while await shelves.events.delete_before(now_ms - round(KEPT_DAYS * _DAY_MS), most=_BATCH) == _BATCH:
        pass
    await shelves.blobs.sweep(await shelves.entities.code_digests(), older_than_s=_BLOB_AGE_S)
