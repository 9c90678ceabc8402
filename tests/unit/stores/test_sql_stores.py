"""What is true of the database and of no other store: indexes, disk space, durability, pruning."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects import sqlite

from ioruntime.model.activation import Activation
from ioruntime.model.errors import CorruptError
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.entities import Collection
from ioruntime.stores.sql.activations import page_of_activations
from ioruntime.stores.sql.entities import page_of_entities
from ioruntime.stores.sql.schema import entities
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import ALL, sample_activation, sample_request
from ioruntime.testing.entities_contract import NAMESPACE, sample_action
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = pytest.mark.anyio

HOUR_MS = 3_600_000


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


async def plan_of(stores: SqlStores, query: str) -> str:
    async with stores.engine.reading() as connection:
        rows = await connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))
        return "; ".join(row.detail for row in rows)


def big(number: int) -> Activation:
    return msgspec.structs.replace(sample_activation(start_ms=number), result=msgspec.Raw(b'"' + b"x" * 20_000 + b'"'))


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        pytest.param(ALL, "ix_activations_newest", id="namespace"),
        pytest.param(ActivationFilter(namespace="g", since_ms=3, upto_ms=9), "ix_activations_newest", id="bounds"),
        pytest.param(ActivationFilter(namespace="g", name="x", upto_ms=9), "ix_activations_name", id="name"),
        pytest.param(ActivationFilter(namespace="g", name="p/x", since_ms=3), "ix_activations_package", id="package and name"),
    ],
)
async def test_lists_read_an_index_in_its_order(tmp_path: Path, wanted: ActivationFilter, index: str) -> None:
    query = page_of_activations(wanted, skip=30, limit=200, full=False)
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        await stores.activations.record([sample_activation(f"a{number % 7}", start_ms=number) for number in range(5000)])
        plan = await plan_of(stores, str(compiled))
        assert f"USING INDEX {index}" in plan
        assert "TEMP B-TREE" not in plan
        assert len(await stores.activations.list(ALL, skip=4_900)) == 100


async def test_list_of_entities_reads_an_index_in_its_order(tmp_path: Path) -> None:
    conditions = [entities.c.namespace == "g", entities.c.collection == Collection.ACTIONS.value]
    compiled = page_of_entities(conditions, skip=0, limit=5).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    async with SqlStores.open(url_of(tmp_path)) as stores:
        plan = await plan_of(stores, str(compiled))
        assert "ix_entities_newest" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT DISTINCT code_digest FROM entities WHERE code_digest IS NOT NULL", "COVERING INDEX ix_entities_code_digest"),
        ("DELETE FROM activations WHERE namespace = 'g'", "ix_activations_"),
        ("DELETE FROM accepted WHERE namespace = 'g'", "ix_accepted_namespace"),
        ("SELECT sequence FROM activations WHERE start_ms < 5 ORDER BY start_ms LIMIT 9", "ix_activations_oldest"),
    ],
)
async def test_other_queries_read_an_index(tmp_path: Path, query: str, index: str) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        assert index in await plan_of(stores, query)


async def test_deleting_gives_disk_space_back(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        await stores.activations.record([big(number) for number in range(300)])
        await stores.activations.delete_before(0, most=1)
        full_bytes = (tmp_path / "store.db").stat().st_size
        assert full_bytes > 6_000_000
        assert await stores.activations.delete_before(250, most=1000) == 250
        assert (tmp_path / "store.db").stat().st_size < full_bytes / 3
        assert await stores.activations.count(ALL) == 50


async def test_all_is_there_after_reopening(tmp_path: Path) -> None:
    activation, request = sample_activation(), sample_request()
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        action = await stores.entities.write(sample_action())
        await stores.activations.record([activation])
        await stores.activations.accept([request])
        last = await stores.namespaces.last_change()
    async with SqlStores.open(url_of(tmp_path)) as stores:
        assert await stores.namespaces.list() == [sample_namespace()]
        assert await stores.entities.read(action.path) == action
        assert await stores.activations.read(NAMESPACE, activation.activation_id) == activation
        assert await stores.activations.accepted() == [request]
        assert await stores.namespaces.last_change() == last


async def test_a_thousand_accepts_cost_a_handful_of_commits(tmp_path: Path) -> None:
    commits: list[object] = []
    async with SqlStores.open(url_of(tmp_path)) as stores:
        event.listen(stores.engine.writer.sync_engine, "commit", commits.append)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(1000):
                tasks.create_task(stores.activations.accept([sample_request()]))
        assert len(commits) <= 5
        assert len(await stores.activations.accepted()) == 1000


async def test_old_changes_are_pruned_and_numbers_go_on(tmp_path: Path) -> None:
    now_ms = 0
    async with SqlStores.open(url_of(tmp_path), now_ms=lambda: now_ms) as stores:
        await stores.namespaces.create(sample_namespace())
        for _ in range(200):
            await stores.namespaces.set_overrides(NAMESPACE, {})
        now_ms = HOUR_MS
        await stores.namespaces.set_overrides(NAMESPACE, {})
        now_ms = HOUR_MS + 1
        for _ in range(60):
            await stores.namespaces.set_overrides(NAMESPACE, {})
        changes = await stores.namespaces.changes(0)
        assert changes[0].sequence == 202
        assert await stores.namespaces.last_change() == 262


@pytest.mark.parametrize("column", ["summary", "detail"])
async def test_damaged_record_is_corrupt(tmp_path: Path, column: str) -> None:
    activation = sample_activation()
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        await stores.activations.record([activation])
        async with stores.engine.writing() as connection:
            await connection.execute(text(f"UPDATE activations SET {column} = x'7b22'"))
        with pytest.raises(CorruptError):
            await stores.activations.read(NAMESPACE, activation.activation_id)


async def test_damaged_entity_is_corrupt(tmp_path: Path) -> None:
    async with SqlStores.open(url_of(tmp_path)) as stores:
        await stores.namespaces.create(sample_namespace())
        await stores.entities.write(sample_action())
        async with stores.engine.writing() as connection:
            await connection.execute(text("UPDATE entities SET doc = x'7b7d'"))
        with pytest.raises(CorruptError):
            await stores.entities.read(sample_action().path)
