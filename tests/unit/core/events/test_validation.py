"""Webhooks that say that they want events: at once, later, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from ioruntime.core.events.delivering.signing import Signer, by_secret
from ioruntime.core.events.delivering.validation import AGAIN_MS, PATIENCE_MS, Validation, answers, expired
from ioruntime.model.errors import NotFoundError, UnavailableError
from ioruntime.model.event import Health, IntegrationStatus, Registration
from ioruntime.model.identity import Owner
from ioruntime.ports.webhooks import Webhook, WebhookAnswer
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio
HOOK = Registration(
    registration_id="r",
    id="1",
    owner=Owner("org", "int"),
    namespace="guest",
    client_id="c",
    name="r",
    webhook_url="https://hook.test/in?a=b",
    is_verified=False,
)


class Key:
    path = "/keys/1"

    def sign(self, content: bytes) -> str:
        return "signed"


class World:
    """A webhook, and the registration that it belongs to."""

    def __init__(self) -> None:
        self.clock, self.registration, self.webhooks = HandClock(), HOOK, list[Webhook]()
        self.answer: Callable[[Webhook], WebhookAnswer] = lambda _: said(b"hello", 404)
        self.errors: list[str] = []
        self.validation = Validation(
            exchanger=self,
            signer=Signer(self, self),
            registrations=self,
            clock=self.clock,
            reporter=self,
            url="http://platform.test/events/validate/",
        )

    async def exchange(self, webhook: Webhook) -> WebhookAnswer:
        self.webhooks.append(webhook)
        return self.answer(webhook)

    async def pair(self) -> tuple[Key, Key]:
        return Key(), Key()

    async def secret(self, client_id: str, owner: Owner) -> str | None:
        return "geheim"

    async def invited(self, token: str) -> Registration | None:
        invitation = self.registration.invitation
        return self.registration if invitation is not None and invitation.token == token else None

    async def update(
        self, namespace: str, registration_id: str, change: Callable[[Registration], Registration]
    ) -> Registration | None:
        self.registration = change(self.registration)
        return self.registration

    def delivery_failed(self, namespace: str, registration_id: str, error: Exception, /) -> None:
        self.errors.append(str(error))

    async def wants_events(self) -> bool:
        return await self.validation.wants_events(self.registration)

    @property
    def token(self) -> str:
        invitation = self.registration.invitation
        assert invitation is not None
        return invitation.token


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with world.validation:
        yield world


def said(body: bytes = b"", status: int = 200) -> WebhookAnswer:
    return WebhookAnswer(status, "text/plain", body)


def _challenged(webhook: Webhook) -> WebhookAnswer:
    return said(webhook.url.partition("challenge=")[2].encode())


def _invited(webhook: Webhook) -> WebhookAnswer:
    return said(status=200 if webhook.method == "POST" else 400)


async def test_a_webhook_that_answers_its_challenge_wants_events(world: World) -> None:
    world.answer = _challenged
    assert await world.wants_events()
    (sent,) = world.webhooks
    assert sent.method == "GET"
    assert sent.url.startswith("https://hook.test/in?a=b&challenge=")
    assert dict(sent.headers)["x-adobe-signature"] == by_secret("geheim", b"")
    assert world.registration.is_verified


async def test_many_events_ask_once(world: World) -> None:
    world.answer = _challenged
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(world.wants_events()) for _ in range(10)]
    assert ([task.result() for task in asked], len(world.webhooks)) == ([True] * 10, 1)


async def test_a_webhook_that_says_nothing_of_use_is_switched_off_and_left_alone_for_a_minute(world: World) -> None:
    assert not await world.wants_events()
    assert (world.registration.status, world.registration.health) == (IntegrationStatus.DISABLED, Health.DISABLED)
    assert not await world.wants_events()
    assert [each.method for each in world.webhooks] == ["GET", "POST"]
    world.clock.s += AGAIN_MS / 1000
    world.answer = _challenged
    assert await world.wants_events()


async def test_nobody_there_is_as_good_as_no(world: World) -> None:
    def nobody(_: Webhook) -> WebhookAnswer:
        raise UnavailableError("nobody")

    world.answer = nobody
    assert not await world.wants_events()
    assert (world.registration.status, world.errors) == (IntegrationStatus.DISABLED, [])


async def test_an_invitation_that_is_followed_validates(world: World) -> None:
    world.answer = _invited
    assert not await world.wants_events()
    assert world.registration.status is IntegrationStatus.ENABLED
    body = msgspec.json.decode(world.webhooks[-1].body)
    assert body == {"validationUrl": f"http://platform.test/events/validate/{world.token}"}
    assert not await world.wants_events()
    assert len(world.webhooks) == 2
    await world.validation.accept(world.token)
    assert world.registration.is_verified
    assert await world.wants_events()


async def test_an_invitation_holds_for_five_minutes(world: World) -> None:
    world.answer = _invited
    await world.wants_events()
    assert expired(world.registration, world.clock.now_ms()) is world.registration
    world.clock.s += PATIENCE_MS / 1000
    with pytest.raises(NotFoundError):
        await world.validation.accept(world.token)
    assert expired(world.registration, world.clock.now_ms()).status is IntegrationStatus.DISABLED


async def test_a_token_that_was_never_given_out_opens_nothing(world: World) -> None:
    with pytest.raises(NotFoundError):
        await world.validation.accept("x")


async def test_a_webhook_that_became_another_one_is_not_verified_by_the_first(world: World) -> None:
    def moved(webhook: Webhook) -> WebhookAnswer:
        world.registration = msgspec.structs.replace(HOOK, webhook_url="https://other.test/")
        return _challenged(webhook)

    world.answer = moved
    await world.wants_events()
    assert not world.registration.is_verified


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(b"abc"), True),
        (said(b"abc\n"), True),
        (said(b'{"challenge": "abc"}'), True),
        (said(b'{"challenge": "x"}'), False),
        (said(b'["abc"]'), False),
        (said(b""), False),
        (said(b"abc", 500), False),
    ],
)
def test_answers_to_a_challenge(answer: WebhookAnswer, expected: bool) -> None:
    assert answers(answer, "abc") is expected
