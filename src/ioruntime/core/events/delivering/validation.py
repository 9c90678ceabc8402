"""Asks new webhooks whether they want events at all: nobody is sent any who did not say so.

A webhook answers a challenge at once, or it takes an invitation and opens the URL in it within five minutes. One that
does neither is switched off; its owner can switch it on, and then it is asked again.
"""

import asyncio
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, Self
from urllib.parse import urlencode, urlsplit

import msgspec

from ioruntime.core.events.delivering.lane import DeliveryReporter
from ioruntime.core.events.delivering.schedule import is_success
from ioruntime.core.events.delivering.signing import Signer
from ioruntime.model.errors import IoRuntimeError, NotFoundError
from ioruntime.model.event import Health, IntegrationStatus, Invitation, Registration
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import Lane
from ioruntime.ports.webhooks import Webhook, WebhookAnswer, WebhookExchanger

PATIENCE_MS = 300_000
AGAIN_MS = 60_000
"""How long a webhook that said no is not asked again, however many events wait for it."""


class Unverified(Protocol):
    """The registrations."""

    async def invited(self, token: str) -> Registration | None:
        """Return the registration whose invitation has this token."""
        ...

    async def update(
        self, namespace: str, registration_id: str, change: Callable[[Registration], Registration]
    ) -> Registration | None:
        """Change a registration; None when it is gone."""
        ...


class Validation:
    """Asks webhooks; a context manager, which at its end stops to wait for them."""

    def __init__(
        self,
        *,
        exchanger: WebhookExchanger,
        signer: Signer,
        registrations: Unverified,
        clock: Clock,
        reporter: DeliveryReporter,
        url: str,
    ) -> None:
        """
        Args:
            url: what comes before the token in an invitation.
        """
        self._exchanger = exchanger
        self._signer = signer
        self._registrations = registrations
        self._clock = clock
        self._reporter = reporter
        self._url = url
        self._asking: dict[Lane, asyncio.Task[bool]] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._refused_ms: dict[tuple[Lane, str | None], int] = {}
        self._tasks = asyncio.TaskGroup()

    def __repr__(self) -> str:
        return f"<Validation [{len(self._asking)} webhooks asked]>"

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._asking.values(), *self._waiting):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def begin(self, registration: Registration) -> asyncio.Task[bool]:
        """Ask a webhook, unless that is being done; the task tells whether it wants events."""
        lane = Lane(registration.namespace, registration.registration_id)
        if lane not in self._asking:
            task = self._asking[lane] = self._tasks.create_task(self._ask(lane, registration), name=f"validate {lane[1]}")
            task.add_done_callback(lambda _: self._asking.pop(lane, None))
        return self._asking[lane]

    async def wants_events(self, registration: Registration) -> bool:
        """Tell whether a webhook may be sent events, asking it if nobody did just now."""
        invitation, now_ms = registration.invitation, self._clock.now_ms()
        if registration.is_verified or (invitation is not None and now_ms < invitation.until_ms):
            return registration.is_verified
        lane = Lane(registration.namespace, registration.registration_id)
        if now_ms < self._refused_ms.get((lane, registration.webhook_url), 0):
            return False
        task = self.begin(registration)
        await asyncio.wait([task])
        return not task.cancelled() and task.result()

    async def accept(self, token: str) -> None:
        """Hear that somebody opened the URL of an invitation.

        Raises:
            NotFoundError: there is no such invitation, or its time is over.
        """
        registration = await self._registrations.invited(token)
        now_ms = self._clock.now_ms()
        if registration is None or registration.invitation is None or registration.invitation.until_ms <= now_ms:
            raise NotFoundError("The validation URL is not valid any more.")
        await self._write(registration, lambda current: _accepted(current, token))

    async def _ask(self, lane: Lane, registration: Registration) -> bool:
        """Ask; a webhook that says nothing of use is switched off."""
        url = registration.webhook_url or ""
        try:
            if await self._answers(registration, url):
                await self._write(registration, lambda current: _verified(current, url))
                return True
            if await self._takes_invitation(registration, url):
                waiting = self._tasks.create_task(self._expire(lane, registration), name=f"wait for {lane[1]}")
                self._waiting.add(waiting)
                waiting.add_done_callback(self._waiting.discard)
                return False
            now_ms = self._clock.now_ms()
            self._refused_ms = {key: until_ms for key, until_ms in self._refused_ms.items() if until_ms > now_ms}
            self._refused_ms[lane, url] = now_ms + AGAIN_MS
            await self._write(registration, lambda current: _refused(current, url))
        except IoRuntimeError as error:
            self._reporter.delivery_failed(*lane, error)
        return False

    async def _expire(self, lane: Lane, registration: Registration) -> None:
        await asyncio.sleep(PATIENCE_MS / 1000)
        try:
            await self._write(registration, lambda current: expired(current, self._clock.now_ms()))
        except IoRuntimeError as error:
            self._reporter.delivery_failed(*lane, error)

    async def _answers(self, registration: Registration, url: str) -> bool:
        challenge = str(uuid.uuid4())
        separator = "&" if urlsplit(url).query else "?"
        asked = f"{url}{separator}{urlencode({'challenge': challenge})}"
        headers = await self._signer.headers(registration, b"")
        with suppress(IoRuntimeError):
            return answers(await self._exchanger.exchange(Webhook(asked, tuple(headers.items()), b"", "GET")), challenge)
        return False

    async def _takes_invitation(self, registration: Registration, url: str) -> bool:
        token = secrets.token_urlsafe(32)
        invitation = Invitation(token, self._clock.now_ms() + PATIENCE_MS)
        await self._write(registration, lambda current: _invited(current, url, invitation))
        body = msgspec.json.encode({"validationUrl": self._url + token})
        headers = {"content-type": "application/json"} | await self._signer.headers(registration, body)
        with suppress(IoRuntimeError):
            return is_success((await self._exchanger.exchange(Webhook(url, tuple(headers.items()), body))).status)
        return False

    async def _write(self, registration: Registration, change: Callable[[Registration], Registration]) -> None:
        await self._registrations.update(registration.namespace, registration.registration_id, change)


