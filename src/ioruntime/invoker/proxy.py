"""The action proxy protocol: `POST /init` and `POST /run` over a sandbox's Unix socket.

A small client of our own: one kept-alive connection per activation at a time, no pool logic, no headers that nobody
reads. What comes back is not trusted: its size is bounded while it arrives.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias, cast

import httptools
import msgspec

_RESULT_SLACK_BYTES = 64 * 1024


class ProxyReply(msgspec.Struct, frozen=True):
    """What the runtime answered."""

    status: int
    body: bytes
    """Cut at the limit; `size_bytes` tells the whole length."""
    size_bytes: int


class ProxyLostError(Exception):
    """The runtime closed the connection, or broke the protocol, before it had answered."""


class ProxyRefusedError(ProxyLostError):
    """There was no connection to begin with: nothing was sent."""


Outcome: TypeAlias = ProxyReply | TimeoutError | ProxyLostError
"""How one request to a runtime ended."""


class Proxy:
    """Speaks to the runtime of one sandbox."""

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = str(socket_path)
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()

    async def post(self, path: bytes, body: bytes, *, timeout_s: float, limit_bytes: int) -> ProxyReply:
        """Send one request and wait for its answer.

        Raises:
            TimeoutError: no answer in time; the sandbox must be destroyed.
            ProxyRefusedError: the runtime cannot be reached; nothing was sent.
            ProxyLostError: the connection ended before the answer.
        """
        connection = self._idle_connection()
        if connection is None:
            async with asyncio.timeout(timeout_s):
                connection = await self._connect()
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._begin(connection, path, body, partial(_settle, answer), timeout_s=timeout_s, limit_bytes=limit_bytes)
        try:
            outcome = await answer
        except BaseException:
            self._busy.discard(connection)
            connection.close()
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def begin(self, path: bytes, body: bytes, done: Callable[[Outcome], None], *, timeout_s: float, limit_bytes: int) -> bool:
        """Send one request if a connection is open, and tell `done` how it ended; False: there is none, nothing was sent.

        The same as `post` for whoever has no task to wait in.
        """
        connection = self._idle_connection()
        if connection is None:
            return False
        self._begin(connection, path, body, done, timeout_s=timeout_s, limit_bytes=limit_bytes)
        return True

    def close(self) -> None:
        """Close all connections; whoever waits on one gets `ProxyLostError`."""
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

    def _begin(
        self,
        connection: "_Connection",
        path: bytes,
        body: bytes,
        done: Callable[[Outcome], None],
        *,
        timeout_s: float,
        limit_bytes: int,
    ) -> None:
        self._busy.add(connection)

        def ended(outcome: Outcome) -> None:
            self._busy.discard(connection)
            if not isinstance(outcome, ProxyReply):
                connection.close()
            elif connection.is_open:
                self._idle.append(connection)
            done(outcome)

        connection.ask(path, body, ended, timeout_s=timeout_s, limit_bytes=limit_bytes)

    def _idle_connection(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_unix_connection(_Connection, self._socket_path)
        except OSError as error:
            raise ProxyRefusedError(str(error)) from error
        return connection


def _settle(answer: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._done: Callable[[Outcome], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._chunks: list[bytes] = []
        self._kept_bytes = 0
        self._size_bytes = 0
        self._limit_bytes = 0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, path: bytes, body: bytes, done: Callable[[Outcome], None], *, timeout_s: float, limit_bytes: int) -> None:
        """Send a request; `done` hears of its end once, whatever happens. One at a time."""
        assert self._transport is not None
        self._limit_bytes = limit_bytes + _RESULT_SLACK_BYTES
        self._done, self._parser = done, None
        # A timer of our own: `asyncio.timeout` costs three times as much, and every request has one.
        self._timer = self._loop.call_later(timeout_s, self._end, TimeoutError())
        self._transport.write(
            b"POST %b HTTP/1.1\r\nhost: action\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (path, len(body), body)
        )

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from asyncio's

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            self.close()  # an answer that nobody asked for
            return
        if self._parser is None:
            reply = _whole_reply(data, self._limit_bytes)
            if reply is not None:
                self._end(reply)
                return
            self._parser = httptools.HttpResponseParser(self)
            self._chunks, self._kept_bytes, self._size_bytes = [], 0, 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ProxyLostError(f"the runtime broke the protocol: {error}"))
            self.close()

    def on_body(self, body: bytes) -> None:
        self._size_bytes += len(body)
        if self._kept_bytes < self._limit_bytes:
            kept = body[: self._limit_bytes - self._kept_bytes]
            self._kept_bytes += len(kept)
            self._chunks.append(kept)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._end(ProxyReply(self._parser.get_status_code(), body, self._size_bytes))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of asyncio.Protocol
        self._transport = None
        self._end(ProxyLostError("the runtime closed the connection"))

    def _end(self, outcome: Outcome) -> None:
        done, self._done = self._done, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if done is not None:
            done(outcome)


def _whole_reply(data: bytes, limit_bytes: int) -> ProxyReply | None:
    """Read an answer as our own runtimes write it, when all of it is there; None: let the parser read it.

    Without a parser for each answer a call costs 5 % less.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    match = _PLAIN_HEAD.fullmatch(head)
    if match is None or not end or len(body) != int(match[1]) or len(body) > limit_bytes:
        return None
    return ProxyReply(200, body, len(body))


_PLAIN_HEAD = re.compile(rb"HTTP/1\.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ([0-9]{1,9})")
