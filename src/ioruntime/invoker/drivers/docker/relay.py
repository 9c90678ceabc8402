"""Carries bytes between a sandbox's Unix socket and the port of its container, both ways, until either side ends."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

_CHUNK_BYTES = 64 * 1024
_AGAIN_S = 0.02
"""Pause between attempts to reach a container whose program does not listen yet."""


class Relay:
    """Accepts on `listener` from `open` until `close`."""

    def __init__(self, listener: socket.socket, dial: Callable[[], Awaitable[socket.socket]]) -> None:
        """Take the listening socket over.

        Args:
            listener: a Unix socket; closed with the relay.
            dial: makes a connected TCP socket; raises OSError while nobody listens inside.
        """
        self._listener = listener
        self._dial = dial
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, sock=self._listener)

    async def close(self) -> None:
        """Break off every connection, and refuse new ones."""
        if self._server is not None:
            self._server.close()
        self._listener.close()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # A task that ends cancelled would be reported as a fault by the server's own call-back.
            with suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(sock=await self._reach())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, inner_writer))
                tasks.create_task(_pump(inner_reader, writer))
        except* OSError:
            pass  # either side is gone: so is the connection
        finally:
            inner_writer.close()

    async def _reach(self) -> socket.socket:
        while True:
            try:
                return await self._dial()
            except ConnectionRefusedError:
                await asyncio.sleep(_AGAIN_S)  # nothing tells when a program begins to listen


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
