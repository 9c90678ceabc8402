"""What one process of a cluster does for all: deliver events, fire alarms, tidy up. Another takes over when it goes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

Work: TypeAlias = Callable[[], Awaitable[None]]
"""Runs until it is cancelled, and may be run again."""


class Lease(Protocol):
    """Who leads."""

    def held(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """Wait until it is ours; give what is set when it is lost."""
        ...


async def lead(lease: Lease, works: Sequence[Work]) -> None:
    """Do the works, for ever, while the lease is ours."""
    while True:
        async with lease.held() as lost:
            await _work_until(lost, works)


async def _work_until(lost: asyncio.Event, works: Sequence[Work]) -> None:
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(_done(work), name="lead") for work in works]
        await lost.wait()
        for task in working:
            task.cancel()


async def _done(work: Work) -> None:
    await work()
