"""Who gets which sandbox, and what becomes of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ioruntime.invoker.entry import Entry
from ioruntime.invoker.pool import Pool, Want
from ioruntime.ports.sandbox import Interpreter, SandboxError, SandboxSpec
from ioruntime.testing.clock import HandClock
from ioruntime.testing.fake_sandbox import FakeDriver

pytestmark = pytest.mark.anyio

NODE = SandboxSpec(Interpreter("nodejs:24", ("node",)), 256)


def want(owner: str, *, capacity: int = 1, spec: SandboxSpec = NODE) -> Want:
    return Want(owner.partition("/")[0], owner, spec, capacity)


@asynccontextmanager
async def pool_of(
    sandboxes: int, driver: FakeDriver | None = None, *, prewarm: int = 0, clock: HandClock | None = None
) -> AsyncGenerator[Pool]:
    async with Pool(
        driver or FakeDriver(),
        memory_mb=256 * sandboxes,
        clock=clock or HandClock(),
        prewarm={NODE: prewarm} if prewarm else None,
    ) as pool:
        yield pool


async def use(pool: Pool, owner: str, *, capacity: int = 1) -> str:
    async with pool.claim(want(owner, capacity=capacity)) as entry:
        return entry.id


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_sandbox_is_used_again_by_its_action_only() -> None:
    async with pool_of(4) as pool:
        first = await use(pool, "guest/a@1")
        assert await use(pool, "guest/a@1") == first
        assert await use(pool, "guest/a@2") != first
        assert await use(pool, "other/a@1") != first
        assert repr(pool) == "<Pool [idle guest/a@1, idle guest/a@2, idle other/a@1]>"


async def test_a_prewarmed_one_is_taken_and_replaced() -> None:
    async with pool_of(4, prewarm=1) as pool:
        await pool.prewarmed()
        assert repr(pool) == "<Pool [prewarm]>"
        await use(pool, "guest/a@1")
        await settle()
        assert repr(pool) == "<Pool [idle guest/a@1, prewarm]>"


async def test_capacity_lets_several_in_at_once() -> None:
    async with (
        pool_of(4) as pool,
        pool.claim(want("guest/a@1", capacity=3)) as first,
        pool.claim(want("guest/a@1", capacity=3)) as second,
    ):
        assert first is second
        assert repr(pool) == "<Pool [running guest/a@1 x2]>"


async def test_claims_wait_together_for_the_same_start() -> None:
    driver = FakeDriver()
    driver.gate.clear()
    async with pool_of(4, driver) as pool, asyncio.TaskGroup() as tasks:
        uses = [tasks.create_task(use(pool, "guest/a@1", capacity=10)) for _ in range(5)]
        await settle()
        driver.gate.set()
        await asyncio.wait(uses)
        assert len({u.result() for u in uses}) == 1
        assert len(driver.started) == 1


async def test_an_idle_stranger_makes_room() -> None:
    driver = FakeDriver()
    async with pool_of(1, driver) as pool:
        await use(pool, "guest/a@1")
        await use(pool, "other/b@1")
        assert repr(pool) == "<Pool [idle other/b@1]>"
        assert driver.alive == {"fake-1"}


async def test_a_failed_activation_ends_its_sandbox() -> None:
    driver = FakeDriver()
    async with pool_of(2, driver) as pool:
        with pytest.raises(ZeroDivisionError):
            async with pool.claim(want("guest/a@1")):
                raise ZeroDivisionError
        await settle()
        assert repr(pool) == "<Pool [empty]>"
        assert not driver.alive


async def test_a_namespace_with_many_waiting_does_not_starve_another() -> None:
    order: list[str] = []

    async def run(pool: Pool, owner: str) -> None:
        async with pool.claim(want(owner)):
            order.append(owner[0])
            await asyncio.sleep(0)

    async with pool_of(1) as pool, asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(run(pool, "a/x@1"))
        await settle()
        tasks.create_task(run(pool, "b/x@1"))
    assert order.index("b") < 15
    assert len(order) == 51


async def test_who_wants_more_than_there_is_gets_an_error_and_blocks_nobody() -> None:
    async with pool_of(1) as pool:
        with pytest.raises(SandboxError, match="512 MB are more than the 256 MB"):
            async with pool.claim(want("guest/big@1", spec=SandboxSpec(NODE.interpreter, 512))):
                pass
        await use(pool, "guest/a@1")


async def test_a_driver_that_fails_is_an_error_for_who_asked_and_leaves_nothing() -> None:
    driver = FakeDriver()
    driver.broken = True
    failures: list[SandboxError] = []
    async with Pool(driver, memory_mb=512, clock=HandClock(), on_start_failed=failures.append) as pool:
        with pytest.raises(SandboxError, match="no sandboxes today"):
            await use(pool, "guest/a@1")
        assert repr(pool) == "<Pool [empty]>"
        driver.broken = False
        await use(pool, "guest/a@1")
    assert len(failures) == 1


async def test_a_cancelled_start_gives_the_memory_back() -> None:
    driver = FakeDriver()
    driver.gate.clear()
    async with pool_of(1, driver) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await use(pool, "guest/a@1")
        driver.gate.set()
        await settle()
        assert repr(pool) == "<Pool [prewarm]>"
        await use(pool, "other/b@1")
        assert repr(pool) == "<Pool [idle other/b@1]>"


async def test_a_cancelled_wait_is_forgotten() -> None:
    async with pool_of(1) as pool, pool.claim(want("guest/a@1")):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await use(pool, "guest/b@1")
        assert pool.waiting == 0


async def test_a_sandbox_that_dies_idle_is_noticed() -> None:
    driver = FakeDriver()
    async with pool_of(2, driver) as pool:
        await use(pool, "guest/a@1")
        driver.started[0].die()
        await settle()
        assert repr(pool) == "<Pool [empty]>"


async def test_idle_ones_sleep_wake_and_expire() -> None:
    driver, clock = FakeDriver(), HandClock()
    async with pool_of(2, driver, clock=clock) as pool:
        await use(pool, "guest/a@1")
        clock.s += 10
        pool._sweep_once()
        await settle()
        assert repr(pool) == "<Pool [paused guest/a@1]>"
        await use(pool, "guest/a@1")
        assert driver.started[0].calls == ["pause", "resume"]
        clock.s += 600
        pool._sweep_once()
        await settle()
        assert repr(pool) == "<Pool [empty]>"


async def test_a_deleted_namespace_loses_its_sandboxes_at_once() -> None:
    driver = FakeDriver()
    async with pool_of(4, driver) as pool:
        await use(pool, "guest/guest/a@1")
        await use(pool, "other/other/a@1")
        pool.retire("guest")
        await settle()
        assert repr(pool) == "<Pool [idle other/other/a@1]>"


async def test_an_update_retires_idle_sandboxes_of_the_action_and_of_a_package() -> None:
    async with pool_of(4) as pool:
        for owner in ("guest/guest/a@1", "guest/guest/ab@1", "guest/guest/p/a@1"):
            await use(pool, owner)
        pool.retire_idle("guest/a")
        await settle()
        assert repr(pool) == "<Pool [idle guest/guest/ab@1, idle guest/guest/p/a@1]>"
        pool.retire_idle("guest/p")
        await settle()
        assert repr(pool) == "<Pool [idle guest/guest/ab@1]>"


async def test_abandoning_ends_waiters_and_sandboxes() -> None:
    async def waiter(pool: Pool) -> str:
        try:
            return await use(pool, "guest/b@1")
        except SandboxError as error:
            return str(error)

    async with pool_of(1) as pool, pool.claim(want("guest/a@1")), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(waiter(pool))
        await settle()
        pool.abandon()
    assert "the platform stops" in waiting.result()


async def test_closing_destroys_everything() -> None:
    driver = FakeDriver()
    async with pool_of(4, driver, prewarm=2) as pool:
        await use(pool, "guest/a@1")
    assert not driver.alive
    assert driver.closed


async def test_an_entry_says_what_it_is() -> None:
    entry = Entry(1, NODE, "guest/a@1", 5)
    entry.running = 3
    assert repr(entry) == "starting guest/a@1 x3"
