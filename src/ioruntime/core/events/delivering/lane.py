"""The deliveries of one registration: read ahead, sent several at once, settled behind.

Whoever hears an answer sends the next parcel of what was read ahead, so that most deliveries cost no task. Nobody waits
until an answer is written down; until it is, its delivery counts as on its way and is not read again.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import msgspec

from ioruntime.core.events.delivering.answer import Answer, Attempt, Receivers
from ioruntime.core.events.delivering.ledger import Ledger
from ioruntime.core.events.delivering.parcel import Parcel, pack
from ioruntime.core.events.delivering.schedule import UNEXPECTED, is_success
from ioruntime.core.events.delivering.settler import Settler
from ioruntime.core.events.delivering.watch import HealthWatch, Registrations
from ioruntime.model.errors import IoRuntimeError
from ioruntime.model.event import Delivery
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore, Lane

AT_ONCE = 8
"""Parcels on their way to one registration."""
AHEAD = 256
"""Deliveries read at once."""
_LOW = 128
"""Parcels that are left when more are read."""
_UNSETTLED_MOST = 1024
"""Answers that wait to be written down."""
_ASSESS_EVERY = 100
"""Failures, while a lane is at work without a break."""
_NOBODY = "The registration has no receiver any more."
_DEFECT = "The platform failed to deliver the event."


class DeliveryReporter(Protocol):
    """Hears of what could not be done, and is no receiver's fault."""

    def delivery_failed(self, namespace: str, registration_id: str, error: Exception, /) -> None: ...


class LaneParts(msgspec.Struct, frozen=True):
    """What delivering needs."""

    store: EventStore
    registrations: Registrations
    receivers: Receivers
    clock: Clock
    reporter: DeliveryReporter
    settler: Settler
    ledger: Ledger
    watch: HealthWatch


class LaneWork:
    """What is on its way to one registration."""

    def __init__(self, lane: Lane, parts: LaneParts) -> None:
        self._lane = lane
        self._parts = parts
        self._queue: deque[Parcel] = deque()
        self._on_the_way: set[int] = set()
        """Positions: read, and not settled."""
        self._unsettled = 0
        """Of these, sent."""
        self._next_ms: int | None = None
        """When something is due that was seen and not sent."""
        self._after: tuple[int, int] | None = None
        """Where to read on; None: from the beginning."""
        self._has_more = True
        self._flying = 0
        """Parcels without an answer."""
        self._tasks = asyncio.TaskGroup()
        self._changed = asyncio.Event()
        self._error: IoRuntimeError | None = None
        self._is_stopping = False
        self._failures = 0

    def __repr__(self) -> str:
        return f"<LaneWork [{len(self._on_the_way)} on the way, {len(self._queue)} parcels to send]>"

    @property
    def has_failures(self) -> bool:
        """Whether an attempt failed."""
        return self._failures > 0

    @property
    def is_woken(self) -> bool:
        """Whether more came that was not read."""
        return self._has_more

    def wake(self) -> None:
        """Hear that more came, or came to be due."""
        self._has_more = True
        self._changed.set()

    def stop(self) -> None:
        """Send nothing more."""
        self._is_stopping = True
        self._changed.set()

    async def deliver(self) -> int | None:
        """Deliver until nothing is due; return when the next is, None when nothing waits.

        Raises:
            IoRuntimeError: the store does not work; in a group.
        """
        async with self._tasks:
            while self._goes_on and (self._has_more or self._on_the_way):
                if self._has_more and len(self._queue) <= _LOW:
                    await self._read()
                self._send_next()
                if self._has_more and len(self._queue) <= _LOW:
                    continue
                if self._on_the_way:
                    await self._change()
            self._queue.clear()
            while self._flying:
                await self._change()
        if self._error is not None:
            raise self._error
        return self._next_ms

    @property
    def _goes_on(self) -> bool:
        return not self._is_stopping and self._error is None

    async def _change(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def _read(self) -> None:
        self._has_more = False
        before = frozenset(self._on_the_way)  # what is settled while the store is read may still be in what it answers
        limit = AHEAD if self._after else AHEAD + len(before)
        found = await self._parts.store.pending(self._lane, limit=limit, after=self._after)
        now_ms = self._parts.clock.now_ms()
        due = [delivery for delivery in found if delivery.next_ms <= now_ms and delivery.position not in before]
        self._plan(*(delivery.next_ms for delivery in found if delivery.next_ms > now_ms))
        is_full = len(found) == limit and found[-1].next_ms <= now_ms
        self._after = (found[-1].next_ms, found[-1].position) if is_full else None
        self._has_more = self._has_more or is_full
        if due:
            await self._pack(due)

    async def _pack(self, due: Sequence[Delivery]) -> None:
        registration = await self._parts.registrations.find(*self._lane)
        if registration is None:
            await self._parts.store.forget(self._lane)
            self._has_more = False
            return
        self._on_the_way.update(delivery.position for delivery in due)
        self._queue.extend(pack(registration, due))

    def _plan(self, *times_ms: int) -> None:
        self._next_ms = min((*times_ms, *(() if self._next_ms is None else (self._next_ms,))), default=None)

    def _send_next(self) -> None:
        while self._queue and self._goes_on and self._flying < AT_ONCE and self._unsettled <= _UNSETTLED_MOST:
            parcel, began_ms = self._queue.popleft(), self._parts.clock.now_ms()
            self._flying += 1
            self._unsettled += len(parcel.deliveries)
            if not self._parts.receivers.begin(parcel, partial(self._answered, parcel, began_ms)):
                self._tasks.create_task(self._send(parcel, began_ms), name=f"delivery {parcel.delivery_id}")

    async def _send(self, parcel: Parcel, began_ms: int) -> None:
        try:
            answer = await self._parts.receivers.send(parcel) or Answer(UNEXPECTED, _NOBODY)
        except Exception as error:  # noqa: BLE001  the operator sees it, and the trace says that it happened
            self._parts.reporter.delivery_failed(*self._lane, error)
            answer = Answer(UNEXPECTED, _DEFECT)
        self._answered(parcel, began_ms, answer)

    def _answered(self, parcel: Parcel, began_ms: int, answer: Answer) -> None:
        self._flying -= 1
        attempt = Attempt(parcel, answer, began_ms, self._parts.clock.now_ms())
        self._parts.ledger.note(self._lane, attempt)
        settlements = [attempt.settlement(delivery) for delivery in parcel.deliveries]
        if not is_success(answer.status):
            self._plan(*(each.next_ms for each in settlements if each.next_ms is not None))
            self._failed()
        self._parts.settler.add(settlements, partial(self._settled, parcel))
        self._send_next()
        if len(self._queue) <= _LOW:
            self._changed.set()

    def _settled(self, parcel: Parcel, error: IoRuntimeError | None) -> None:
        self._error = self._error or error
        self._unsettled -= len(parcel.deliveries)
        self._on_the_way.difference_update(delivery.position for delivery in parcel.deliveries)
        self._changed.set()

    def _failed(self) -> None:
        self._failures += 1
        if self._failures % _ASSESS_EVERY == 0 and self._goes_on:
            self._tasks.create_task(self._assess(), name=f"assess {self._lane.registration_id}")

    async def _assess(self) -> None:
        try:
            await self._parts.watch.assess(self._lane)
        except IoRuntimeError as error:
            self._error = self._error or error
            self._changed.set()
