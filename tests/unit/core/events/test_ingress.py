"""What counts as an event, who gets it, and how many a client may send."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import pytest

from ioruntime.core.events.cloudevent import EVENT_BYTES_MOST, CloudEvent, read_batch, read_one
from ioruntime.core.events.ingress import Ingress
from ioruntime.model.errors import InvalidError, ThrottledError, TooLargeError
from ioruntime.model.event import DeliveryType, IntegrationStatus, Registration
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.ports.events import Lane
from ioruntime.ports.tokens import Claims
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio
WHOLE = {"specversion": "1.0", "id": "1", "source": "urn:uuid:p", "type": "code", "data": {"n": 1}}
CLAIMS = Claims(subject="s", client_id="publisher", orgs=frozenset({"org"}))


def registration(id_: str, **fields: Any) -> Registration:
    values: dict[str, Any] = {"client_id": f"client-{id_}", "namespace": "guest", "owner": Owner("org", "int")} | fields
    return Registration(registration_id=id_, id="1", name=id_, **values)


class Everything:
    """An ingress, and who wants what."""

    def __init__(self, *registrations: Registration, most: int = 3) -> None:
        self.registrations, self.stores, self.clock = registrations, MemoryStores(), HandClock()
        self.asked: list[tuple[str, str, Collection[str]]] = []
        self.woken: list[Lane] = []
        self.arrived: list[Lane] = []
        self.ingress = Ingress(
            addressees=self,
            store=self.stores.events,
            clock=self.clock,
            wake=self.woken.extend,
            arrived=self.arrived.extend,
            requests_most=most,
        )

    async def matching(self, provider: str, event_code: str, *, orgs: Collection[str]) -> Sequence[Registration]:
        self.asked.append((provider, event_code, orgs))
        return self.registrations

    async def open(self) -> "Everything":
        await self.stores.namespaces.create(Namespace(name="guest", owner=Owner("org", "int"), auth=AuthKey("u", "k")))
        return self

    async def content(self, id_: str) -> dict[str, Any]:
        (entry,) = await self.stores.events.journal(Lane("guest", id_), after=0, limit=10)
        return msgspec.json.decode(entry.event.content)


def encoded(**members: Any) -> bytes:
    return msgspec.json.encode({name: value for name, value in (WHOLE | members).items() if value is not msgspec.UNSET})


async def test_each_recipient_is_named_in_its_copy_of_the_event() -> None:
    everything = await Everything(registration("a"), registration("b")).open()
    assert await everything.ingress.publish(CLAIMS, [read_one(encoded(recipientclientid="forged"))]) == 2
    assert everything.asked == [("p", "code", frozenset({"org"}))]
    a, b = await everything.content("a"), await everything.content("b")
    assert (a["recipientclientid"], b["recipient_client_id"]) == ("client-a", "client-b")
    assert a["eventid"] == a["event_id"] == b["eventid"]
    assert {name: a[name] for name in WHOLE} == WHOLE


async def test_what_is_not_pushed_is_in_the_journal() -> None:
    everything = await Everything(
        registration("pushed"),
        registration("journal", delivery_type=DeliveryType.JOURNAL),
        registration("off", status=IntegrationStatus.DISABLED),
    ).open()
    assert await everything.ingress.publish(CLAIMS, [read_one(encoded())]) == 3
    assert everything.woken == [Lane("guest", "pushed")] == await everything.stores.events.lanes()
    assert (await everything.content("off"))["id"] == "1"


async def test_an_event_that_nobody_wants_is_not_kept() -> None:
    everything = await Everything().open()
    assert await everything.ingress.publish(CLAIMS, [read_one(encoded())]) == 0


def test_a_client_that_sends_too_much_waits_for_the_next_five_seconds() -> None:
    everything = Everything(most=2)
    everything.ingress.admit("a")
    everything.ingress.admit("a")
    everything.ingress.admit("b")
    with pytest.raises(ThrottledError, match=r"count: 3, allowed: 2") as refused:
        everything.ingress.admit("a")
    everything.clock.s += refused.value.retry_after_s
    everything.ingress.admit("a")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(encoded(id=msgspec.UNSET), "no 'id'", id="no id"),
        pytest.param(encoded(type=msgspec.UNSET), "no 'type'", id="no type"),
        pytest.param(encoded(source=msgspec.UNSET), "no 'source'", id="no source"),
        pytest.param(encoded(specversion=msgspec.UNSET), "no 'specversion'", id="no version"),
        pytest.param(encoded(specversion="0.3"), "'0.3' is not supported", id="another version"),
        pytest.param(encoded(id=""), "'id' must have 1 to", id="empty id"),
        pytest.param(encoded(id=5), "'id' must be a text", id="id is a number"),
        pytest.param(encoded(type="a\nb"), "control character", id="type with a line break"),
        pytest.param(encoded(source="x" * 1025), "'source' must have", id="source too long"),
        pytest.param(encoded(data_base64="AA=="), "both data and data_base64", id="two sorts of data"),
        pytest.param(b"[]", "malformed", id="an array"),
        pytest.param(b"{", "malformed", id="no JSON"),
        pytest.param(b"\xff", "malformed", id="no text"),
    ],
)
def test_what_is_no_event(body: bytes, message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        read_one(body)


def test_an_event_has_a_megabyte_at_the_most() -> None:
    with pytest.raises(TooLargeError):
        read_batch(b"[" + encoded(data="x" * EVENT_BYTES_MOST) + b"]")


def test_a_batch_has_events() -> None:
    assert [event.type for event in read_batch(b"[" + encoded() + b"," + encoded(type="t") + b"]")] == ["code", "t"]
    with pytest.raises(InvalidError, match="no events"):
        read_batch(b"[]")


@pytest.mark.parametrize(("source", "provider"), [("urn:uuid:abc", "abc"), ("abc", "abc"), ("/a/b", "/a/b")])
def test_the_source_names_the_provider(source: str, provider: str) -> None:
    assert CloudEvent.of(msgspec.json.decode(encoded(source=source), type=dict[str, msgspec.Raw])).provider == provider
