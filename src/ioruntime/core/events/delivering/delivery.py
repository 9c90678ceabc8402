"""Delivers what is due, each registration in a lane of its own, so that a slow or dead receiver delays nobody else.

A delivery leaves the store when its receiver has answered, not before: whatever happens to this process, every event
arrives at least once, or ends among the dead letters.
"""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Self

from ioruntime.core.events.delivering.answer import Receivers
from ioruntime.core.events.delivering.lane import DeliveryReporter, LaneParts, LaneWork
from ioruntime.core.events.delivering.ledger import EVERY_S, Ledger
from ioruntime.core.events.delivering.settler import GATHER_S, Settler
from ioruntime.core.events.delivering.watch import HealthWatch, Registrations
from ioruntime.model.errors import IoRuntimeError
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane

_WAIT_MOST_S = 30.0
"""The wall clock may be set; so it is looked at this often."""
_RETRY_MS = 1000


class Deliverer:
    """Looks after all lanes; a context manager, which at its end breaks off what is on its way."""

    def __init__(
        self,
        *,
        store: EventStore,
        registrations: Registrations,
        receivers: Receivers,
        clock: Clock,
        reporter: DeliveryReporter,
        gather_s: float = GATHER_S,
    ) -> None:
        """
        Args:
            gather_s: how long answers are gathered before they are written down.
        """
        self.ledger = Ledger(store)
        self._watch = HealthWatch(registrations=registrations, ledger=self.ledger, clock=clock)
        self._settler = Settler(store, gather_s=gather_s)
        self._parts = LaneParts(store, registrations, receivers, clock, reporter, self._settler, self.ledger, self._watch)
        self._store = store
        self._clock = clock
        self._reporter = reporter
        self._due: dict[Lane, int] = {}
        self._working: dict[Lane, LaneWork] = {}
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._rested = asyncio.Event()
        self._rested.set()
        self._stopping = False
        self._written_s = 0.0
        self._tasks = asyncio.TaskGroup()

    def __repr__(self) -> str:
        return f"<Deliverer [{len(self._working)} lanes at work, {len(self._due)} waiting]>"

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.create_task(self._settler.run(), name="settle deliveries")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        for task in self._lanes.values():
            task.cancel()
        self._settler.close()
        await self._tasks.__aexit__(None, None, None)
        await self._write()

    def wake(self, lanes: Collection[Lane]) -> None:
        """Hear that there is something to deliver."""
        for lane in lanes:
            work = self._working.get(lane)
            if work is not None:
                work.wake()
            else:
                self._due[lane] = 0
        if lanes:
            self._woken.set()

    async def run(self) -> None:
        """Deliver until `stop`, beginning with what earlier processes left."""
        await self._load()
        while not self._stopping:
            self.tick()
            await self._wait()

    async def load(self) -> None:
        """Take up what the store has.

        Raises:
            UnavailableError: the store cannot be read.
        """
        self.wake(await self._store.lanes())

    def tick(self) -> None:
        """Set every lane to work that has something due, and is not at work."""
        now_ms = self._clock.now_ms()
        for lane, due_ms in list(self._due.items()):
            if due_ms <= now_ms and lane not in self._working and not self._stopping:
                del self._due[lane]
                work = self._working[lane] = LaneWork(lane, self._parts)
                self._rested.clear()
                task = self._tasks.create_task(self._work(lane, work), name=f"deliver to {lane.registration_id}")
                self._lanes[lane] = task

    async def drained(self) -> None:
        """Wait until no lane is at work."""
        await self._rested.wait()

    def stop(self) -> None:
        """Start nothing more; what is on its way goes on."""
        self._stopping = True
        self._woken.set()
        for work in self._working.values():
            work.stop()

    async def _load(self) -> None:
        while not self._stopping:
            try:
                await self.load()
            except IoRuntimeError as error:
                self._reporter.delivery_failed("*", "*", error)
                await asyncio.sleep(_RETRY_MS / 1000)
            else:
                return

    async def _wait(self) -> None:
        idle = [due_ms for lane, due_ms in self._due.items() if lane not in self._working]
        most_s = _WAIT_MOST_S if self.ledger.is_written and not self._working else EVERY_S
        wait_s = min([most_s, *((due_ms - self._clock.now_ms()) / 1000 for due_ms in idle)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._woken.wait()
        self._woken.clear()
        await self._write_now_and_then()

    async def _write_now_and_then(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._written_s >= EVERY_S:
            self._written_s = now_s
            await self._write()

    async def _write(self) -> None:
        try:
            await self.ledger.write()
        except IoRuntimeError as error:
            self._reporter.delivery_failed("*", "*", error)

    async def _work(self, lane: Lane, work: LaneWork) -> None:
        try:
            next_ms = await work.deliver()
            if next_ms is not None:
                self._due[lane] = min(next_ms, self._due.get(lane, next_ms))
            await self._watch.rested(lane, has_failures=work.has_failures)
        except* IoRuntimeError as group:
            for error in group.exceptions:
                self._reporter.delivery_failed(*lane, error)
            self._due[lane] = self._clock.now_ms() + _RETRY_MS
        finally:
            del self._working[lane]
            del self._lanes[lane]
            if work.is_woken and not self._stopping:
                self._due.setdefault(lane, 0)
            self._woken.set()
            if not self._working:
                self._rested.set()
