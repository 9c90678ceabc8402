"""Webhooks over real sockets: what arrives, what is said when nothing answers, and where nothing is sent."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult

from ioruntime.client.sender import AiohttpSender
from ioruntime.model.addresses import is_public
from ioruntime.model.errors import ForbiddenError, UnavailableError
from ioruntime.ports.webhooks import NoTrustError, Webhook
from ioruntime.testing.certificates import make_certificate

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncGenerator[str]:
    application = web.Application()
    application.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_webhook_arrives_as_it_was_made() -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.path_qs, request.headers["authorization"], await request.read()))
        return web.Response(status=202)

    async with served(take) as url, AiohttpSender(private_hosts=True) as sender:
        for _ in range(2):
            assert await sender.send(Webhook(f"{url}/a%2Fb?c=d", (("authorization", "Splunk x"),), b"{}")) == 202
    assert seen == [("/a%2Fb?c=d", "Splunk x", b"{}")] * 2


async def test_redirections_are_not_followed() -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("/other")

    async with served(elsewhere) as url, AiohttpSender(private_hosts=True) as sender:
        assert await sender.send(Webhook(url, (), b"")) == 302


async def test_who_does_not_answer_is_given_up() -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with served(never) as url, AiohttpSender(private_hosts=True, timeout_s=0.05) as sender:
        with pytest.raises(UnavailableError, match="did not answer in time"):
            await sender.send(Webhook(url, (), b""))


async def test_who_answers_without_end_is_read_a_little() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 8192)
        return response

    async with served(endless) as url, AiohttpSender(private_hosts=True) as sender:
        answer = await sender.exchange(Webhook(url, (), b""))
    assert (answer.status, len(answer.body)) == (200, 64 * 1024)


@asynccontextmanager
async def raw(*lines: bytes, tls: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """Serve connections that say this to every request and end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"".join(lines))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((), id="before a word"),
        pytest.param((b"HTTP/1.1 200 OK\r\nContent-Le",), id="in the headers"),
        pytest.param((b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",), id="in the body"),
        pytest.param((b"SSH-2.0-OpenSSH_9.2\r\n",), id="with another protocol"),
    ],
)
async def test_who_breaks_off_gave_no_answer(lines: tuple[bytes, ...]) -> None:
    async with raw(*lines) as port, AiohttpSender(private_hosts=True) as sender:
        with pytest.raises(UnavailableError, match="broke the connection off"):
            await sender.send(Webhook(f"http://127.0.0.1:{port}/", (), b"{}"))


async def test_a_certificate_by_nobody_is_not_trusted(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = make_certificate(tmp_path)
    context.load_cert_chain(files.cert, files.key)
    async with raw(b"HTTP/1.1 200 OK\r\n\r\n", tls=context) as port, AiohttpSender(private_hosts=True) as sender:
        with pytest.raises(NoTrustError, match="no certificate that can be trusted"):
            await sender.send(Webhook(f"https://127.0.0.1:{port}/", (), b"{}"))


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was looked at is the one that is connected to."""
    answers = ["127.0.0.1", "203.0.113.1"]

    class Rebinding(aiohttp.ThreadedResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # pyright: ignore[reportIncompatibleMethodOverride] - 0 is the constant that its default names
            address = answers.pop(0)
            flags = socket.AI_NUMERICHOST
            return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=flags)]

    monkeypatch.setattr(aiohttp, "ThreadedResolver", Rebinding)
    async with AiohttpSender() as sender:
        with pytest.raises(ForbiddenError, match="private network"):
            await sender.send(Webhook("http://rebinding.test/", (), b""))
    assert answers == ["203.0.113.1"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        pytest.param("http://127.0.0.1:1/", "cannot be reached", id="nobody listens"),
        pytest.param("http://nowhere.invalid/", "cannot be looked up", id="no such name"),
    ],
)
async def test_why_it_did_not_work_is_told(url: str, text: str) -> None:
    async with AiohttpSender(private_hosts=True) as sender:
        with pytest.raises(UnavailableError, match=text):
            await sender.send(Webhook(url, (), b""))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1/", id="this machine"),
        pytest.param("http://[::1]/", id="this machine, IPv6"),
        pytest.param("http://[::ffff:10.0.0.1]/", id="IPv4 inside IPv6"),
        pytest.param("https://169.254.169.254/", id="cloud metadata"),
        pytest.param("http://10.1.2.3/", id="private network"),
        pytest.param("http://localhost:1/", id="a name that leads inside"),
        pytest.param("http://0x7f.1/", id="an address in other digits"),
    ],
)
async def test_private_addresses_are_refused_unless_allowed(url: str) -> None:
    async with AiohttpSender() as sender:
        with pytest.raises(ForbiddenError, match="private network"):
            await sender.send(Webhook(url, (), b""))


async def test_an_address_written_as_a_number_is_not_used() -> None:
    async with AiohttpSender() as sender:
        with pytest.raises((ForbiddenError, UnavailableError)):
            await sender.send(Webhook("http://2130706433:1/", (), b""))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("100.64.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, *, expected: bool) -> None:
    assert is_public(address) is expected
