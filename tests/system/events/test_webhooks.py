"""Webhooks of a real server: challenge and invitation, signatures and the rotation of their keys, addresses that are refused."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.system.events.conftest import Events
from tests.system.events.receiver import Came, Receiver

from ioruntime.core.events.delivering.signing import by_secret
from ioruntime.testing.server import Server, eventually

pytestmark = pytest.mark.timeout(120)
WITHIN_S = 30.0


def soon(look: Callable[[], Any]) -> Any:
    return eventually(lambda: look() or None, within_s=WITHIN_S)


def check_signatures(server: Server, came: Came) -> list[str]:
    """See that both signatures are by keys that the server publishes; return where."""
    paths: list[str] = []
    for number in (1, 2):
        paths.append(came.headers[f"x-adobe-public-key{number}-path"])
        key = serialization.load_pem_public_key(server.guest.request("GET", paths[-1]).body)
        assert isinstance(key, rsa.RSAPublicKey)
        signature = base64.b64decode(came.headers[f"x-adobe-digital-signature-{number}"])
        key.verify(signature, came.body, padding.PKCS1v15(), hashes.SHA256())
    return paths


def test_a_webhook_agrees_and_can_check_where_events_come_from(events: Events, receiver: Receiver) -> None:
    id_ = events.registered("signed", webhook_url=receiver.url)
    soon(lambda: events.status(id_) == ("verified", "ENABLED"))
    assert events.publish("signed", 1) == 200
    (came,) = soon(lambda: receiver.events)
    assert came.json()["data"] == {"n": 1}
    assert came.headers["x-adobe-signature"] == by_secret(events.server.credentials["clientSecret"], came.body)
    challenge = receiver.came[0]
    assert challenge.headers["x-adobe-signature"] == by_secret(events.server.credentials["clientSecret"], b"")
    before = check_signatures(events.server, came)

    done = events.server.cli("secrets", "rotate-signing")
    assert done.returncode == 0, done.stderr

    def rotated() -> Came | None:
        events.publish("signed", 2)
        newest = receiver.events[-1]
        return newest if newest.headers["x-adobe-public-key1-path"] == before[1] else None

    after = check_signatures(events.server, soon(rotated))
    assert after[1] not in before
    check_signatures(events.server, came)


def test_a_batch_comes_as_an_array(events: Events, receiver: Receiver) -> None:
    events.registered("batched", webhook_url=receiver.url, delivery_type="webhook_batch")
    soon(lambda: receiver.came)
    assert events.publish("batched", *range(25)) == 200
    soon(lambda: sum(len(came.json()) for came in receiver.events) >= 25)
    assert {event["data"]["n"] for came in receiver.events for event in came.json()} == set(range(25))
    assert max(len(came.json()) for came in receiver.events) == 20


def test_a_webhook_may_validate_in_its_own_time(events: Events, receiver: Receiver) -> None:
    receiver.answer = lambda came: (404 if came.challenge else 200, b"")
    id_ = events.registered("later", webhook_url=receiver.url)
    (invitation,) = soon(lambda: [each for each in receiver.came if b"validationUrl" in each.body])
    assert events.status(id_) == ("pending", "ENABLED")
    url: str = invitation.json()["validationUrl"]
    path = urlsplit(url).path
    assert events.server.guest.request("GET", path + "x").status == 404
    assert events.server.guest.request("GET", path).body == b"OK"
    assert events.status(id_) == ("verified", "ENABLED")
    assert events.publish("later", 1) == 200
    soon(lambda: receiver.events)


def test_a_webhook_that_does_not_agree_is_switched_off_until_it_does(events: Events, receiver: Receiver) -> None:
    receiver.answer = lambda _: (404, b"")
    id_ = events.registered("unwilling", webhook_url=receiver.url)
    soon(lambda: events.status(id_) == ("pending", "DISABLED"))
    receiver.answer = lambda came: (200, (came.challenge or "").encode())
    ams = {"X-Ams-Consumer-Id": events.org, "X-Ams-Application-Id": events.int}
    path = f"/runtime/namespaces/{events.org}/{events.int}/handleEventStatus/{events.client_id}/{id_}/enabled"
    assert events.client.request("POST", path, headers=ams).status == 200
    soon(lambda: events.status(id_) == ("verified", "ENABLED"))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://[::1]/", "https://169.254.169.254/", "http://localhost/", "http://10.0.0.1/"],
)
def test_private_addresses_are_refused_at_registration(server: Server, url: str) -> None:
    answer = Events(server).register("private", webhook_url=url)
    assert answer.status == 400
    assert b"private network" in answer.body


def test_a_name_that_leads_inside_is_never_asked(server: Server) -> None:
    events = Events(server)
    id_ = events.registered("inside", webhook_url="http://0x7f.1:1/")
    soon(lambda: events.status(id_) == ("pending", "DISABLED"))
