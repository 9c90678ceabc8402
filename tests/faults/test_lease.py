"""A lease has one holder, and the next one when that is gone."""

import asyncio

import pytest

from ioruntime.stores.sql.lease import SqlLease
from ioruntime.testing.engines.postgres import RunningPostgres, new_database, running_postgres

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.timeout(180)]


async def test_lease_goes_from_one_to_the_next(postgres: RunningPostgres) -> None:
    order: list[str] = []

    async def work(name: str, url: str) -> None:
        async with SqlLease(url, 1).held():
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    async with new_database(postgres.server) as url, asyncio.TaskGroup() as tasks:
        for name in ("a", "b", "c"):
            tasks.create_task(work(name, url))
    assert [line.split()[1] for line in order] == ["begins", "ends"] * 3
    assert all(begin[0] == end[0] for begin, end in zip(order[::2], order[1::2], strict=True))


async def test_other_numbers_are_other_leases(postgres: RunningPostgres) -> None:
    async with new_database(postgres.server) as url, SqlLease(url, 1).held(), SqlLease(url, 2).held():
        pass


async def test_lease_is_lost_with_the_server_and_had_again_afterwards() -> None:
    with running_postgres() as mortal:
        lease = SqlLease(mortal.server.url(), 1)
        async with lease.held() as lost:
            assert not lost.is_set()
            await asyncio.to_thread(mortal.kill)
            async with asyncio.timeout(60):
                await lost.wait()
        await asyncio.to_thread(mortal.start)
        async with asyncio.timeout(60), lease.held() as lost:
            assert not lost.is_set()
