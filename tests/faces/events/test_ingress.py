"""Publishing CloudEvents in all modes, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.faces.events.publisher import LANE, REQUESTS_MOST, Publisher

pytestmark = pytest.mark.anyio
BATCHED = "application/cloudevents-batch+json"
WHOLE = {"specversion": "1.0", "id": "1", "source": "urn:uuid:shop", "type": "sold", "data": {"n": 1}}
ATTRIBUTES = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "urn:uuid:shop", "ce_type": "sold"}


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    await publisher.open()
    async with publisher.deliverer:
        yield publisher


def encoded(**members: Any) -> bytes:
    return msgspec.json.encode(WHOLE | members)


async def kept(publisher: Publisher) -> list[dict[str, Any]]:
    """Return what is in the journal, without what the platform adds."""
    entries = await publisher.stores.events.journal(LANE, after=0, limit=100)
    events = [msgspec.json.decode(entry.event.content, type=dict[str, Any]) for entry in entries]
    own = {"eventid", "event_id", "recipientclientid", "recipient_client_id"}
    assert all(own <= set(event) for event in events)
    return [{name: value for name, value in event.items() if name not in own} for event in events]


async def test_a_structured_event_is_taken(publisher: Publisher) -> None:
    answer = await publisher.publish(encoded(), "application/cloudevents+json; charset=UTF-8")
    assert (answer.status, answer.body) == (200, b"OK")
    assert await kept(publisher) == [WHOLE]
    await publisher.deliver()
    assert [trace.status for trace in await publisher.deliverer.ledger.traces(LANE)] == [200]


async def test_an_event_that_nobody_wants_is_204(publisher: Publisher) -> None:
    assert (await publisher.publish(encoded(type="other"))).status == 204
    assert (await publisher.publish(encoded(), token="other/1")).status == 204
    assert await kept(publisher) == []


async def test_a_batch_is_taken_as_a_whole(publisher: Publisher) -> None:
    assert (await publisher.publish(b"[" + encoded() + b"," + encoded(id="2") + b"]", BATCHED)).status == 200
    assert [event["id"] for event in await kept(publisher)] == ["1", "2"]
    refused = await publisher.publish(b"[" + encoded() + b"," + encoded(specversion="2.0") + b"]", BATCHED)
    assert refused.status == 400
    assert len(await kept(publisher)) == 2


@pytest.mark.parametrize(
    ("kind", "body", "data"),
    [
        pytest.param("application/json", b'{"n": 1}', {"data": {"n": 1}}, id="JSON"),
        pytest.param("text/plain", "grüße".encode(), {"data": "grüße"}, id="text"),
        pytest.param("image/png", b"\x00\xff", {"data_base64": "AP8="}, id="bytes"),
        pytest.param("application/json", b"", {}, id="nothing"),
    ],
)
async def test_a_binary_event_has_its_attributes_in_headers(
    publisher: Publisher, kind: str, body: bytes, data: dict[str, Any]
) -> None:
    answer = await publisher.publish(body, kind, **ATTRIBUTES, ce_subject="a%20b")
    assert answer.status == 200, answer.body
    (event,) = await kept(publisher)
    attributes = {"specversion": "1.0", "id": "1", "source": "urn:uuid:shop", "type": "sold", "subject": "a b"}
    assert event == attributes | {"datacontenttype": kind} | data


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        pytest.param(b"{}", "application/cloudevents+json", 400, "400000", id="no members"),
        pytest.param(b"{", "application/cloudevents+json", 400, "400000", id="no JSON"),
        pytest.param(b"[]", BATCHED, 400, "400000", id="empty batch"),
        pytest.param(encoded(), "application/json", 415, "415000", id="plain JSON"),
        pytest.param(encoded(data="x" * 2**20), "application/cloudevents+json", 413, "413000", id="too large"),
    ],
)
async def test_refusals(publisher: Publisher, body: bytes, kind: str, status: int, code: str) -> None:
    answer = await publisher.publish(body, kind)
    assert (answer.status, answer.json()["error_code"]) == (status, code)
    assert await kept(publisher) == []


async def test_a_binary_event_whose_json_is_none_is_refused(publisher: Publisher) -> None:
    assert (await publisher.publish(b"{", "application/json", **ATTRIBUTES)).status == 400


async def test_who_publishes_too_fast_is_told_when_to_come_back(publisher: Publisher) -> None:
    for _ in range(REQUESTS_MOST):
        assert (await publisher.publish(encoded())).status == 200
    refused = await publisher.publish(encoded())
    assert (refused.status, refused.headers["retry-after"]) == (429, "5")


async def test_publishing_needs_a_token(publisher: Publisher) -> None:
    assert (await publisher.publish(encoded(), token="bad")).status == 401
    assert (await publisher.client.request("POST", "/events/publish", headers={"x-api-key": "key"})).status == 403


async def test_public_keys_are_for_everybody(publisher: Publisher) -> None:
    found = await publisher.client.request("GET", "/prod/keys/pub-key-1.pem")
    assert (found.status, found.body, found.headers["content-type"]) == (200, b"PEM", "application/x-pem-file")
    assert (await publisher.client.request("GET", "/prod/keys/other.pem")).status == 404
