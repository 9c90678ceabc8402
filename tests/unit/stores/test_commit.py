"""Group commit: who shares a transaction, and who hears of its failure."""

import asyncio
from collections.abc import Sequence

import pytest

from ioruntime.model.errors import UnavailableError
from ioruntime.stores.sql.commit import GroupCommitter

pytestmark = pytest.mark.anyio


class HeldCommit:
    """Commits when it is let go, and remembers the batches."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.started = asyncio.Event()
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, batch: Sequence[int]) -> None:
        self.batches.append(list(batch))
        self.started.set()
        await self.go.wait()


async def broken(batch: Sequence[int]) -> None:
    raise UnavailableError(f"no room for {len(batch)}")


async def test_concurrent_callers_share_batches_of_bounded_size() -> None:
    commit = HeldCommit()
    async with GroupCommitter(commit, most=400) as committer, asyncio.TaskGroup() as tasks:
        for number in range(1000):
            tasks.create_task(committer.add(number))
    assert [len(batch) for batch in commit.batches] == [400, 400, 200]
    assert [number for batch in commit.batches for number in batch] == list(range(1000))


async def test_what_comes_during_a_commit_is_the_next_batch() -> None:
    commit = HeldCommit(held=True)
    async with GroupCommitter(commit) as committer, asyncio.TaskGroup() as tasks:
        tasks.create_task(committer.add(1))
        await commit.started.wait()
        for number in (2, 3):
            tasks.create_task(committer.add(number))
        await asyncio.sleep(0)
        assert repr(committer) == "<GroupCommitter [2 waiting]>"
        commit.go.set()
    assert commit.batches == [[1], [2, 3]]


async def test_failure_reaches_every_caller_of_the_batch_and_no_other() -> None:
    fail = True

    async def commit(batch: Sequence[int]) -> None:
        if fail:
            await broken(batch)

    async with GroupCommitter(commit) as committer:
        tasks = [asyncio.create_task(committer.add(number)) for number in range(3)]
        await asyncio.wait(tasks)
        assert [str(task.exception()) for task in tasks] == ["no room for 3"] * 3
        fail = False
        await committer.add(4)


async def test_cancelled_caller_takes_its_item_back_and_disturbs_nobody() -> None:
    commit = HeldCommit(held=True)
    async with GroupCommitter(commit) as committer:
        tasks = [asyncio.create_task(committer.add(0))]
        await commit.started.wait()
        tasks += [asyncio.create_task(committer.add(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        commit.go.set()
        await asyncio.wait(tasks)
    assert commit.batches == [[0], [2]]
    assert [task.cancelled() for task in tasks] == [False, True, False]


async def test_caller_cancelled_during_its_commit_disturbs_nobody() -> None:
    commit = HeldCommit(held=True)
    async with GroupCommitter(commit) as committer:
        tasks = [asyncio.create_task(committer.add(number)) for number in (1, 2)]
        await commit.started.wait()
        tasks[0].cancel()
        commit.go.set()
        await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True, False]


async def test_too_many_waiting_are_refused() -> None:
    commit = HeldCommit(held=True)
    async with GroupCommitter(commit, most_waiting=1) as committer, asyncio.TaskGroup() as tasks:
        tasks.create_task(committer.add(1))
        await commit.started.wait()
        tasks.create_task(committer.add(2))
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="too much"):
            await committer.add(3)
        commit.go.set()


async def test_closing_commits_what_waits_and_refuses_what_comes() -> None:
    commit = HeldCommit()
    async with GroupCommitter(commit) as committer:
        task = asyncio.create_task(committer.add(1))
        await asyncio.sleep(0)
    await task
    assert commit.batches == [[1]]
    with pytest.raises(UnavailableError, match="closing"):
        await committer.add(2)


async def test_cancelled_closing_leaves_nobody_waiting() -> None:
    commit = HeldCommit(held=True)
    adding: list[asyncio.Task[None]] = []

    async def use() -> None:
        async with GroupCommitter(commit, most=2) as committer:
            adding.extend(asyncio.create_task(committer.add(number)) for number in (1, 2, 3))
            await commit.started.wait()

    using = asyncio.create_task(use())
    await commit.started.wait()
    await asyncio.sleep(0)
    using.cancel()
    await asyncio.wait([using, *adding])
    assert [type(task.exception()) for task in adding] == [UnavailableError] * 3
