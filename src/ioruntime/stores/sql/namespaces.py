"""Namespaces in tables."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ioruntime.model.errors import AlreadyExistsError, NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, OldKey, Owner
from ioruntime.ports.namespaces import Change
from ioruntime.stores.documents import read_overrides
from ioruntime.stores.keys import StoredKey, read_key, write_key
from ioruntime.stores.sealing import Sealer
from ioruntime.stores.sql.changes import Turn, add_change, changes_after, last_change
from ioruntime.stores.sql.engine import SqlEngine
from ioruntime.stores.sql.schema import accepted, activations, attempts, deliveries, entities, journal, namespaces, traces


class SqlNamespaces:
    """The `NamespaceStore` of one database."""

    def __init__(self, engine: SqlEngine, *, now_ms: Callable[[], int], sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer
        self._now_ms = now_ms

    async def create(self, namespace: Namespace) -> Namespace:
        async with self._engine.writing(Turn.CATALOG) as connection:
            added = await connection.execute(
                self._engine.insert_new(namespaces).values(_row_of(namespace, self._sealer)),
                execution_options={"preserve_rowcount": True},
            )
            if added.rowcount == 1:
                await add_change(connection, namespace.name, None, now_ms=self._now_ms())
                return namespace
            existing = await self._find(connection, _is_owner(namespace.owner))
        if existing is None:
            raise AlreadyExistsError
        return existing

    async def by_name(self, name: str) -> Namespace | None:
        async with self._engine.reading() as connection:
            return await self._find(connection, namespaces.c.name == name)

    async def by_owner(self, owner: Owner) -> Namespace | None:
        async with self._engine.reading() as connection:
            return await self._find(connection, _is_owner(owner))

    async def by_uuid(self, uuid: str) -> Namespace | None:
        async with self._engine.reading() as connection:
            return await self._find(connection, namespaces.c.uuid == uuid)

    async def list(self) -> Sequence[Namespace]:
        async with self._engine.reading() as connection:
            rows = await connection.execute(select(namespaces).order_by(namespaces.c.name))
            return [_namespace_of(row, self._sealer) for row in rows]

    async def set_auth(self, name: str, auth: AuthKey, old_key: OldKey | None = None) -> None:
        key = write_key(self._sealer, name, StoredKey(auth.key, old_key))
        try:
            await self._update(name, uuid=auth.uuid, key=key)
        except IntegrityError as error:
            raise AlreadyExistsError from error

    async def set_overrides(self, name: str, overrides: dict[str, Any]) -> None:
        await self._update(name, overrides=msgspec.json.encode(overrides))

    async def delete(self, name: str) -> bool:
        async with self._engine.writing(Turn.CATALOG, Turn.JOURNAL) as connection:
            gone = await connection.execute(delete(namespaces).where(namespaces.c.name == name))
            if gone.rowcount == 0:
                return False
            for table in (entities, activations, accepted, journal, deliveries, traces, attempts):
                await connection.execute(delete(table).where(table.c.namespace == name))
            await add_change(connection, name, None, now_ms=self._now_ms())
            return True

    async def changes(self, after: int) -> Sequence[Change]:
        async with self._engine.reading() as connection:
            return await changes_after(connection, after)

    async def last_change(self) -> int:
        async with self._engine.reading() as connection:
            return await last_change(connection)

    async def _find(self, connection: AsyncConnection, condition: ColumnElement[bool]) -> Namespace | None:
        row = (await connection.execute(select(namespaces).where(condition))).one_or_none()
        return None if row is None else _namespace_of(row, self._sealer)

    async def _update(self, name: str, **values: object) -> None:
        async with self._engine.writing(Turn.CATALOG) as connection:
            changed = await connection.execute(update(namespaces).where(namespaces.c.name == name).values(values))
            if changed.rowcount == 0:
                raise NotFoundError
            await add_change(connection, name, None, now_ms=self._now_ms())


async def known_namespaces(connection: AsyncConnection, names: set[str]) -> set[str]:
    """Return which of these exist; they stay until the transaction ends."""
    if not names:
        return set()
    # In the order of their names, so that no two transactions wait for each other. SQLite has one writer, and no such lock.
    found = select(namespaces.c.name).where(namespaces.c.name.in_(names)).order_by(namespaces.c.name)
    return set(await connection.scalars(found.with_for_update(read=True, key_share=True)))


def _is_owner(owner: Owner) -> ColumnElement[bool]:
    return (namespaces.c.org_id == owner.org_id) & (namespaces.c.int_id == owner.int_id)


def _row_of(namespace: Namespace, sealer: Sealer) -> dict[str, object]:
    return {
        "name": namespace.name,
        "org_id": namespace.owner.org_id,
        "int_id": namespace.owner.int_id,
        "uuid": namespace.auth.uuid,
        "key": write_key(sealer, namespace.name, StoredKey(namespace.auth.key, namespace.old_key)),
        "overrides": msgspec.json.encode(namespace.overrides),
        "created_ms": namespace.created_ms,
    }


def _namespace_of(row: Row[Any], sealer: Sealer) -> Namespace:
    stored = read_key(sealer, row.name, row.key)
    return Namespace(
        name=row.name,
        owner=Owner(row.org_id, row.int_id),
        auth=AuthKey(row.uuid, stored.key),
        old_key=stored.old_key,
        overrides=read_overrides(row.overrides),
        created_ms=row.created_ms,
    )
