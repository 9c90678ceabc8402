"""Actions and packages in a table: a document each, and the columns that lists filter by."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ioruntime.model.errors import ConcurrentModificationError, NotFoundError
from ioruntime.model.names import EntityPath
from ioruntime.ports.entities import Collection, Entity
from ioruntime.stores.documents import read_entity, write_entity
from ioruntime.stores.sealing import Sealer
from ioruntime.stores.sql.changes import Turn, add_change
from ioruntime.stores.sql.engine import SqlEngine
from ioruntime.stores.sql.schema import entities, namespaces
from ioruntime.stores.traits import as_int64, code_digest_of, collection_of, is_binding


class SqlEntities:
    """The `EntityStore` of one database."""

    def __init__(self, engine: SqlEngine, *, now_ms: Callable[[], int], sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer
        self._now_ms = now_ms

    async def read(self, path: EntityPath) -> Entity | None:
        async with self._engine.reading() as connection:
            document = await connection.scalar(select(entities.c.doc).where(_is_at(path)))
        return None if document is None else self._opened((path.namespace, path.key, document))

    async def write(self, entity: Entity) -> Entity:
        path = entity.path
        async with self._engine.writing(Turn.CATALOG) as connection:
            revision = await add_change(connection, path.namespace, path.key, now_ms=self._now_ms())
            written = msgspec.structs.replace(entity, revision=revision)
            if entity.revision:
                await self._replace(connection, written, read_revision=entity.revision)
            else:
                await self._insert(connection, written)
        return written

    async def delete(self, entity: Entity) -> None:
        path = entity.path
        async with self._engine.writing(Turn.CATALOG) as connection:
            gone = await connection.execute(delete(entities).where(_is_at(path), entities.c.revision == entity.revision))
            if gone.rowcount == 0:
                raise ConcurrentModificationError
            await add_change(connection, path.namespace, path.key, now_ms=self._now_ms())

    async def list(
        self,
        namespace: str,
        collection: Collection,
        *,
        package: str | None = None,
        public: bool = False,
        skip: int = 0,
        limit: int = 200,
    ) -> Sequence[Entity]:
        conditions = _matching(namespace, collection, package=package, public=public)
        async with self._engine.reading() as connection:
            rows = await connection.execute(page_of_entities(conditions, skip=skip, limit=limit))
        return [self._opened(row) for row in rows]

    async def count(self, namespace: str, collection: Collection, *, package: str | None = None, public: bool = False) -> int:
        conditions = _matching(namespace, collection, package=package, public=public)
        async with self._engine.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(entities).where(*conditions)) or 0

    async def everywhere(self, collection: Collection) -> Sequence[Entity]:
        # Written into the statement: a partial index serves no parameter.
        wanted = literal(collection.value, literal_execute=True)
        async with self._engine.reading() as connection:
            rows = await connection.execute(select(*_DOCUMENT).where(entities.c.collection == wanted))
        return [self._opened(row) for row in rows]

    async def code_digests(self) -> set[str]:
        async with self._engine.reading() as connection:
            found = await connection.scalars(select(entities.c.code_digest).where(entities.c.code_digest.is_not(None)).distinct())
        return set(found)

    async def _insert(self, connection: AsyncConnection, entity: Entity) -> None:
        namespace = entity.path.namespace
        if await connection.scalar(select(namespaces.c.name).where(namespaces.c.name == namespace)) is None:
            raise NotFoundError
        added = await connection.execute(
            self._engine.insert_new(entities).values(row_of_entity(entity, self._sealer)),
            execution_options={"preserve_rowcount": True},
        )
        if added.rowcount == 0:
            raise ConcurrentModificationError

    async def _replace(self, connection: AsyncConnection, entity: Entity, *, read_revision: int) -> None:
        is_same = entities.c.revision == read_revision
        changed = await connection.execute(
            update(entities).where(_is_at(entity.path), is_same).values(row_of_entity(entity, self._sealer))
        )
        if changed.rowcount == 0:
            raise ConcurrentModificationError

    def _opened(self, row: Row[*tuple[Any, ...]] | tuple[str, str, bytes]) -> Entity:
        namespace, key, document = row
        return read_entity(self._sealer.open(document, place=entity_place(namespace, key)))


def entity_place(namespace: str, key: str) -> str:
    """Name where an entity's document stands, which its encryption is bound to."""
    return f"entities/{namespace}/{key}"


_DOCUMENT = (entities.c.namespace, entities.c.key, entities.c.doc)


def page_of_entities(conditions: Sequence[ColumnElement[bool]], *, skip: int, limit: int) -> Select[*tuple[Any, ...]]:
    """Build the query for a page, newest first: namespace, key and document."""
    newest = (entities.c.updated_ms.desc(), entities.c.revision.desc())
    return select(*_DOCUMENT).where(*conditions).order_by(*newest).offset(as_int64(skip)).limit(limit)


def _matching(namespace: str, collection: Collection, *, package: str | None, public: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [entities.c.namespace == namespace, entities.c.collection == collection.value]
    if package is not None:
        conditions.append(entities.c.package == package)
    if public:
        conditions += [entities.c.publish.is_(True), entities.c.binding.is_(False)]
    return conditions


def _is_at(path: EntityPath) -> ColumnElement[bool]:
    return (entities.c.namespace == path.namespace) & (entities.c.key == path.key)


def row_of_entity(entity: Entity, sealer: Sealer) -> dict[str, object]:
    """Return the values of all columns."""
    place = entity_place(entity.path.namespace, entity.path.key)
    return {
        "namespace": entity.path.namespace,
        "key": entity.path.key,
        "collection": collection_of(entity).value,
        "package": entity.path.package,
        "publish": entity.publish,
        "binding": is_binding(entity),
        "updated_ms": entity.updated_ms,
        "revision": entity.revision,
        "code_digest": code_digest_of(entity),
        "doc": sealer.seal(write_entity(entity), place=place),
    }
