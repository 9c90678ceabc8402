"""One process's connection to NATS: publish in order, ask one, ask all who are there."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Self, TypeAlias

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from ioruntime.model.errors import CorruptError, UnavailableError

Handler: TypeAlias = Callable[[bytes], Awaitable[bytes | None]]
"""Gets a message; what it returns is the answer, if one is wanted. None: this process has nothing to say."""
_CONNECT_S = 10
_RECONNECT_S: Any = 0.2  # the client sleeps so long, and declares whole seconds
_PING_S = 5
_FLUSH_S = 2
_LOOK_S = 0.25
_QUEUED_MOST = 100_000


class Link:
    """Open it with `connect`. After a lost connection it comes back by itself, with all its subscriptions."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._outgoing: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_QUEUED_MOST)

    def __repr__(self) -> str:
        return f"<Link [{'connected' if self.is_connected else 'away'}, {self._outgoing.qsize()} to send]>"

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, url: str, *, name: str) -> AsyncGenerator[Self]:
        """Be connected while the context lasts.

        Args:
            url: `nats://HOST:PORT` or `tls://...`, with `USER:PASSWORD@` if need be; several with commas between them.
            name: how the server lists us.

        Raises:
            UnavailableError: nobody answers there.
        """
        client = Client()
        try:
            await client.connect(
                servers=[each.strip() for each in url.split(",")],
                name=name,
                error_cb=_silent,
                connect_timeout=_CONNECT_S,
                allow_reconnect=True,
                max_reconnect_attempts=3,
                reconnect_time_wait=_RECONNECT_S,
                ping_interval=_PING_S,
                max_outstanding_pings=2,
            )
        except (NatsError, OSError, ValueError) as error:
            raise UnavailableError(f"NATS cannot be reached: {error or type(error).__name__}.") from error
        # Only the first connection gives up: an operator wants to hear of a wrong URL, and not of a restart.
        client.options["max_reconnect_attempts"] = -1
        link = cls(client)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(link._send(), name="send to NATS")
            try:
                yield link
                await link.flushed()
            finally:
                sending.cancel()
                with contextlib.suppress(NatsError, OSError):
                    await client.close()

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def payload_bytes_most(self) -> int:
        """What the server takes in one message."""
        return self._client.max_payload

    def publish(self, subject: str, data: bytes) -> None:
        """Send a message after those before it; what is too much while the server is away is dropped."""
        with contextlib.suppress(asyncio.QueueFull):
            self._outgoing.put_nowait((subject, data))

    async def flushed(self) -> None:
        """Wait until what was published is with the server, for a while."""
        with contextlib.suppress(TimeoutError, NatsError):
            async with asyncio.timeout(2):
                await self._outgoing.join()
                await self._client.flush(timeout=1)

    async def ask(self, subject: str, data: bytes, *, wait_s: float) -> bytes | None:
        """Ask one process; None when its answer does not come in time, though it may have heard.

        Raises:
            UnavailableError: nobody listens there, or we are not connected: nobody heard.
        """
        if not self.is_connected:
            raise UnavailableError("NATS is away.")
        try:
            answer = await self._client.request(subject, data, timeout=wait_s)
        except NoRespondersError as error:
            raise UnavailableError("Nobody listens there.") from error
        except (TimeoutError, NatsError):
            return None
        return answer.data

    async def ask_all(self, subject: str, data: bytes, *, enough: Callable[[list[bytes]], bool], wait_s: float) -> list[bytes]:
        """Ask everybody; return what was answered until it is enough, or the time is over.

        Raises:
            UnavailableError: we are not connected.
        """
        if not self.is_connected:
            raise UnavailableError("NATS is away.")
        answers: list[bytes] = []
        done = asyncio.Event()

        async def take(message: Msg) -> None:
            if message.data:  # an empty one says that nobody listens
                answers.append(message.data)
            done.set()

        try:
            inbox = self._client.new_inbox()
            subscription = await self._subscribe(inbox, take)
            try:
                await self._client.publish(subject, data, reply=inbox)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        while not enough(answers):  # looked at again: of whom answers are wanted, some may go
                            done.clear()
                            await _rung(done)
            finally:
                await subscription.unsubscribe()
        except NatsError as error:
            raise UnavailableError("NATS is away.") from error
        return answers

    async def listen(self, subject: str, handler: Handler) -> Callable[[], Awaitable[None]]:
        """Give what comes to `handler`, one after the other; return what ends it."""

        async def take(message: Msg) -> None:
            try:
                answer = await handler(message.data)
            except CorruptError:
                return  # of another version, or nobody of ours
            if answer is not None and message.reply:
                with contextlib.suppress(NatsError):
                    await message.respond(answer)

        subscription = await self._subscribe(subject, take)
        with contextlib.suppress(TimeoutError, NatsError):  # while the server is away, it is told when it is back
            await self._client.flush(timeout=_FLUSH_S)  # others may ask as soon as this returns
        return subscription.unsubscribe

    async def _subscribe(self, subject: str, take: Callable[[Msg], Awaitable[None]]) -> Subscription:
        client: Any = self._client  # the type of its method is not known in full
        return await client.subscribe(subject, cb=take)

    async def _send(self) -> None:
        while True:
            subject, data = await self._outgoing.get()
            try:
                await self._client.publish(subject, data)
            except NatsError:
                pass  # too large, or too much waits: whoever misses it asks again
            finally:
                self._outgoing.task_done()


async def _rung(bell: asyncio.Event) -> None:
    """Wait for a bell, but not for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_S):
            await bell.wait()


async def _silent(_error: Exception) -> None:
    """Say nothing of a connection that is lost and tried again: `/ping` tells, and whoever needs it."""
