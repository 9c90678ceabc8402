"""Following a namespace: who hears of what, how much is kept for a slow reader, and how it ends."""

import asyncio

import pytest

from ioruntime.core.observing.tail import Tail
from ioruntime.model.activation import Activation, new_activation_id

pytestmark = pytest.mark.anyio


def activation(namespace: str = "mine", start_ms: int = 0) -> Activation:
    return Activation(
        activation_id=new_activation_id(), namespace=namespace, name="a", version="0.0.1", subject="s", start_ms=start_ms
    )


async def test_a_reader_hears_of_its_own_namespace_from_then_on() -> None:
    tail = Tail()
    tail.recorded([activation()])
    reader = tail.follow("mine")
    hearing = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    first = activation()
    tail.recorded([activation("other"), first])
    assert await hearing is first
    await reader.aclose()
    assert repr(tail) == "<Tail of 0 readers>"


async def test_silence_is_told_too() -> None:
    reader = Tail().follow("mine", beat_s=0)
    assert await anext(reader) is None
    await reader.aclose()


async def test_every_reader_ends_when_the_platform_stops() -> None:
    tail = Tail()
    readers = [tail.follow("mine"), tail.follow("other")]
    hearing = [asyncio.ensure_future(anext(reader, "end")) for reader in readers]
    await asyncio.sleep(0)
    tail.close()
    assert [await each for each in hearing] == ["end", "end"]
    assert [each async for each in tail.follow("mine")] == []


async def test_a_slow_reader_loses_the_oldest() -> None:
    tail = Tail()
    reader = tail.follow("mine", beat_s=0)
    assert await anext(reader) is None
    tail.recorded([activation(start_ms=at) for at in range(1_500)])
    heard = await anext(reader)
    assert heard is not None
    assert heard.start_ms == 500
    await reader.aclose()
