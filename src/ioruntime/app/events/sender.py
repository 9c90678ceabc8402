"""The sender of webhooks, whose HTTP client is loaded with the first one.

To load it costs a third of a second of start-up, which most installations need not pay.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from ioruntime.ports.webhooks import Webhook, WebhookAnswer

if TYPE_CHECKING:
    from ioruntime.client.sender import AiohttpSender


class LateSender:
    """A `WebhookSender` and `WebhookExchanger` that begins to exist when it is needed; a context manager."""

    def __init__(self, *, private_hosts: bool) -> None:
        self._private_hosts = private_hosts
        self._stack = AsyncExitStack()
        self._loading = asyncio.Lock()
        self._sender: AiohttpSender | None = None

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def send(self, webhook: Webhook) -> int:
        return (await self.exchange(webhook)).status

    async def exchange(self, webhook: Webhook) -> WebhookAnswer:
        async with self._loading:
            sender = self._sender or await self._load()
        return await sender.exchange(webhook)

    async def _load(self) -> "AiohttpSender":
        kind = await asyncio.to_thread(_load_class)
        self._sender = await self._stack.enter_async_context(kind(private_hosts=self._private_hosts))
        return self._sender


def _load_class() -> "type[AiohttpSender]":
    from ioruntime.client.sender import AiohttpSender

    return AiohttpSender
