"""A bare ASGI application that forwards each request over a Unix socket: `python -m benchmarks.floor_app PORT SOCKET`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

import httptools
import uvicorn
import uvloop

Message = MutableMapping[str, Any]


class Forwarder:
    """Hands on bodies, and nothing else."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._idle: list[_Connection] = []

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        del scope
        message = await receive()
        connection = self._idle.pop() if self._idle else await self._connect()
        body = await connection.ask(message["body"])
        self._idle.append(connection)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _connect(self) -> "_Connection":
        return (await asyncio.get_running_loop().create_unix_connection(_Connection, self._upstream))[1]


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from asyncio's

    def ask(self, body: bytes) -> "asyncio.Future[bytes]":
        self._body = b""
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._transport.write(b"POST / HTTP/1.1\r\nhost: floor\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._answer.set_result(self._body)


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)


def main(port: str, upstream: str) -> None:
    """Forward what comes to `port` until told to stop."""
    config = uvicorn.Config(
        Forwarder(upstream), port=int(port), http="httptools", loop="none", lifespan="off", log_config=None, access_log=False
    )
    uvloop.run(_Server(config).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
