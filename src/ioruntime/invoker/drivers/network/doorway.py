"""The way from inside a sandbox to the platform's own API: bytes are carried between two sockets, nothing is read."""

import asyncio
import socket
from ipaddress import IPv4Address
from typing import cast
from urllib.parse import urlsplit

import msgspec

_CONNECTIONS_MOST = 64


class Api(msgspec.Struct, frozen=True):
    """Where the platform's API is."""

    host: str
    """As actions are told it: a name, or an address."""
    port: int

    @classmethod
    def of(cls, url: str) -> "Api":
        parts = urlsplit(url)
        return cls(parts.hostname or "localhost", parts.port or (443 if parts.scheme == "https" else 80))

    @property
    def inside(self) -> IPv4Address:
        """The address at which a sandbox finds it: the same, or its own loopback when the host has a name."""
        loopback = IPv4Address("127.0.0.1")
        try:
            address = IPv4Address(self.host)
        except ValueError:
            return loopback
        return loopback if address.is_unspecified else address

    @property
    def has_name(self) -> bool:
        """Whether the name must be known inside."""
        return self.host != "localhost" and not self.host.replace(".", "").isdecimal() and ":" not in self.host


class Doorway:
    """Open from `open` to `close`; at most 64 connections of one sandbox at once."""

    def __init__(self, listener: socket.socket, api: Api) -> None:
        self._listener = listener
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._open: set[_Side] = set()
        self._dialling: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Break all connections off; the listener stays its owner's."""
        self._loop.remove_reader(self._listener)
        for task in self._dialling:
            task.cancel()
        for side in tuple(self._open):
            side.abort()

    def _accept(self) -> None:
        try:
            accepted, _address = self._listener.accept()
        except OSError:
            return  # the caller gave up already
        if len(self._open) >= 2 * _CONNECTIONS_MOST:
            accepted.close()
            return
        accepted.setblocking(False)
        task = self._loop.create_task(self._carry(accepted), name="carry to the API")
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _carry(self, accepted: socket.socket) -> None:
        inner, outer = _Side(self._open), _Side(self._open)
        inner.other, outer.other = outer, inner
        try:
            await self._loop.create_connection(lambda: outer, self._api.host, self._api.port)
            await self._loop.connect_accepted_socket(lambda: inner, accepted)
        except OSError:
            accepted.close()
            outer.abort()
        except BaseException:
            accepted.close()
            outer.abort()
            raise


class _Side(asyncio.Protocol):
    """One end of a connection; what it hears it passes to the other, as fast as that takes it."""

    def __init__(self, opened: "set[_Side]") -> None:
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self.other: _Side | None = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        else:
            self._transport.write(data)

    def end(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from asyncio's
        self._opened.add(self)
        for data in self._early:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        self.other.send(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:  # noqa: SLF001 - the two sides are one thing
            self.other._transport.pause_reading()  # noqa: SLF001

    def resume_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:  # noqa: SLF001
            self.other._transport.resume_reading()  # noqa: SLF001

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of asyncio.Protocol
        self._opened.discard(self)
        self._transport = None
        if self.other is not None:
            self.other.end()