def answers(answer: WebhookAnswer, challenge: str) -> bool:
    """Tell whether a challenge was sent back, as text or as the member `challenge` of a JSON object."""
    if not is_success(answer.status):
        return False
    if answer.body.strip() == challenge.encode():
        return True
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(answer.body, type=dict[str, Any]).get("challenge") == challenge
    return False


def expired(registration: Registration, now_ms: int) -> Registration:
    """Switch off who took an invitation and did not follow it in time; the same object when there is nothing to do."""
    invitation = registration.invitation
    if registration.is_verified or invitation is None or now_ms < invitation.until_ms:
        return registration
    return _off(registration)


def _accepted(registration: Registration, token: str) -> Registration:
    is_meant = registration.invitation is not None and registration.invitation.token == token
    return msgspec.structs.replace(registration, is_verified=True, invitation=None) if is_meant else registration


def _verified(registration: Registration, url: str) -> Registration:
    """Unless it has another URL by now."""
    is_same = registration.webhook_url == url
    return msgspec.structs.replace(registration, is_verified=True, invitation=None) if is_same else registration


def _invited(registration: Registration, url: str, invitation: Invitation) -> Registration:
    return msgspec.structs.replace(registration, invitation=invitation) if registration.webhook_url == url else registration


def _refused(registration: Registration, url: str) -> Registration:
    if registration.webhook_url != url or registration.is_verified:
        return registration
    return _off(registration)


def _off(registration: Registration) -> Registration:
    return msgspec.structs.replace(registration, status=IntegrationStatus.DISABLED, health=Health.DISABLED, invitation=None)
