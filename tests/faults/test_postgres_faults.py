"""A PostgreSQL server that dies, comes back, fills or is out of reach: nothing that was answered is lost."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress

import pytest
from sqlalchemy import text

from ioruntime.model.activation import ActivationId
from ioruntime.model.errors import InvalidError, UnavailableError
from ioruntime.stores.sql.changes import Turn
from ioruntime.stores.sql.engine import open_engine
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import ALL, sample_activation, sample_request
from ioruntime.testing.engines.postgres import RunningPostgres, new_database, running_postgres
from ioruntime.testing.entities_contract import sample_action
from ioruntime.testing.events_contract import LANE, addressed
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.timeout(180)]


CUT_THE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
"""


@pytest.fixture(scope="module")
def mortal() -> Iterator[RunningPostgres]:
    """A server that the tests of this file may kill; it must be running again after each."""
    with running_postgres() as running:
        yield running


@pytest.fixture
async def stores(mortal: RunningPostgres) -> AsyncGenerator[SqlStores]:
    async with new_database(mortal.server) as url, SqlStores.open(url) as opened:
        await opened.namespaces.create(sample_namespace())
        yield opened


async def accept_until(stores: SqlStores, enough: Callable[[], bool], answered: set[ActivationId]) -> None:
    while not enough():
        request = sample_request()
        try:
            await stores.activations.accept([request])
            answered.add(request.activation_id)
        except UnavailableError:
            await asyncio.sleep(0.02)


async def test_what_was_answered_survives_kill_9_of_the_server_and_writers_go_on(
    mortal: RunningPostgres, stores: SqlStores
) -> None:
    before: set[ActivationId] = set()
    after: set[ActivationId] = set()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(accept_until(stores, lambda: len(before) > 2_000, before))
        await accept_until(stores, lambda: len(before) > 200, before)
        await asyncio.to_thread(mortal.kill)
        await asyncio.to_thread(mortal.start)
        for _ in range(20):
            tasks.create_task(accept_until(stores, lambda: len(after) > 200, after))
    answered = before | after
    kept = {request.activation_id for request in await stores.activations.accepted()}
    assert answered <= kept


async def test_server_that_is_away_is_unavailable_and_the_next_call_after_its_return_works(
    mortal: RunningPostgres, stores: SqlStores
) -> None:
    await stores.activations.record([sample_activation()])
    await asyncio.to_thread(mortal.stop)
    try:
        with pytest.raises(UnavailableError):
            await stores.activations.count(ALL)
        with pytest.raises(UnavailableError):
            await stores.entities.write(sample_action())
        with pytest.raises(UnavailableError):
            await stores.activations.accept([sample_request()])
    finally:
        await asyncio.to_thread(mortal.start)
    assert await stores.activations.count(ALL) == 1
    assert (await stores.entities.write(sample_action())).revision > 0


async def test_connections_that_are_cut_are_replaced(stores: SqlStores) -> None:
    for _ in range(3):
        async with stores.engine.reading() as connection:
            await connection.execute(text(CUT_THE_OTHERS))
        with suppress(UnavailableError):
            await stores.namespaces.set_overrides("guest", {})
        await stores.namespaces.set_overrides("guest", {"a": 1})


async def test_nobody_at_the_address_is_said_so() -> None:
    with pytest.raises(UnavailableError, match="store does not work now"):
        async with SqlStores.open("postgresql://nobody@/nothing?host=/nowhere"):
            pass


async def test_zero_character_is_the_callers_fault(stores: SqlStores) -> None:
    with pytest.raises(InvalidError, match=r"U\+0000"):
        await stores.events.append([addressed("a\x00b")])
    await stores.events.append([addressed("c")])
    assert len(await stores.events.journal(LANE, after=0, limit=9)) == 1


async def test_reader_cannot_write(stores: SqlStores) -> None:
    with pytest.raises(UnavailableError, match="read-only"):
        async with stores.engine.reading() as connection:
            await connection.execute(text("DELETE FROM namespaces"))


async def test_changes_appear_in_the_order_of_their_numbers_while_several_write(mortal: RunningPostgres) -> None:
    """A reader that goes on from the last number it saw must not miss one that was given earlier and written later."""
    async with new_database(mortal.server) as url, SqlStores.open(url) as one, SqlStores.open(url) as two:
        await one.namespaces.create(sample_namespace())
        seen = await one.namespaces.last_change()
        found: list[int] = []
        done = asyncio.Event()

        async def follow(after: int) -> None:
            while True:
                was_done = done.is_set()
                for change in await two.namespaces.changes(after):
                    after = change.sequence
                    found.append(after)
                if was_done:
                    return

        async def write(stores: SqlStores, name: str) -> None:
            for number in range(20):
                await stores.entities.write(sample_action(f"{name}{number}"))

        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(follow(seen))
            async with asyncio.TaskGroup() as writers:
                for name, stores in (("a", one), ("b", two), ("c", one), ("d", two)):
                    writers.create_task(write(stores, name))
            done.set()
            await following
        assert len(found) == 80
        assert found == sorted(found)


async def test_turns_of_a_process_that_dies_are_free(mortal: RunningPostgres) -> None:
    async with new_database(mortal.server) as url:
        dying, living = open_engine(url), open_engine(url)
        try:
            with pytest.raises(RuntimeError):
                async with dying.writing(Turn.CATALOG):
                    raise RuntimeError
            async with living.writing(Turn.CATALOG) as connection:
                assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
        finally:
            await dying.close()
            await living.close()
