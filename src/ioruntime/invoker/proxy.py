"""The action proxy protocol: `POST /init` and `POST /run` over a sandbox's Unix socket.

A small client of our own: one kept-alive connection per activation at a time, no pool logic, no headers that nobody
reads. What comes back is not trusted: its size is bounded while it arrives.
"""

import asyncio
from pathlib import Path
from typing import cast

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
        self._busy.add(connection)
        try:
            reply = await connection.post(path, body, timeout_s=timeout_s, limit_bytes=limit_bytes)
        except BaseException:
            connection.close()
            raise
        finally:
            self._busy.discard(connection)
        if connection.is_open:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """Close all connections; whoever waits on one gets `ProxyLostError`."""
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

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


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._reply: asyncio.Future[ProxyReply] | None = None
        self._chunks: list[bytes] = []
        self._kept_bytes = 0
        self._size_bytes = 0
        self._limit_bytes = 0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def post(self, path: bytes, body: bytes, *, timeout_s: float, limit_bytes: int) -> ProxyReply:
        assert self._transport is not None
        self._chunks, self._kept_bytes, self._size_bytes = [], 0, 0
        self._limit_bytes = limit_bytes + _RESULT_SLACK_BYTES
        self._parser = httptools.HttpResponseParser(self)
        loop = asyncio.get_running_loop()
        self._reply = loop.create_future()
        # A timer of our own: `asyncio.timeout` costs three times as much, and every request has one.
        timer = loop.call_later(timeout_s, self._give_up)
        self._transport.write(
            b"POST %b HTTP/1.1\r\nhost: action\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (path, len(body), body)
        )
        try:
            return await self._reply
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(TimeoutError())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from asyncio's

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._reply is None or self._reply.done():
            self.close()  # an answer that nobody asked for
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._lose(f"the runtime broke the protocol: {error}")
            self.close()

    def on_body(self, body: bytes) -> None:
        self._size_bytes += len(body)
        if self._kept_bytes < self._limit_bytes:
            kept = body[: self._limit_bytes - self._kept_bytes]
            self._kept_bytes += len(kept)
            self._chunks.append(kept)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self._reply is not None and not self._reply.done():
            body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._reply.set_result(ProxyReply(self._parser.get_status_code(), body, self._size_bytes))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of asyncio.Protocol
        self._lose("the runtime closed the connection")
        self._transport = None

    def _lose(self, text: str) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ProxyLostError(text))
