"""Answers without a known end: server-sent events, until the client leaves or there is nothing more to tell."""

import asyncio
from collections.abc import AsyncGenerator

from ioruntime.faces.http.call import Receive, Reply, Send

EVENTS = b"text/event-stream; charset=utf-8"
BEAT = b": still here\n\n"
"""A comment, so that whoever stands between does not take silence for an end."""


class StreamReply(Reply, frozen=True, kw_only=True):
    """What is sent piece by piece; its `body` is empty."""

    pieces: AsyncGenerator[bytes]


def events(pieces: AsyncGenerator[bytes]) -> StreamReply:
    """Answer with server-sent events."""
    headers = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
    return StreamReply(content_type=EVENTS, headers=headers, pieces=pieces)


def event(data: str, *, name: str = "", event_id: str = "") -> bytes:
    """Write one event; every line of its data is a line of its own."""
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {name}\n" if name else "")
    return (head + "".join(f"data: {line}\n" for line in data.splitlines() or [""]) + "\n").encode()


async def send_pieces(reply: StreamReply, receive: Receive, send: Send) -> None:
    """Send the pieces behind a head that is sent already."""
    async with asyncio.TaskGroup() as tasks:
        pumping = tasks.create_task(_pump(reply.pieces, send), name="send a stream")
        watching = tasks.create_task(_cancel_when_gone(receive, pumping), name="watch whether its reader is there")
        pumping.add_done_callback(lambda _: watching.cancel())


async def _pump(pieces: AsyncGenerator[bytes], send: Send) -> None:
    try:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        await pieces.aclose()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _cancel_when_gone(receive: Receive, pumping: asyncio.Task[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    pumping.cancel()
