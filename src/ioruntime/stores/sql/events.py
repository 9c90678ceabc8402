"""Events in tables: a journal, what of it is still to be delivered, and the traces of attempts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ioruntime.model.event import Delivery, Event, JournalEntry, Trace
from ioruntime.ports.events import TRACES_KEPT, Addressed, Attempts, Count, Lane, Settlement, Which
from ioruntime.stores.documents import read_trace, write_trace
from ioruntime.stores.sql.changes import Turn
from ioruntime.stores.sql.commit import GroupCommitter
from ioruntime.stores.sql.engine import SqlEngine
from ioruntime.stores.sql.eventbatches import Batch, write_batch
from ioruntime.stores.sql.namespaces import known_namespaces
from ioruntime.stores.sql.reclaim import reclaim
from ioruntime.stores.sql.schema import attempts, deliveries, traces
from ioruntime.stores.sql.schema import journal as entries
from ioruntime.stores.sql.wholes import content_of, read_whole
from ioruntime.stores.traits import as_int64

Change: TypeAlias = Sequence[Addressed] | Sequence[Settlement]
"""What one caller wants written."""


class SqlEvents:
    """The `EventStore` of one database."""

    def __init__(self, engine: SqlEngine, changing: GroupCommitter[Change]) -> None:
        """
        Args:
            changing: commits with `write_changes`; its owner opens and closes it.
        """
        self._engine = engine
        self._changing = changing

    async def append(self, addressed: Sequence[Addressed]) -> None:
        if addressed:
            await self._changing.add(addressed)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            await self._changing.add(settlements)

    async def journal(self, lane: Lane, *, after: int, limit: int) -> Sequence[JournalEntry]:
        wanted = select(*_ENTRY).where(*_of(entries, lane), entries.c.position > as_int64(after))
        async with self._engine.reading() as connection:
            rows = await read_whole(connection, wanted.order_by(entries.c.position).limit(limit))
        return sorted((JournalEntry(row[0], _event_of(row)) for row in rows), key=lambda entry: entry.position)

    async def position_at(self, lane: Lane, at_ms: int) -> int:
        earlier = (*_of(entries, lane), entries.c.received_ms < as_int64(at_ms))
        newest = (entries.c.received_ms.desc(), entries.c.position.desc())
        async with self._engine.reading() as connection:
            return await connection.scalar(select(entries.c.position).where(*earlier).order_by(*newest).limit(1)) or 0

    async def newest(self, lane: Lane) -> int:
        async with self._engine.reading() as connection:
            return await connection.scalar(select(func.max(entries.c.position)).where(*_of(entries, lane))) or 0

    async def lanes(self) -> Sequence[Lane]:
        columns = (deliveries.c.namespace, deliveries.c.registration_id)
        async with self._engine.reading() as connection:
            rows = await connection.execute(select(*columns).where(~deliveries.c.is_dead).distinct())
            return [Lane(*row) for row in rows]

    async def pending(self, lane: Lane, *, limit: int, after: tuple[int, int] | None = None) -> Sequence[Delivery]:
        wanted = _deliveries(lane, is_dead=False)
        if after is not None:
            next_ms, position = after
            is_later = or_(deliveries.c.next_ms > next_ms, deliveries.c.position > position)
            wanted = wanted.where(deliveries.c.next_ms >= next_ms, is_later)
        found = await self._read(lane, wanted.order_by(deliveries.c.next_ms, deliveries.c.position).limit(limit))
        return sorted(found, key=lambda delivery: (delivery.next_ms, delivery.position))

    async def dead_letters(self, lane: Lane, *, limit: int) -> Sequence[Delivery]:
        found = await self._read(lane, _deliveries(lane, is_dead=True).order_by(deliveries.c.position).limit(limit))
        return sorted(found, key=lambda delivery: delivery.position)

    async def revive(self, lane: Lane, which: Which = Which(), *, now_ms: int) -> int:  # noqa: B008 - frozen
        is_meant = [*_of(deliveries, lane), deliveries.c.is_dead]
        if which != Which():
            is_meant.append(deliveries.c.position.in_(_positions(lane, which)))
        async with self._engine.writing(Turn.JOURNAL) as connection:
            values = {"is_dead": False, "attempt": 0, "next_ms": now_ms, "since_ms": now_ms}
            return (await connection.execute(update(deliveries).where(*is_meant).values(values))).rowcount

    async def write_attempts(self, made: Sequence[Attempts]) -> None:
        async with self._engine.writing(Turn.JOURNAL) as connection:
            known = await known_namespaces(connection, {each.lane.namespace for each in made})
            kept = [each for each in made if each.lane.namespace in known]
            await _write_traces(connection, kept)
            await _write_counts(self._engine, connection, kept)

    async def count(self, lane: Lane, *, since_ms: int) -> Count:
        sums = select(func.sum(attempts.c.made), func.sum(attempts.c.failed))
        async with self._engine.reading() as connection:
            row = (await connection.execute(sums.where(*_of(attempts, lane), attempts.c.slot_ms >= since_ms))).one()
        return Count(*(int(number or 0) for number in row))

    async def traces(self, lane: Lane, *, limit: int) -> Sequence[Trace]:
        newest = select(traces.c.doc).where(*_of(traces, lane)).order_by(traces.c.sequence.desc()).limit(limit)
        async with self._engine.reading() as connection:
            return [read_trace(document) for document in await connection.scalars(newest)]

    async def forget(self, lane: Lane) -> None:
        async with self._engine.writing(Turn.JOURNAL) as connection:
            for table in (entries, deliveries, traces, attempts):
                await connection.execute(delete(table).where(*_of(table, lane)))

    async def delete_before(self, at_ms: int, *, most: int) -> int:
        old_entries = _oldest(entries.c.position, entries.c.received_ms, at_ms, most)
        old_traces = _oldest(traces.c.sequence, traces.c.at_ms, at_ms, most)
        async with self._engine.writing(Turn.JOURNAL) as connection:
            await connection.execute(delete(deliveries).where(deliveries.c.position.in_(old_entries)))
            gone = (await connection.execute(delete(entries).where(entries.c.position.in_(old_entries)))).rowcount
            gone_traces = (await connection.execute(delete(traces).where(traces.c.sequence.in_(old_traces)))).rowcount
            await connection.execute(delete(attempts).where(attempts.c.slot_ms < at_ms))
        await reclaim(self._engine)
        return max(gone, gone_traces)

    async def _read(self, lane: Lane, wanted: Select[*tuple[Any, ...]]) -> Sequence[Delivery]:
        async with self._engine.reading() as connection:
            rows = await read_whole(connection, wanted)
        return [_delivery_of(lane, row) for row in rows]


def _deliveries(lane: Lane, *, is_dead: bool) -> Select[*tuple[Any, ...]]:
    columns = (*_ENTRY, deliveries.c.attempt, deliveries.c.next_ms, deliveries.c.since_ms)
    joined = select(*columns).join(deliveries, deliveries.c.position == entries.c.position)
    return joined.where(*_of(deliveries, lane), deliveries.c.is_dead == is_dead)


async def write_changes(engine: SqlEngine, batch: Sequence[Change]) -> None:
    """Write what many callers want in one transaction."""
    items = [item for change in batch for item in change]
    if engine.is_sqlite:
        await engine.write_at_once(partial(write_batch, batch=_batch(items)))
        return
    async with engine.writing(Turn.JOURNAL) as connection:
        await _append(connection, [item for item in items if isinstance(item, Addressed)])
        await _settle(connection, [item for item in items if isinstance(item, Settlement)])


def _batch(items: Sequence[Addressed | Settlement]) -> Batch:
    addressed = [item for item in items if isinstance(item, Addressed)]
    settled = [item for item in items if isinstance(item, Settlement)]
    return Batch(
        entries=[_entry_row(each) for each in addressed],
        pushed=[_due_row(each) if each.is_pushed else None for each in addressed],
        over=[each.delivery.position for each in settled if each.next_ms is None and not each.is_dead],
        again=[_again_row(each) for each in settled if each.next_ms is not None or each.is_dead],
    )


async def _append(connection: AsyncConnection, addressed: Sequence[Addressed]) -> None:
    known = await known_namespaces(connection, {each.namespace for each in addressed})
    kept = [each for each in addressed if each.namespace in known]
    if not kept:
        return
    adding = insert(entries).returning(entries.c.position, sort_by_parameter_order=True)
    positions = await connection.scalars(adding, [_entry_row(each) for each in kept])
    pushed = [{"position": position, **_due_row(each)} for each, position in zip(kept, positions, strict=True) if each.is_pushed]
    if pushed:
        await connection.execute(insert(deliveries), pushed)


async def _settle(connection: AsyncConnection, settlements: Sequence[Settlement]) -> None:
    over = [{"at": each.delivery.position} for each in settlements if each.next_ms is None and not each.is_dead]
    kept = [_again_row(each) for each in settlements if each.next_ms is not None or each.is_dead]
    if over:
        await connection.execute(_OVER, over)
    if kept:
        await connection.execute(_AGAIN, kept)


async def _write_traces(connection: AsyncConnection, made: Sequence[Attempts]) -> None:
    rows = [_trace_row(each.lane, trace) for each in made for trace in each.traces]
    if not rows:
        return
    await connection.execute(insert(traces), rows)
    for lane in {each.lane for each in made if each.traces}:
        newest = select(traces.c.sequence).where(*_of(traces, lane)).order_by(traces.c.sequence.desc())
        last = newest.offset(TRACES_KEPT).limit(1).scalar_subquery()
        await connection.execute(delete(traces).where(*_of(traces, lane), traces.c.sequence <= last))


async def _write_counts(engine: SqlEngine, connection: AsyncConnection, made: Sequence[Attempts]) -> None:
    counts = [(each.lane, slot_ms, count) for each in made for slot_ms, count in each.counts.items()]
    if not counts:
        return
    new = [
        {"namespace": lane.namespace, "registration_id": lane.registration_id, "slot_ms": slot_ms, "made": 0, "failed": 0}
        for lane, slot_ms, _ in counts
    ]
    await engine.insert_many(connection, attempts, new)
    added = [
        {"of_namespace": lane[0], "of_id": lane[1], "at_ms": slot_ms, "more": count.attempts, "more_failed": count.failed}
        for lane, slot_ms, count in counts
    ]
    await connection.execute(_COUNT, added)


_ENTRY = (
    entries.c.position,
    entries.c.event_id,
    entries.c.provider,
    entries.c.event_code,
    entries.c.received_ms,
    entries.c.doc,
)
"""As `_event_of` reads them."""
_COUNT = (
    update(attempts)
    .where(
        attempts.c.namespace == bindparam("of_namespace"),
        attempts.c.registration_id == bindparam("of_id"),
        attempts.c.slot_ms == bindparam("at_ms"),
    )
    .values(made=attempts.c.made + bindparam("more"), failed=attempts.c.failed + bindparam("more_failed"))
)
_OVER = delete(deliveries).where(deliveries.c.position == bindparam("at"))
_AGAIN = (
    update(deliveries)
    .where(deliveries.c.position == bindparam("at"))
    .values(attempt=bindparam("attempts"), next_ms=bindparam("then_ms"), is_dead=bindparam("dead"))
)


def _of(table: Table, lane: Lane) -> Sequence[ColumnElement[bool]]:
    return (table.c.namespace == lane.namespace, table.c.registration_id == lane.registration_id)


def _oldest(key: ColumnElement[int], time: ColumnElement[int], at_ms: int, most: int) -> Select[*tuple[Any, ...]]:
    return select(key).where(time < at_ms).order_by(time, key).limit(most)


def _entry_row(addressed: Addressed) -> Mapping[str, object]:
    event = addressed.event
    return {
        "namespace": addressed.namespace,
        "registration_id": addressed.registration_id,
        "received_ms": event.received_ms,
        "event_id": event.event_id,
        "provider": event.provider,
        "event_code": event.event_code,
        "doc": bytes(event.content),
    }


def _due_row(addressed: Addressed) -> Mapping[str, object]:
    return {
        "namespace": addressed.namespace,
        "registration_id": addressed.registration_id,
        "is_dead": False,
        "attempt": 0,
        "next_ms": addressed.event.received_ms,
        "since_ms": addressed.event.received_ms,
    }


def _again_row(settlement: Settlement) -> Mapping[str, object]:
    delivery = settlement.delivery
    return {
        "at": delivery.position,
        "attempts": delivery.attempt + 1,
        "then_ms": delivery.next_ms if settlement.next_ms is None else settlement.next_ms,
        "dead": settlement.is_dead,
    }


def _positions(lane: Lane, which: Which) -> Select[*tuple[Any, ...]]:
    found = select(entries.c.position).where(*_of(entries, lane))
    if which.event_id is not None:
        found = found.where(entries.c.event_id == which.event_id)
    if which.from_ms is not None:
        found = found.where(entries.c.received_ms >= as_int64(which.from_ms))
    if which.to_ms is not None:
        found = found.where(entries.c.received_ms < as_int64(which.to_ms))
    return found


def _trace_row(lane: Lane, trace: Trace) -> Mapping[str, object]:
    return {
        "namespace": lane.namespace,
        "registration_id": lane.registration_id,
        "at_ms": trace.at_ms,
        "doc": write_trace(trace),
    }


def _event_of(row: Sequence[Any]) -> Event:
    _, event_id, provider, event_code, received_ms, content, *_ = row
    return Event(
        event_id=event_id, provider=provider, event_code=event_code, content=content_of(content), received_ms=received_ms
    )


def _delivery_of(lane: Lane, row: Sequence[Any]) -> Delivery:
    position, *_, attempt, next_ms, since_ms = row
    return Delivery(
        position=position,
        namespace=lane.namespace,
        registration_id=lane.registration_id,
        event=_event_of(row),
        attempt=attempt,
        next_ms=next_ms,
        since_ms=since_ms,
    )
