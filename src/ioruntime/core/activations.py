"""Records of activations: written behind the answer, readable at once."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import NotFoundError, UnavailableError
from ioruntime.ports.activations import ActivationFilter, ActivationStore

_BATCH = 500
_PENDING_MOST = 50_000
_GONE_MOST = 10_000
"""Deleted namespaces that are remembered, for activations that end after them."""
_GATHER_S = 0.02
"""A transaction for each record alone would take the processor from the next request."""
_RETRY_S = (0.1, 0.5, 1.0, 2.0, 5.0)


class RecorderReporter(Protocol):
    """Hears of trouble with the store."""

    def store_failed(self, error: Exception, *, pending: int) -> None: ...


class Recorder:
    """Writes finished activations in batches, each one transaction; the fuller the queue, the larger the batch.

    Until a record is on disk it is read from here. When the store refuses (a full disk, say), records wait and are
    tried again; `check_room` then refuses new work before memory runs out.
    """

    def __init__(
        self,
        store: ActivationStore,
        reporter: RecorderReporter,
        *,
        gather_s: float = _GATHER_S,
        retry_s: Sequence[float] = _RETRY_S,
        on_written: Callable[[Sequence[Activation]], None] | None = None,
    ) -> None:
        """Write to `store`.

        Args:
            gather_s: how long a record may wait for company, unless somebody waits for it.
            retry_s: how long to wait after the first, second... refusal in a row; the last for all that follow.
            on_written: hears of each batch when it is on disk; of a record that was written again, again.
        """
        self._gather_s = gather_s
        self._store = store
        self._reporter = reporter
        self._retry_s = tuple(retry_s)
        self._on_written = on_written
        self._waiting: dict[ActivationId, Activation] = {}
        self._gone_ms: dict[str, int] = {}
        self._arrived = asyncio.Event()
        self._hurried = asyncio.Event()
        self._written = asyncio.Condition()
        self._closing = False
        self._failures = 0

    def record(self, activation: Activation) -> None:
        """Take a finished activation; it is readable from now on."""
        if activation.start_ms <= self._gone_ms.get(activation.namespace, -1):
            return  # of a namespace that was deleted meanwhile; one of the same name may be there again
        self._waiting[activation.activation_id] = activation
        self._arrived.set()
        if len(self._waiting) >= _BATCH:
            self._hurried.set()

    def find(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        """Return a record that may not be on disk yet."""
        activation = self._waiting.get(activation_id)
        return activation if activation is not None and activation.namespace == namespace else None

    def holds(self, activation_id: ActivationId) -> bool:
        """Tell whether a record waits here to be written."""
        return activation_id in self._waiting

    def check_room(self) -> None:
        """Let pass while records can be kept.

        Raises:
            UnavailableError: the store has refused too many.
        """
        if not self.has_room:
            raise UnavailableError

    @property
    def has_room(self) -> bool:
        """False when the store has refused so many records that no more can be kept."""
        return len(self._waiting) < _PENDING_MOST

    @property
    def pending(self) -> int:
        """How many records are not on disk yet."""
        return len(self._waiting)

    async def flushed(self) -> None:
        """Wait until everything recorded so far is on disk, or the store refuses."""
        recent = next(reversed(self._waiting), None)
        if recent is None:
            return
        failures = self._failures
        self._hurried.set()
        async with self._written:
            await self._written.wait_for(lambda: recent not in self._waiting or self._failures > failures)

    def forget(self, namespace: str, *, now_ms: int = -1) -> None:
        """Drop what waits for a namespace that is gone, and what began there before `now_ms` and ends later."""
        self._gone_ms.pop(namespace, None)
        self._gone_ms[namespace] = now_ms
        while len(self._gone_ms) > _GONE_MOST:
            del self._gone_ms[next(iter(self._gone_ms))]
        for stale in [key for key, activation in self._waiting.items() if activation.namespace == namespace]:
            del self._waiting[stale]

    async def run(self) -> None:
        """Write until `close`, and then what is left."""
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._gather()
                if not await self._write_batch() and self._closing and self._failures > len(self._retry_s):
                    return
            await self._announce()

    def close(self) -> None:
        """Let `run` end when all is written; after repeated refusals it gives up."""
        self._closing = True
        self._arrived.set()
        self._hurried.set()

    async def _gather(self) -> None:
        """Let more records arrive, unless a batch is full or somebody waits for what is there."""
        if not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._gather_s):
                    await self._hurried.wait()
            self._hurried.clear()

    async def _write_batch(self) -> bool:
        batch = [activation for activation, _ in zip(self._waiting.values(), range(_BATCH), strict=False)]
        try:
            await self._store.record(batch)
        except UnavailableError as error:
            self._failures += 1
            self._reporter.store_failed(error, pending=len(self._waiting))
            await self._announce()
            await asyncio.sleep(self._retry_s[min(self._failures, len(self._retry_s)) - 1])
            return False
        self._failures = 0
        for activation in batch:
            if self._waiting.get(activation.activation_id) is activation:
                del self._waiting[activation.activation_id]
        if self._on_written is not None:
            self._on_written(batch)
        await self._announce()
        return True

    async def _announce(self) -> None:
        async with self._written:
            self._written.notify_all()


class Activations:
    """Reads records: what waits to be written, then what is stored."""

    def __init__(self, store: ActivationStore, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder

    async def read(self, namespace: str, activation_id: ActivationId) -> Activation:
        """Return one record.

        Raises:
            NotFoundError: there is none in this namespace.
        """
        found = self._recorder.find(namespace, activation_id) or await self._store.read(namespace, activation_id)
        if found is None:
            raise NotFoundError
        return found

    async def list(self, wanted: ActivationFilter, *, skip: int, limit: int, full: bool = False) -> Sequence[Activation]:
        """List newest start first; results and logs only when `full`."""
        await self._recorder.flushed()
        return await self._store.list(wanted, skip=skip, limit=limit, full=full)

    async def count(self, wanted: ActivationFilter) -> int:
        await self._recorder.flushed()
        return await self._store.count(wanted)
