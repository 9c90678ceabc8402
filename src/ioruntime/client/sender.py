"""Sends webhooks with aiohttp; by default only to addresses that the whole world reaches.

A namespace chooses where its webhooks go. Without the rule on addresses it could make the platform talk to services that
trust this machine, and learn from the answers what is there.
"""

import ssl
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ioruntime.model.addresses import is_private_host, is_public
from ioruntime.model.errors import ForbiddenError, UnavailableError
from ioruntime.ports.webhooks import NoAnswerInTimeError, NoTrustError, Webhook, WebhookAnswer

_TIMEOUT_S = 10.0
_ANSWER_BYTES = 64 * 1024


class AiohttpSender:
    """The `WebhookSender` of one process; a context manager."""

    def __init__(self, *, private_hosts: bool = False, timeout_s: float = _TIMEOUT_S) -> None:
        """
        Args:
            private_hosts: send to this machine and private networks too.
            timeout_s: for a whole exchange, from looking up the name on.
        """
        self._private_hosts = private_hosts
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, webhook: Webhook) -> int:
        return (await self.exchange(webhook)).status

    async def exchange(self, webhook: Webhook) -> WebhookAnswer:
        try:
            url = URL(webhook.url, encoded=True)
        except ValueError as error:
            raise ForbiddenError(f"{webhook.url} is no URL.") from error
        if not self._private_hosts and url.host is not None and is_private_host(url.host):
            raise PrivateHostError(url.host)
        try:
            async with self._opened().request(
                webhook.method, url, data=webhook.body or None, headers=dict(webhook.headers), allow_redirects=False
            ) as response:
                return WebhookAnswer(response.status, response.content_type, await _beginning(response.content))
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as error:
            if (cause := _private_cause(error)) is not None:
                raise cause from error
            raise _refusal(error, url.host or "") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = aiohttp.ThreadedResolver()
            connector = aiohttp.TCPConnector(resolver=resolver if self._private_hosts else _PublicResolver(resolver))
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=False)
        return self._session


class PrivateHostError(ForbiddenError):
    """The address is not for namespaces to send to."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is an address of this machine or of a private network; the operator can allow these.")


class _PublicResolver(AbstractResolver):
    """Looks names up, and refuses those that lead inside; the connection is made to the very addresses that were looked at."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # pyright: ignore[reportIncompatibleMethodOverride] - 0 is the constant that its default names
        found = await self._inner.resolve(host, port, family)  # pyright: ignore[reportArgumentType] - as above
        for each in found:
            if not is_public(each["host"]):
                raise _PrivateAddressError(host)
        return found

    async def close(self) -> None:
        await self._inner.close()


class _PrivateAddressError(OSError):
    """Says so through layers that expect errors of the network."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} leads to a private address")
        self.host = host


def _private_cause(error: BaseException) -> PrivateHostError | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _PrivateAddressError):
            return PrivateHostError(cause.host)
        cause = cause.__cause__ or cause.__context__
    return None


async def _beginning(stream: aiohttp.StreamReader) -> bytes:
    body = b""
    while len(body) < _ANSWER_BYTES and (chunk := await stream.read(_ANSWER_BYTES - len(body))):
        body += chunk
    return body


def _refusal(error: BaseException, host: str) -> UnavailableError:
    match error:
        case TimeoutError():
            return NoAnswerInTimeError(f"{host} did not answer in time.")
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLError() | aiohttp.ClientSSLError():
            return NoTrustError(f"{host} has no certificate that can be trusted.")
        case aiohttp.ClientConnectorDNSError():
            return UnavailableError(f"the name {host} cannot be looked up.")
        case aiohttp.ClientConnectorError():
            return UnavailableError(f"{host} cannot be reached.")
        case _:
            return UnavailableError(f"{host} broke the connection off.")
