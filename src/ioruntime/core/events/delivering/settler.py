"""Writes what became of deliveries, of all lanes together, while the next ones are already on their way."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ioruntime.model.errors import IoRuntimeError, UnavailableError
from ioruntime.ports.events import EventStore, Settlement

Told: TypeAlias = Callable[[IoRuntimeError | None], None]
"""Hears that settlements are on stable storage, or why they are not."""


GATHER_S = 0.02


class _Waiting(NamedTuple):
    settlements: Sequence[Settlement]
    told: Told


class Settler:
    """Collects settlements while a batch is written, and writes them as the next."""

    def __init__(self, store: EventStore, *, gather_s: float = GATHER_S) -> None:
        """
        Args:
            gather_s: how long a batch is gathered, so that there are few; nobody waits for it.
        """
        self._store = store
        self._gather_s = gather_s
        self._waiting: list[_Waiting] = []
        self._woken = asyncio.Event()
        self._is_closing = False

    def __repr__(self) -> str:
        return f"<Settler [{len(self._waiting)} parcels to settle]>"

    def add(self, settlements: Sequence[Settlement], told: Told) -> None:
        """Have them written; `told` is called once, soon."""
        self._waiting.append(_Waiting(settlements, told))
        self._woken.set()

    def close(self) -> None:
        """Let `run` end when everything is written."""
        self._is_closing = True
        self._woken.set()

    async def run(self) -> None:
        """Write until `close`."""
        while not (self._is_closing and not self._waiting):
            await self._woken.wait()
            self._woken.clear()
            if self._gather_s and not self._is_closing:
                await asyncio.sleep(self._gather_s)
            batch, self._waiting = self._waiting, []
            if batch:
                await self._write(batch)

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        failure: IoRuntimeError | None = UnavailableError()
        try:
            await self._store.settle([each for waiting in batch for each in waiting.settlements])
            failure = None
        except IoRuntimeError as error:
            failure = error
        finally:
            for waiting in batch:
                waiting.told(failure)
