"""Webhooks over real sockets: what arrives, what is said when nothing answers, and where nothing is sent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ioruntime.client.sender import AiohttpSender, is_public
from ioruntime.model.errors import ForbiddenError, UnavailableError
from ioruntime.ports.webhooks import Webhook

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncGenerator[str]:
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
    [("8.8.8.8", True), ("2001:4860:4860::8888", True), ("fe80::1%eth0", False), ("0.0.0.0", False), ("224.0.0.1", False)],
)
def test_which_addresses_are_public(address: str, *, expected: bool) -> None:
    assert is_public(address) is expected
