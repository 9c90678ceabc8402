"""What actions and webhooks are sent, and how their answers are read."""

from collections.abc import Callable

import msgspec
import pytest

from ioruntime.core.events.delivering.parcel import Parcel
from ioruntime.core.events.delivering.receivers import WebhookReceiver, arguments_of, status_of
from ioruntime.core.events.delivering.signing import Signer, by_secret
from ioruntime.model.activation import Activation, Status, new_activation_id
from ioruntime.model.errors import ForbiddenError, UnavailableError
from ioruntime.model.event import Delivery, DeliveryType, Event, Registration
from ioruntime.model.identity import Owner
from ioruntime.ports.webhooks import NoAnswerInTimeError, NoTrustError, Webhook, WebhookAnswer

pytestmark = pytest.mark.anyio
HOOK = Registration(
    registration_id="r",
    id="1",
    owner=Owner("org", "int"),
    namespace="guest",
    client_id="c",
    name="r",
    webhook_url="https://hook.test/in?a=b",
)


def parcel(registration: Registration = HOOK, *, count: int = 1, attempt: int = 0) -> Parcel:
    events = [
        Event(event_id=f"e{n}", provider="p", event_code="c", content=msgspec.Raw(b'{"id":"x","data":{"n":1}}'), received_ms=0)
        for n in range(count)
    ]
    return Parcel(
        registration=registration,
        deliveries=tuple(
            Delivery(position=n, namespace="guest", registration_id="r", event=e, attempt=attempt, next_ms=0, since_ms=0)
            for n, e in enumerate(events)
        ),
        is_batch=registration.delivery_type is DeliveryType.WEBHOOK_BATCH,
        delivery_id="d1",
    )


class Key:
    def __init__(self, path: str) -> None:
        self.path = path

    def sign(self, content: bytes) -> str:
        return f"signed {len(content)}"


class Web:
    """A server that records what it is sent, and the registrations that a receiver may change."""

    def __init__(self, answer: Callable[[Webhook], WebhookAnswer]) -> None:
        self.answer = answer
        self.webhooks: list[Webhook] = []
        self.agrees = True

    async def exchange(self, webhook: Webhook) -> WebhookAnswer:
        self.webhooks.append(webhook)
        return self.answer(webhook)

    async def pair(self) -> tuple[Key, Key]:
        return Key("/keys/1"), Key("/keys/2")

    async def secret(self, client_id: str, owner: Owner) -> str | None:
        return "geheim" if (client_id, owner) == ("c", Owner("org", "int")) else None

    async def wants_events(self, registration: Registration) -> bool:
        return self.agrees

    def receiver(self) -> WebhookReceiver:
        return WebhookReceiver(exchanger=self, signer=Signer(self, self), consent=self)


def said(body: bytes = b"", status: int = 200) -> WebhookAnswer:
    return WebhookAnswer(status, "text/plain", body)


def raising(error: Exception) -> Callable[[Webhook], WebhookAnswer]:
    def answer(webhook: Webhook) -> WebhookAnswer:
        raise error

    return answer


async def test_a_webhook_is_signed_twice_and_says_what_it_brings() -> None:
    web = Web(lambda _: said(b"thanks", 202))
    answer = await web.receiver().send(parcel(attempt=2))
    assert (answer.status, answer.response) == (202, "thanks")
    (sent,) = web.webhooks
    headers = dict(sent.headers)
    assert headers.pop("x-request-id") == headers["x-adobe-delivery-id"] == "d1"
    assert headers == {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "x-adobe-delivery-id": "d1",
        "x-adobe-event-id": "e0",
        "x-adobe-event-code": "c",
        "x-adobe-provider": "p",
        "x-adobe-retry-count": "2",
        "x-adobe-signature": by_secret("geheim", sent.body),
        "x-adobe-digital-signature-1": "signed 25",
        "x-adobe-public-key1-path": "/keys/1",
        "x-adobe-digital-signature-2": "signed 25",
        "x-adobe-public-key2-path": "/keys/2",
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(NoAnswerInTimeError(), 604, id="took too long"),
        pytest.param(NoTrustError(), 611, id="has no good certificate"),
        pytest.param(UnavailableError(), 602, id="cannot be reached"),
        pytest.param(ForbiddenError(), 601, id="is an address that must not be sent to"),
    ],
)
async def test_no_answer_is_a_pseudo_status(error: Exception, status: int) -> None:
    assert (await Web(raising(error)).receiver().send(parcel())).status == status


async def test_a_webhook_that_did_not_agree_gets_no_event() -> None:
    web = Web(lambda _: said(b"hello"))
    web.agrees = False
    assert (await web.receiver().send(parcel(msgspec.structs.replace(HOOK, is_verified=False)))).status == 602
    assert web.webhooks == []


def test_an_action_gets_the_members_the_event_and_the_headers() -> None:
    arguments = arguments_of(parcel())
    assert sorted(arguments) == ["__adobe_headers", "data", "event", "id"]
    assert msgspec.json.decode(arguments["event"]) == {"id": "x", "data": {"n": 1}}
    assert msgspec.json.decode(arguments["__adobe_headers"])["x-adobe-event-id"] == "e0"


def test_an_action_gets_a_batch_under_one_name() -> None:
    batch = msgspec.structs.replace(HOOK, delivery_type=DeliveryType.WEBHOOK_BATCH)
    arguments = arguments_of(parcel(batch, count=2))
    assert sorted(arguments) == ["__adobe_headers", "events"]
    assert len(msgspec.json.decode(arguments["events"])) == 2


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        (Status.SUCCESS, b"{}", 200),
        (Status.SUCCESS, b'{"statusCode": 503}', 503),
        (Status.SUCCESS, b'{"statusCode": "503"}', 200),
        (Status.SUCCESS, b'{"statusCode": 9999}', 200),
        (Status.SUCCESS, b"[1]", 200),
        (Status.APPLICATION_ERROR, b'{"error": "no"}', 400),
        (Status.APPLICATION_ERROR, b'{"error": {"statusCode": 429}}', 429),
        (Status.DEVELOPER_ERROR, b'{"error": "thrown"}', 502),
        (Status.WHISK_ERROR, b'{"error": "lost"}', 500),
    ],
)
def test_an_activation_reads_as_an_answer(status: Status, result: bytes, expected: int) -> None:
    activation = Activation(
        activation_id=new_activation_id(),
        namespace="guest",
        name="a",
        version="0.0.1",
        subject="guest",
        start_ms=0,
        status=status,
        result=msgspec.Raw(result),
    )
    assert status_of(activation) == expected
