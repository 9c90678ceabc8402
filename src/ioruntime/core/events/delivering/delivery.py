"""Delivers what is due, each registration in a lane of its own, so that a slow or dead receiver delays nobody else.

A delivery leaves the store when its receiver has answered, not before: whatever happens to this process, every event
arrives at least once, or ends among the dead letters.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, Self

import msgspec

from ioruntime.core.events.delivering.parcel import Parcel, pack
from ioruntime.core.events.delivering.schedule import UNEXPECTED, judge
from ioruntime.model.errors import IoRuntimeError
from ioruntime.model.event import Delivery, Registration, Trace
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane, Settlement

AT_ONCE = 8
"""Parcels on their way to one registration."""
_AHEAD = 64
_WAIT_MOST_S = 30.0
"""The wall clock may be set; so it is looked at this often."""
_RETRY_MS = 1000
_SHOWN = 64 * 1024
_NOBODY = "The registration has no receiver any more."


class Answer(msgspec.Struct, frozen=True):
    """What a receiver said."""

    status: int
    request: str
    response: str


class Receivers(Protocol):
    """Brings parcels to runtime actions and webhooks."""

    async def send(self, parcel: Parcel) -> Answer | None:
        """Return what came back, with a pseudo status where nothing did; None: the registration names no receiver."""
        ...


class Finding(Protocol):
    """The registrations."""

    async def find(self, namespace: str, registration_id: str) -> Registration | None:
        """Return a registration, None when it is gone."""
        ...


class DeliveryReporter(Protocol):
    """Hears of what could not be done, and is no receiver's fault."""

    def delivery_failed(self, namespace: str, registration_id: str, error: Exception, /) -> None: ...


class Deliverer:
    """Looks after all lanes; a context manager, which at its end breaks off what is on its way."""

    def __init__(
        self, *, store: EventStore, registrations: Finding, receivers: Receivers, clock: Clock, reporter: DeliveryReporter
    ) -> None:
        self._store = store
        self._registrations = registrations
        self._receivers = receivers
        self._clock = clock
        self._reporter = reporter
        self._due: dict[Lane, int] = {}
        self._working: dict[Lane, _Work] = {}
        self._woken = asyncio.Event()
        self._rested = asyncio.Event()
        self._rested.set()
        self._stopping = False
        self._tasks = asyncio.TaskGroup()

    def __repr__(self) -> str:
        return f"<Deliverer [{len(self._working)} lanes at work, {len(self._due)} waiting]>"

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        for work in self._working.values():
            if work.task is not None:
                work.task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def wake(self, lanes: Collection[Lane]) -> None:
        """Hear that there is something to deliver."""
        for lane in lanes:
            self._due[lane] = 0
            if lane in self._working:
                self._working[lane].changed.set()
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
                work = self._working[lane] = _Work()
                self._rested.clear()
                work.task = self._tasks.create_task(self._work(lane, work), name=f"deliver to {lane.registration_id}")

    async def drained(self) -> None:
        """Wait until no lane is at work."""
        await self._rested.wait()

    def stop(self) -> None:
        """Start nothing more; what is on its way goes on."""
        self._stopping = True
        self._woken.set()
        for work in self._working.values():
            work.changed.set()

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
        wait_s = min([_WAIT_MOST_S, *((due_ms - self._clock.now_ms()) / 1000 for due_ms in idle)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._woken.wait()
        self._woken.clear()

    async def _work(self, lane: Lane, work: "_Work") -> None:
        try:
            next_ms = await self._deliver(lane, work)
            if next_ms is not None:
                self._due[lane] = min(next_ms, self._due.get(lane, next_ms))
        except* IoRuntimeError as group:
            for error in group.exceptions:
                self._reporter.delivery_failed(*lane, error)
            self._due[lane] = self._clock.now_ms() + _RETRY_MS
        finally:
            del self._working[lane]
            self._woken.set()
            if not self._working:
                self._rested.set()

    async def _deliver(self, lane: Lane, work: "_Work") -> int | None:
        """Deliver until nothing is due; return when the next is, None when nothing waits."""
        slots = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping and work.error is None:
                work.changed.clear()
                self._due.pop(lane, None)
                waiting = await self._waiting(lane, work)
                due = [delivery for delivery in waiting if delivery.next_ms <= self._clock.now_ms()]
                if not due and not work.on_the_way:
                    return min((delivery.next_ms for delivery in waiting), default=None)
                for parcel in await self._parcels(lane, due):
                    await slots.acquire()
                    if self._stopping or work.error is not None:
                        break
                    work.start(parcel.deliveries)
                    tasks.create_task(self._try(parcel, work, slots), name=f"delivery {parcel.delivery_id}")
                if not due:
                    await work.changed.wait()
        if work.error is not None:
            raise work.error
        return 0

    async def _waiting(self, lane: Lane, work: "_Work") -> list[Delivery]:
        # What is settled while the store is read may still be in what it answers.
        before = frozenset(work.on_the_way)
        pending = await self._store.pending(lane, limit=_AHEAD + len(before))
        return [delivery for delivery in pending if delivery.position not in before]

    async def _parcels(self, lane: Lane, due: Sequence[Delivery]) -> Iterable[Parcel]:
        if not due:
            return ()
        registration = await self._registrations.find(*lane)
        if registration is None:
            await self._store.forget(lane)
            return ()
        return pack(registration, due)

    async def _try(self, parcel: Parcel, work: "_Work", slots: asyncio.Semaphore) -> None:
        try:
            began_ms = self._clock.now_ms()
            answer = await self._send(parcel)
            now_ms = self._clock.now_ms()
            await self._store.settle([_settlement(parcel, each, answer, began_ms, now_ms) for each in parcel.deliveries])
        except IoRuntimeError as error:
            work.error = error
        finally:
            slots.release()
            work.end(parcel.deliveries)

    async def _send(self, parcel: Parcel) -> Answer:
        try:
            return await self._receivers.send(parcel) or Answer(UNEXPECTED, "", _NOBODY)
        except Exception as error:  # noqa: BLE001  the operator sees it, and the trace says that it happened
            self._reporter.delivery_failed(parcel.registration.namespace, parcel.registration.registration_id, error)
            return Answer(UNEXPECTED, "", "The platform failed to deliver the event.")


class _Work:
    """What is on its way in a lane."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()
        """Something arrived, or came to be due."""
        self.on_the_way: set[int] = set()
        self.error: IoRuntimeError | None = None
        """The store did not work: the lane rests for a while."""

    def start(self, deliveries: Iterable[Delivery]) -> None:
        self.on_the_way.update(delivery.position for delivery in deliveries)

    def end(self, deliveries: Iterable[Delivery]) -> None:
        self.on_the_way.difference_update(delivery.position for delivery in deliveries)
        self.changed.set()


def _settlement(parcel: Parcel, delivery: Delivery, answer: Answer, began_ms: int, now_ms: int) -> Settlement:
    verdict = judge(delivery, answer.status, now_ms)
    trace = Trace(
        registration_id=delivery.registration_id,
        event_id=delivery.event.event_id,
        delivery_id=parcel.delivery_id,
        attempt=delivery.attempt,
        at_ms=began_ms,
        took_ms=now_ms - began_ms,
        status=answer.status,
        request=answer.request[:_SHOWN],
        response=answer.response[:_SHOWN],
    )
    return Settlement(delivery=delivery, trace=trace, next_ms=verdict.next_ms, is_dead=verdict.is_dead)
