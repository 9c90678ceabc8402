"""Many callers, one transaction: each waits until its own item is on stable storage, and all share the cost."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

from ioruntime.model.errors import UnavailableError

T = TypeVar("T")

_CLOSED = "The store is closing."
_OVERLOADED = "The store has too much to do."


class _Waiting(NamedTuple, Generic[T]):
    item: T
    done: asyncio.Future[None]


class GroupCommitter(Generic[T]):
    """Collects items while one batch is being committed, and commits them as the next.

    Use it as a context manager: leaving it commits what is waiting, then refuses what comes.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Awaitable[None]], *, most: int = 500, most_waiting: int = 50_000) -> None:
        """
        Args:
            commit: makes a batch durable, all or nothing; never called twice at a time.
            most: items in one batch.
            most_waiting: callers beyond it are refused.
        """
        self._commit = commit
        self._most = most
        self._most_waiting = most_waiting
        self._waiting: deque[_Waiting[T]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<GroupCommitter [{len(self._waiting)} waiting{', closing' if self._closing else ''}]>"

    async def __aenter__(self) -> Self:
        # No TaskGroup: it would wrap each error of the body, and the task itself raises none.
        self._task = asyncio.create_task(self._run(), name="group commit")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def add(self, item: T) -> None:
        """Return when the item is durable. A caller that is cancelled earlier takes its item back if it still can.

        Raises:
            UnavailableError: closing, or too many are waiting.
            Exception: whatever `commit` raised for the batch that this item was in.
        """
        if self._closing or self._task is None:
            raise UnavailableError(_CLOSED)
        if len(self._waiting) >= self._most_waiting:
            raise UnavailableError(_OVERLOADED)
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        await waiting.done

    async def _run(self) -> None:
        try:
            while await self._has_work():
                await self._commit_batch(self._take())
        finally:
            self._closing = True
            _fail(self._waiting, UnavailableError(_CLOSED))
            self._waiting.clear()

    async def _has_work(self) -> bool:
        while not self._waiting and not self._closing:
            self._wake.clear()
            await self._wake.wait()
        return bool(self._waiting)

    def _take(self) -> list[_Waiting[T]]:
        count = min(len(self._waiting), self._most)
        taken = [self._waiting.popleft() for _ in range(count)]
        return [waiting for waiting in taken if not waiting.done.done()]

    async def _commit_batch(self, batch: list[_Waiting[T]]) -> None:
        if not batch:
            return
        try:
            await self._commit([waiting.item for waiting in batch])
        except Exception as error:  # noqa: BLE001  every caller of the batch gets it
            _fail(batch, error)
        except BaseException:
            _fail(batch, UnavailableError(_CLOSED))
            raise
        else:
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_result(None)


def _fail(batch: Sequence[_Waiting[T]] | deque[_Waiting[T]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
