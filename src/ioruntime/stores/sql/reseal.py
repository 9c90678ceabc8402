"""Write every document again that is not stored as it would be now: after a new key, or when encryption is switched."""

from sqlalchemy import func, select, update

from ioruntime.stores.keys import is_stale, read_key, write_key
from ioruntime.stores.sealing import Sealer
from ioruntime.stores.sql.activations import accepted_place
from ioruntime.stores.sql.changes import Turn
from ioruntime.stores.sql.engine import SqlEngine
from ioruntime.stores.sql.entities import entity_place
from ioruntime.stores.sql.schema import accepted, entities, namespaces

_BATCH = 200


async def reseal(engine: SqlEngine, sealer: Sealer) -> int:
    """Bring all documents to the newest key, in small transactions; return how many were written.

    Revisions stay: nobody needs to forget anything.

    Raises:
        CorruptError: a document cannot be opened; those before it are done.
    """
    count = await _keys(engine, sealer)
    while done := await _entities(engine, sealer) + await _accepted(engine, sealer):
        count += done
    return count


async def _keys(engine: SqlEngine, sealer: Sealer) -> int:
    table = namespaces.c
    async with engine.writing() as connection:
        rows = (await connection.execute(select(table.name, table.key))).all()
        stale = [(name, text) for name, text in rows if is_stale(sealer, text)]
        for name, text in stale:
            written = write_key(sealer, name, read_key(sealer, name, text))
            await connection.execute(update(namespaces).where((table.name == name) & (table.key == text)).values(key=written))
    return len(stale)


async def _entities(engine: SqlEngine, sealer: Sealer) -> int:
    table = entities.c
    stale = func.substr(table.doc, 1, len(sealer.prefix)) != sealer.prefix
    async with engine.writing(Turn.CATALOG) as connection:
        rows = (await connection.execute(select(table.namespace, table.key, table.doc).where(stale).limit(_BATCH))).all()
        for namespace, key, document in rows:
            # Only what was read: somebody else may have written since, where writers do not take turns.
            is_it = (table.namespace == namespace) & (table.key == key) & (table.doc == document)
            written = _again(sealer, document, entity_place(namespace, key))
            await connection.execute(update(entities).where(is_it).values(doc=written))
    return len(rows)


async def _accepted(engine: SqlEngine, sealer: Sealer) -> int:
    table = accepted.c
    stale = func.substr(table.doc, 1, len(sealer.prefix)) != sealer.prefix
    async with engine.writing() as connection:
        rows = (await connection.execute(select(table.activation_id, table.doc).where(stale).limit(_BATCH))).all()
        for activation_id, document in rows:
            written = _again(sealer, document, accepted_place(activation_id))
            await connection.execute(update(accepted).where(table.activation_id == activation_id).values(doc=written))
    return len(rows)


def _again(sealer: Sealer, document: bytes, place: str) -> bytes:
    return sealer.seal(sealer.open(document, place=place), place=place)
