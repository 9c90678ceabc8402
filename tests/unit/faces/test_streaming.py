"""Answers that are sent piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any

import pytest

from ioruntime.faces.http.streaming import event, events, send_pieces

pytestmark = pytest.mark.anyio


def test_an_event_has_a_line_for_each_line_of_its_data() -> None:
    assert event("a\nb", name="n", event_id="7") == b"id: 7\nevent: n\ndata: a\ndata: b\n\n"
    assert event("") == b"data: \n\n"


async def test_a_stream_ends_when_there_is_nothing_more() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def pieces() -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"

    async def never() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await send_pieces(events(pieces()), never, send)
    assert [(message["body"], message["more_body"]) for message in sent] == [(b"one", True), (b"two", True), (b"", False)]


async def test_a_stream_is_closed_when_its_reader_leaves() -> None:
    is_closed = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes]:
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            is_closed.set()

    async def gone() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_: MutableMapping[str, Any]) -> None:
        await asyncio.sleep(0)

    await send_pieces(events(pieces()), gone, send)
    assert is_closed.is_set()
