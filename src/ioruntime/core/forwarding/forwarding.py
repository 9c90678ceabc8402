"""Sends the logs of activations where their namespaces want them, behind everybody's back.

Lines come from the recorder when their records are on disk, so nothing on the way of an activation waits for a
destination. Each namespace that has something to send has one task; it ends when its queue is empty.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Self

import msgspec

from ioruntime.core.forwarding.destinations import HERE, Destination, read_destination, stored_destination
from ioruntime.core.forwarding.outbox import Queue, Sizes, is_delivered, is_worth_another_try
from ioruntime.core.forwarding.requests import LogLine, lines_of, webhook_of
from ioruntime.core.forwarding.troubles import Troubles
from ioruntime.model.activation import Activation
from ioruntime.model.errors import ForbiddenError, IoRuntimeError, UnavailableError
from ioruntime.model.note import Note, note_path
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore
from ioruntime.ports.webhooks import Webhook, WebhookSender

_TOPIC = "forwarding"
_KEY = note_path("", _TOPIC, "").key
_CLOSE_S = 3.0
"""How long the end of the platform waits for lines that are left."""


class Pace(msgspec.Struct, frozen=True):
    """When to send; seconds."""

    linger_s: float = 1.0
    """How long a line waits for others to be sent with."""
    retry_s: tuple[float, ...] = (1.0, 5.0, 20.0, 60.0)
    """Waits before the second, third... try of a batch; after the last it is given up."""


class LogForwarding:
    """The destinations of all namespaces, and what is on its way to them."""

    def __init__(
        self, *, entities: EntityStore, sender: WebhookSender, clock: Clock, pace: Pace | None = None, sizes: Sizes | None = None
    ) -> None:
        self._entities = entities
        self._sender = sender
        self._clock = clock
        self._pace = pace or Pace()
        self._sizes = sizes or Sizes()
        self._troubles = Troubles(entities, clock)
        self._destinations: dict[str, Destination] = {}
        self._queues: dict[str, Queue] = {}
        self._tasks = asyncio.TaskGroup()
        self._sending: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for note in await self._entities.everywhere(Collection.NOTES):
            if isinstance(note, Note) and note.path.key == _KEY:
                self._remember(note.path.namespace, stored_destination(note.content))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give what is left one try, and a few seconds."""
        self._closing.set()
        if self._sending:
            late = await asyncio.wait(self._sending, timeout=_CLOSE_S)
            for task in late[1]:
                task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def __repr__(self) -> str:
        return f"<LogForwarding [{len(self._destinations)} destinations, {self._waiting_bytes} bytes wait]>"

    async def read(self, namespace: str) -> Destination:
        """Return where the namespace's logs go."""
        found = await self._entities.read(note_path(namespace, _TOPIC, ""))
        return stored_destination(found.content) if isinstance(found, Note) else HERE

    async def choose(self, namespace: str, document: Any) -> Destination:
        """Send the namespace's logs there from now on.

        Raises:
            InvalidError: it is no destination.
            ConflictError: somebody else chose at the same time.
        """
        destination = read_destination(document, self._clock.now_ms())
        found = await self._entities.read(note_path(namespace, _TOPIC, ""))
        note = found if isinstance(found, Note) else Note.of(namespace, _TOPIC, "", {})
        await self._entities.write(msgspec.structs.replace(note, content=destination.content(), updated_ms=self._clock.now_ms()))
        await self._troubles.clear(namespace)
        self._remember(namespace, destination)
        return destination

    async def troubles(self, namespace: str) -> list[str]:
        """Return what went wrong lately, oldest first."""
        return await self._troubles.list(namespace)

    def written(self, activations: Sequence[Activation]) -> None:
        """Take the lines of activations whose records are on disk."""
        if not self._destinations or self._closing.is_set():
            return
        for activation in activations:
            if activation.namespace in self._destinations and activation.logs:
                self._add(activation.namespace, lines_of(activation))

    def forget(self, namespace: str, key: str | None) -> None:
        """Read a destination again that another process wrote; None: its namespace is gone."""
        if key is None:
            self._destinations.pop(namespace, None)
        elif key == _KEY and not self._closing.is_set():
            self._start(self._reload(namespace), f"read the log destination of {namespace}")

    async def drained(self) -> None:
        """Wait until nothing is on its way."""
        while self._sending:
            await asyncio.wait(self._sending)

    @property
    def _waiting_bytes(self) -> int:
        return sum(queue.size_bytes for queue in self._queues.values())

    def _remember(self, namespace: str, destination: Destination) -> None:
        if destination.kind == HERE.kind:
            self._destinations.pop(namespace, None)
        else:
            self._destinations[namespace] = destination

    async def _reload(self, namespace: str) -> None:
        with contextlib.suppress(IoRuntimeError):
            self._remember(namespace, await self.read(namespace))

    def _add(self, namespace: str, lines: Sequence[LogLine]) -> None:
        if not lines:
            return
        queue = self._queues.get(namespace)
        is_new = queue is None
        queue = queue or self._queues.setdefault(namespace, Queue())
        own, all_ = self._sizes.queue_bytes - queue.size_bytes, self._sizes.total_bytes - self._waiting_bytes
        queue.add(lines, room_bytes=max(0, min(own, all_)))
        if is_new:
            self._start(self._send_all(namespace, queue), f"forward the logs of {namespace}")

    def _start(self, work: Any, name: str) -> None:
        task = self._tasks.create_task(work, name=name)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_all(self, namespace: str, queue: Queue) -> None:
        try:
            await self._pause(self._pace.linger_s)
            while queue or queue.dropped:
                await self._send_batch(namespace, queue)
        finally:
            del self._queues[namespace]

    async def _send_batch(self, namespace: str, queue: Queue) -> None:
        batch = queue.take(self._sizes)
        destination = self._destinations.get(namespace)
        if destination is not None and batch:
            failure = await self._deliver(webhook_of(destination.settings, batch, self._clock.now_ms()))
            if failure is not None:
                await self._troubles.add(namespace, f"{len(batch)} log lines were not delivered: {failure}")
        if queue.dropped:
            dropped, queue.dropped = queue.dropped, 0
            await self._troubles.add(namespace, f"{dropped} log lines were dropped: too many wait for the destination.")

    async def _deliver(self, webhook: Webhook) -> str | None:
        """Send, several times if need be; return why it did not work in the end."""
        failure = ""
        for wait_s in (*self._pace.retry_s, None):
            try:
                status = await self._sender.send(webhook)
            except UnavailableError as error:
                failure = str(error)
            except ForbiddenError as error:
                return str(error)
            else:
                if is_delivered(status):
                    return None
                failure = f"the destination answered with status {status}."
                if not is_worth_another_try(status):
                    return failure
            if wait_s is None or self._closing.is_set():
                break
            await self._pause(wait_s)
        return failure

    async def _pause(self, wait_s: float) -> None:
        """Wait, but not longer than the platform lives."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._closing.wait()
