"""The client of the action proxy protocol, against a real Unix socket."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ioruntime.invoker.proxy import Proxy, ProxyLostError, ProxyRefusedError

pytestmark = pytest.mark.anyio

Behaviour = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def runtime(path: Path, behave: Behaviour) -> AsyncGenerator[list[bytes]]:
    """Serve requests as `behave` says; yields the bodies seen, a fresh connection marked by an empty one."""
    seen: list[bytes] = []
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        seen.append(b"")
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                seen.append(body)
                await behave(body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield seen
    finally:
        server.close()
        for writer in connections.values():
            writer.close()
        if connections:
            await asyncio.wait(connections)


async def answer(body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def post(proxy: Proxy, body: bytes = b"{}", *, timeout_s: float = 5, limit_bytes: int = 1000) -> tuple[int, bytes, int]:
    reply = await proxy.post(b"/run", body, timeout_s=timeout_s, limit_bytes=limit_bytes)
    return reply.status, reply.body, reply.size_bytes


async def test_one_connection_serves_many_requests(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "s")
    async with runtime(tmp_path / "s", answer) as seen:
        assert await post(proxy, b"1") == (200, b"1", 1)
        assert await post(proxy, b"2") == (200, b"2", 1)
        proxy.close()
    assert seen == [b"", b"1", b"2"]


async def test_requests_at_the_same_time_have_a_connection_each(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "s")
    async with runtime(tmp_path / "s", answer), asyncio.TaskGroup() as tasks:
        replies = [tasks.create_task(post(proxy, b"%d" % i)) for i in range(10)]
    assert [r.result()[1] for r in replies] == [b"%d" % i for i in range(10)]
    proxy.close()


async def test_nobody_there_is_told_from_lost(tmp_path: Path) -> None:
    with pytest.raises(ProxyRefusedError):
        await post(Proxy(tmp_path / "none"))


async def test_a_runtime_that_dies_is_lost(tmp_path: Path) -> None:
    async def die(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with runtime(tmp_path / "s", die):
        with pytest.raises(ProxyLostError) as caught:
            await post(Proxy(tmp_path / "s"))
    assert not isinstance(caught.value, ProxyRefusedError)


async def test_a_runtime_that_is_silent_times_out_and_its_connection_is_not_used_again(tmp_path: Path) -> None:
    async def hang(body: bytes, writer: asyncio.StreamWriter) -> None:
        if body != b"hang":
            await answer(body, writer)

    proxy = Proxy(tmp_path / "s")
    async with runtime(tmp_path / "s", hang) as seen:
        with pytest.raises(TimeoutError):
            await post(proxy, b"hang", timeout_s=0.05)
        assert await post(proxy, b"next") == (200, b"next", 4)
        proxy.close()
    assert seen == [b"", b"hang", b"", b"next"]


async def test_garbage_is_a_broken_protocol(tmp_path: Path) -> None:
    async def babble(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello there\r\n\r\n")

    async with runtime(tmp_path / "s", babble):
        with pytest.raises(ProxyLostError, match="broke the protocol"):
            await post(Proxy(tmp_path / "s"))


async def test_a_huge_answer_is_counted_but_not_kept(tmp_path: Path) -> None:
    async def flood(_: bytes, writer: asyncio.StreamWriter) -> None:
        await answer(b"x" * 5_000_000, writer)

    proxy = Proxy(tmp_path / "s")
    async with runtime(tmp_path / "s", flood):
        status, body, size = await post(proxy, limit_bytes=1000)
        proxy.close()
    assert (status, size) == (200, 5_000_000)
    assert len(body) < 100_000


async def test_closing_ends_whoever_waits(tmp_path: Path) -> None:
    called = asyncio.Event()

    async def hang(_: bytes, writer: asyncio.StreamWriter) -> None:
        called.set()

    proxy = Proxy(tmp_path / "s")
    async with runtime(tmp_path / "s", hang), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_lost(proxy))
        await called.wait()
        proxy.close()
    assert waiting.result()


async def _lost(proxy: Proxy) -> bool:
    with pytest.raises(ProxyLostError):
        await post(proxy)
    return True
