"""Activations in a table, beside the requests that were accepted and have no record yet."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, delete, exists, func, select

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.documents import join_activation, read_request, read_summary, split_activation, write_request
from ioruntime.stores.sealing import Sealer
from ioruntime.stores.sql.batches import accept_rows, record_rows
from ioruntime.stores.sql.commit import GroupCommitter
from ioruntime.stores.sql.engine import SqlEngine
from ioruntime.stores.sql.namespaces import known_namespaces
from ioruntime.stores.sql.reclaim import reclaim
from ioruntime.stores.sql.schema import accepted
from ioruntime.stores.sql.schema import activations as records
from ioruntime.stores.sql.schema import begun as begun_ids
from ioruntime.stores.traits import as_int64, wanted_name

Rows: TypeAlias = Sequence[Mapping[str, object]]


class SqlActivations:
    """The `ActivationStore` of one database."""

    def __init__(self, engine: SqlEngine, accepting: GroupCommitter[Rows], *, sealer: Sealer) -> None:
        """
        Args:
            accepting: commits with `insert_accepted`; its owner opens and closes it.
            sealer: for accepted requests, which hold parameters; records do not.
        """
        self._engine = engine
        self._sealer = sealer
        self._accepting = accepting

    async def record(self, activations: Sequence[Activation]) -> None:
        if not activations:
            return
        rows = [_row_of(activation) for activation in activations]
        answered = [activation.activation_id for activation in activations]
        if self._engine.is_sqlite:
            await self._engine.write_at_once(partial(record_rows, rows=rows, answered=answered))
            return
        async with self._engine.writing() as connection:
            known = await known_namespaces(connection, {activation.namespace for activation in activations})
            if kept := [row for row in rows if row["namespace"] in known]:
                await self._engine.insert_many(connection, records, kept)
            await connection.execute(delete(accepted).where(accepted.c.activation_id.in_(answered)))
            await connection.execute(delete(begun_ids).where(begun_ids.c.activation_id.in_(answered)))

    async def accept(self, requests: Sequence[InvocationRequest], *, begun: Collection[ActivationId] = ()) -> None:
        if requests:
            await self._accepting.add([*map(self._accepted_row_of, requests), *map(_begun_row_of, begun)])

    async def begin(self, activation_ids: Sequence[ActivationId]) -> None:
        if activation_ids:
            await self._accepting.add([_begun_row_of(activation_id) for activation_id in activation_ids])

    async def begun(self) -> frozenset[ActivationId]:
        is_open = exists().where(accepted.c.activation_id == begun_ids.c.activation_id)
        async with self._engine.reading() as connection:
            return frozenset(map(ActivationId, await connection.scalars(select(begun_ids.c.activation_id).where(is_open))))

    async def accepted(self) -> Sequence[InvocationRequest]:
        has_record = exists().where(records.c.activation_id == accepted.c.activation_id)
        oldest = (accepted.c.received_ms, accepted.c.activation_id)
        async with self._engine.reading() as connection:
            columns = (accepted.c.activation_id, accepted.c.doc)
            rows = (await connection.execute(select(*columns).where(~has_record).order_by(*oldest))).all()
        return [read_request(self._sealer.open(doc, place=accepted_place(activation_id))) for activation_id, doc in rows]

    async def read(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        is_it = (records.c.activation_id == activation_id) & (records.c.namespace == namespace)
        async with self._engine.reading() as connection:
            row = (await connection.execute(select(records.c.summary, records.c.detail).where(is_it))).one_or_none()
        return None if row is None else _activation_of(row)

    async def list(
        self, wanted: ActivationFilter, *, skip: int = 0, limit: int = 200, full: bool = False
    ) -> Sequence[Activation]:
        async with self._engine.reading() as connection:
            rows = await connection.execute(page_of_activations(wanted, skip=skip, limit=limit, full=full))
        return [_activation_of(row) for row in rows]

    async def count(self, wanted: ActivationFilter) -> int:
        async with self._engine.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(records).where(*_matching(wanted))) or 0

    async def delete_before(self, start_ms: int, *, most: int) -> int:
        async with self._engine.writing() as connection:
            gone = await connection.execute(delete(records).where(records.c.sequence.in_(_oldest(start_ms, most))))
            # Of namespaces that were deleted, with what they had accepted, while a server was killed.
            is_open = exists().where(accepted.c.activation_id == begun_ids.c.activation_id)
            await connection.execute(delete(begun_ids).where(~is_open))
        await reclaim(self._engine)
        return gone.rowcount

    def _accepted_row_of(self, request: InvocationRequest) -> dict[str, object]:
        return {
            "activation_id": request.activation_id,
            "namespace": request.namespace,
            "received_ms": request.received_ms,
            "doc": self._sealer.seal(write_request(request), place=accepted_place(request.activation_id)),
        }


def accepted_place(activation_id: str) -> str:
    """Name where an accepted request stands, which its encryption is bound to."""
    return f"accepted/{activation_id}"


async def insert_accepted(engine: SqlEngine, batch: Sequence[Rows]) -> None:
    """Remember the requests, and what has begun, of many callers in one transaction."""
    rows = list(chain.from_iterable(batch))
    requests, begun = [row for row in rows if "doc" in row], [row for row in rows if "doc" not in row]
    if engine.is_sqlite:
        await engine.write_at_once(partial(accept_rows, requests=requests, begun=begun))
        return
    async with engine.writing() as connection:
        for table, added in ((accepted, requests), (begun_ids, begun)):
            if added:
                await engine.insert_many(connection, table, added)


def page_of_activations(wanted: ActivationFilter, *, skip: int, limit: int, full: bool) -> Select[*tuple[Any, ...]]:
    """Build the query for a page, newest start first, the last recorded first among equals."""
    columns = (records.c.summary, records.c.detail) if full else (records.c.summary,)
    newest = (records.c.start_ms.desc(), records.c.sequence.desc())
    return select(*columns).where(*_matching(wanted)).order_by(*newest).offset(as_int64(skip)).limit(limit)


def _oldest(start_ms: int, most: int) -> Select[*tuple[Any, ...]]:
    is_old = records.c.start_ms < start_ms
    return select(records.c.sequence).where(is_old).order_by(records.c.start_ms).limit(most)


def _matching(wanted: ActivationFilter) -> Sequence[ColumnElement[bool]]:
    package, name = wanted_name(wanted)
    conditions: list[ColumnElement[bool]] = [records.c.namespace == wanted.namespace]
    if name is not None:
        conditions.append(records.c.name == name)
    if package is not None:
        conditions.append(records.c.package == package)
    if wanted.since_ms is not None:
        conditions.append(records.c.start_ms >= as_int64(wanted.since_ms))
    if wanted.upto_ms is not None:
        conditions.append(records.c.start_ms <= as_int64(wanted.upto_ms))
    return conditions


def _begun_row_of(activation_id: ActivationId) -> dict[str, object]:
    return {"activation_id": activation_id}


def _row_of(activation: Activation) -> dict[str, object]:
    summary, detail = split_activation(activation)
    return {
        "activation_id": activation.activation_id,
        "namespace": activation.namespace,
        "name": activation.name,
        "package": activation.package,
        "start_ms": activation.start_ms,
        "status": int(activation.status),
        "summary": summary,
        "detail": detail,
    }


def _activation_of(row: Row[*tuple[Any, ...]]) -> Activation:
    match tuple(row):
        case (summary, detail):
            return join_activation(summary, detail)
        case _:
            return read_summary(row.summary)
