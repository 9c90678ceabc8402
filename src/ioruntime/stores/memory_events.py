"""Events as lists in memory: for tests and small experiments."""

from collections.abc import Callable, Sequence

import msgspec

from ioruntime.model.event import Delivery, JournalEntry, Trace
from ioruntime.ports.events import TRACES_KEPT, Addressed, Attempts, Count, Lane, Settlement, Which


class MemoryEvents:
    """The `EventStore` of one process."""

    def __init__(self, has_namespace: Callable[[str], bool]) -> None:
        self._has_namespace = has_namespace
        self._last_position = 0
        self._journal: dict[int, tuple[Lane, JournalEntry]] = {}
        self._pending: dict[int, Delivery] = {}
        self._dead: dict[int, Delivery] = {}
        self._traces: list[tuple[Lane, Trace]] = []
        self._counts: dict[tuple[Lane, int], Count] = {}

    async def append(self, addressed: Sequence[Addressed]) -> None:
        for each in addressed:
            if self._has_namespace(each.namespace):
                self._append(each)

    async def journal(self, lane: Lane, *, after: int, limit: int) -> Sequence[JournalEntry]:
        return [entry for entry in self._entries(lane) if entry.position > after][:limit]

    async def position_at(self, lane: Lane, at_ms: int) -> int:
        earlier = [(entry.event.received_ms, entry.position) for entry in self._entries(lane) if entry.event.received_ms < at_ms]
        return max(earlier)[1] if earlier else 0

    async def newest(self, lane: Lane) -> int:
        return max((entry.position for entry in self._entries(lane)), default=0)

    async def lanes(self) -> Sequence[Lane]:
        return list({_lane_of(delivery) for delivery in self._pending.values()})

    async def pending(self, lane: Lane, *, limit: int, after: tuple[int, int] | None = None) -> Sequence[Delivery]:
        found = [
            each
            for each in self._pending.values()
            if _lane_of(each) == lane and (after is None or (each.next_ms, each.position) > after)
        ]
        return sorted(found, key=lambda delivery: (delivery.next_ms, delivery.position))[:limit]

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            self._settle(settlement)

    async def dead_letters(self, lane: Lane, *, limit: int) -> Sequence[Delivery]:
        found = [delivery for delivery in self._dead.values() if _lane_of(delivery) == lane]
        return sorted(found, key=lambda delivery: delivery.position)[:limit]

    async def revive(self, lane: Lane, which: Which = Which(), *, now_ms: int) -> int:  # noqa: B008 - frozen
        found = [each for each in self._dead.values() if _lane_of(each) == lane and which.has(each.event)]
        for delivery in found:
            del self._dead[delivery.position]
            fresh = msgspec.structs.replace(delivery, attempt=0, next_ms=now_ms, since_ms=now_ms)
            self._pending[delivery.position] = fresh
        return len(found)

    async def write_attempts(self, made: Sequence[Attempts]) -> None:
        for each in made:
            if self._has_namespace(each.lane.namespace):
                self._write(each)

    async def count(self, lane: Lane, *, since_ms: int) -> Count:
        return sum((count for (at, slot_ms), count in self._counts.items() if at == lane and slot_ms >= since_ms), Count())

    async def traces(self, lane: Lane, *, limit: int) -> Sequence[Trace]:
        return [trace for at, trace in reversed(self._traces) if at == lane][:limit]

    async def forget(self, lane: Lane) -> None:
        self._drop(lambda each: each == lane)

    async def delete_before(self, at_ms: int, *, most: int) -> int:
        old = [position for position, (_, entry) in self._journal.items() if entry.event.received_ms < at_ms][:most]
        for position in old:
            for table in (self._journal, self._pending, self._dead):
                table.pop(position, None)
        self._counts = {key: count for key, count in self._counts.items() if key[1] >= at_ms}
        old_traces = [each for each in self._traces if each[1].at_ms < at_ms][:most]
        self._traces = [each for each in self._traces if not any(each is gone for gone in old_traces)]
        return max(len(old), len(old_traces))

    def forget_namespace(self, name: str) -> None:
        """Delete everything of a namespace that is gone."""
        self._drop(lambda each: each.namespace == name)

    def _append(self, addressed: Addressed) -> None:
        self._last_position += 1
        lane = Lane(addressed.namespace, addressed.registration_id)
        self._journal[self._last_position] = lane, JournalEntry(self._last_position, addressed.event)
        if addressed.is_pushed:
            received_ms = addressed.event.received_ms
            self._pending[self._last_position] = Delivery(
                position=self._last_position,
                namespace=lane.namespace,
                registration_id=lane.registration_id,
                event=addressed.event,
                next_ms=received_ms,
                since_ms=received_ms,
            )

    def _settle(self, settlement: Settlement) -> None:
        delivery = settlement.delivery
        if self._pending.pop(delivery.position, None) is None:
            return
        tried = msgspec.structs.replace(delivery, attempt=delivery.attempt + 1)
        if settlement.is_dead:
            self._dead[delivery.position] = tried
        elif settlement.next_ms is not None:
            self._pending[delivery.position] = msgspec.structs.replace(tried, next_ms=settlement.next_ms)

    def _write(self, attempts: Attempts) -> None:
        lane = attempts.lane
        mine = [each for each in self._traces if each[0] == lane] + [(lane, trace) for trace in attempts.traces]
        self._traces = [each for each in self._traces if each[0] != lane] + mine[-TRACES_KEPT:]
        for slot_ms, count in attempts.counts.items():
            self._counts[lane, slot_ms] = self._counts.get((lane, slot_ms), Count()) + count

    def _entries(self, lane: Lane) -> list[JournalEntry]:
        return [entry for at, entry in self._journal.values() if at == lane]

    def _drop(self, is_gone: Callable[[Lane], bool]) -> None:
        self._journal = {position: each for position, each in self._journal.items() if not is_gone(each[0])}
        self._pending = {position: each for position, each in self._pending.items() if not is_gone(_lane_of(each))}
        self._dead = {position: each for position, each in self._dead.items() if not is_gone(_lane_of(each))}
        self._traces = [each for each in self._traces if not is_gone(each[0])]
        self._counts = {key: count for key, count in self._counts.items() if not is_gone(key[0])}


def _lane_of(delivery: Delivery) -> Lane:
    return Lane(delivery.namespace, delivery.registration_id)
