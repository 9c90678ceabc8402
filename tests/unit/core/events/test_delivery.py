"""Deliveries that come, fail, are tried again and given up; each registration for itself."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from ioruntime.core.events.delivering.answer import Answer
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.events.delivering.lane import AT_ONCE
from ioruntime.core.events.delivering.parcel import BATCH_BYTES, Parcel, pack
from ioruntime.model.errors import UnavailableError
from ioruntime.model.event import Delivery, DeliveryType, Event, Health, IntegrationStatus, Registration
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.ports.events import Addressed, Lane, Settlement
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio
MINUTE_S = 60.0


def registration(id_: str, kind: DeliveryType = DeliveryType.WEBHOOK) -> Registration:
    return Registration(
        registration_id=id_,
        id="1",
        owner=Owner("org", "int"),
        namespace="guest",
        client_id="c",
        name=id_,
        delivery_type=kind,
        runtime_action="act",
    )


class Receiver:
    """Says what it is told to say, and remembers what came."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.status: Callable[[Parcel], int] = lambda _: 200
        self.at_once = False
        self.holding: set[str] = set()
        """Registrations that get no answer."""
        self.most_at_once = 0
        self._at_once = 0
        self.arrived = asyncio.Event()

    async def send(self, parcel: Parcel) -> Answer | None:
        self.parcels.append(parcel)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        self.arrived.set()
        try:
            await (asyncio.Event().wait() if parcel.registration.registration_id in self.holding else asyncio.sleep(0))
        finally:
            self._at_once -= 1
        return Answer(self.status(parcel), "said", "asked")

    def begin(self, parcel: Parcel, done: Callable[[Answer], None]) -> bool:
        """Answer without a task where a test says so."""
        if not self.at_once:
            return False
        self.parcels.append(parcel)
        asyncio.get_running_loop().call_soon(lambda: done(Answer(self.status(parcel), "said", "asked")))
        return True

    @property
    def came(self) -> list[str]:
        return [delivery.event.event_id for parcel in self.parcels for delivery in parcel.deliveries]


class Reported:
    def __init__(self) -> None:
        self.errors: list[str] = []

    def delivery_failed(self, namespace: str, registration_id: str, error: Exception) -> None:
        self.errors.append(f"{namespace}/{registration_id}: {error}")


class Post:
    """A deliverer with everything around it."""

    def __init__(self) -> None:
        self.stores, self.clock, self.receiver, self.reported = MemoryStores(), HandClock(), Receiver(), Reported()
        self.registrations = {"r": registration("r"), "s": registration("s")}
        self.deliverer = self.build()

    async def find(self, namespace: str, registration_id: str) -> Registration | None:
        return self.registrations.get(registration_id)

    async def update(
        self, namespace: str, registration_id: str, change: Callable[[Registration], Registration]
    ) -> Registration | None:
        found = self.registrations.get(registration_id)
        if found is not None:
            self.registrations[registration_id] = change(found)
        return self.registrations.get(registration_id)

    def build(self) -> Deliverer:
        return Deliverer(
            store=self.stores.events,
            registrations=self,
            receivers=self.receiver,
            clock=self.clock,
            reporter=self.reported,
            gather_s=0,
        )

    async def post(self, *event_ids: str, to: str = "r", size: int = 2) -> None:
        for event_id in event_ids:
            content = msgspec.Raw(b'"' + b"x" * (size - 2) + b'"')
            event = Event(event_id=event_id, provider="p", event_code="c", content=content, received_ms=self.clock.now_ms())
            await self.stores.events.append([Addressed("guest", to, event, is_pushed=True)])
            self.deliverer.wake({Lane("guest", to)})

    async def deliver(self, *, after_s: float = 0.0) -> None:
        """Deliver what is due after some time."""
        self.clock.s += after_s
        self.deliverer.tick()
        await self.deliverer.drained()


@asynccontextmanager
async def opened() -> AsyncGenerator[Post]:
    post = Post()
    await post.stores.namespaces.create(Namespace(name="guest", owner=Owner("org", "int"), auth=AuthKey("u", "k")))
    async with post.deliverer:
        yield post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        yield post


async def test_events_arrive_once_and_leave_a_trace(post: Post) -> None:
    await post.post("a", "b")
    await post.deliver()
    await post.deliver(after_s=86_400)
    assert post.receiver.came == ["a", "b"]
    assert await post.stores.events.lanes() == []
    traces = await post.deliverer.ledger.traces(Lane("guest", "r"))
    assert [(trace.event_id, trace.attempt, trace.status, trace.response) for trace in traces] == [
        ("b", 0, 200, "said"),
        ("a", 0, 200, "said"),
    ]


async def test_a_failed_delivery_is_tried_again_when_its_time_has_come(post: Post) -> None:
    post.receiver.status = lambda parcel: 503 if parcel.attempt < 2 else 200
    await post.post("a")
    for seconds, tries in ((0, 1), (59, 1), (1, 2), (119, 2), (1, 3), (86_400, 3)):
        await post.deliver(after_s=seconds)
        assert len(post.receiver.parcels) == tries
    headers = [parcel.headers for parcel in post.receiver.parcels]
    assert [each.get("x-adobe-retry-count") for each in headers] == [None, "1", "2"]
    assert len({each["x-adobe-delivery-id"] for each in headers}) == 3
    assert {each["x-adobe-event-id"] for each in headers} == {"a"}


async def test_who_refuses_an_event_is_not_asked_again(post: Post) -> None:
    post.receiver.status = lambda _: 400
    await post.post("a")
    await post.deliver()
    await post.deliver(after_s=86_400)
    assert post.receiver.came == ["a"]
    (dead,) = await post.stores.events.dead_letters(Lane("guest", "r"), limit=10)
    assert (dead.event.event_id, dead.attempt) == ("a", 1)


async def test_after_a_day_it_is_a_dead_letter_that_can_be_sent_again(post: Post) -> None:
    post.receiver.status = lambda _: 500
    await post.post("a")
    for _ in range(100):
        await post.deliver(after_s=15 * MINUTE_S)
    assert await post.stores.events.lanes() == []
    assert len(post.receiver.parcels) > 90
    post.receiver.status = lambda _: 200
    assert await post.stores.events.revive(Lane("guest", "r"), now_ms=post.clock.now_ms()) == 1
    post.deliverer.wake({Lane("guest", "r")})
    await post.deliver()
    assert post.receiver.parcels[-1].attempt == 0
    assert await post.stores.events.dead_letters(Lane("guest", "r"), limit=10) == []


async def test_a_receiver_that_never_answers_delays_nobody_else(post: Post) -> None:
    post.receiver.holding = {"r"}
    await post.post(*(f"r{number}" for number in range(3 * AT_ONCE)))
    await post.post(*(f"s{number}" for number in range(100)), to="s")
    post.deliverer.tick()
    while len([each for each in post.receiver.came if each.startswith("s")]) < 100:
        post.receiver.arrived.clear()
        await post.receiver.arrived.wait()
    assert len([each for each in post.receiver.came if each.startswith("r")]) == AT_ONCE
    assert post.receiver.most_at_once <= 2 * AT_ONCE


async def test_a_deliverer_that_is_broken_off_loses_nothing(post: Post) -> None:
    post.receiver.holding = {"r"}
    async with post.build() as broken_off:
        await post.post("a", "b")
        broken_off.wake({Lane("guest", "r")})
        broken_off.tick()
        await post.receiver.arrived.wait()
    post.receiver.holding = set()
    async with post.build() as next_one:
        await next_one.load()
        next_one.tick()
        await next_one.drained()
    assert sorted(post.receiver.came) == ["a", "a", "b", "b"]
    assert await post.stores.events.lanes() == []


async def test_it_runs_by_itself_until_it_is_stopped(post: Post) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(post.deliverer.run())
        await post.post("a")
        await post.receiver.arrived.wait()
        post.deliverer.stop()
        await running
    await post.deliverer.drained()
    await post.post("b")
    await post.deliver()
    assert post.receiver.came == ["a"]


async def test_what_waits_for_a_registration_goes_with_it(post: Post) -> None:
    await post.post("a")
    del post.registrations["r"]
    await post.deliver()
    assert post.receiver.came == []
    assert await post.stores.events.lanes() == []


async def test_a_bug_in_a_receiver_costs_one_event(post: Post) -> None:
    def crash(parcel: Parcel) -> int:
        if parcel.deliveries[0].event.event_id == "a":
            raise ValueError("oh")
        return 200

    post.receiver.status = crash
    await post.post("a", "b")
    await post.deliver()
    assert post.reported.errors == ["guest/r: oh"]
    assert [each.event.event_id for each in await post.stores.events.dead_letters(Lane("guest", "r"), limit=10)] == ["a"]
    assert await post.stores.events.lanes() == []


async def test_a_store_that_fails_is_asked_again_a_second_later(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    pending, fails = post.stores.events.pending, [True]

    async def fail_once(lane: Lane, *, limit: int, after: tuple[int, int] | None = None) -> object:
        if fails.pop() if fails else False:
            raise UnavailableError("full")
        return await pending(lane, limit=limit, after=after)

    monkeypatch.setattr(post.stores.events, "pending", fail_once)
    await post.post("a")
    await post.deliver()
    assert (post.receiver.came, post.reported.errors) == ([], ["guest/r: full"])
    await post.deliver(after_s=1)
    assert post.receiver.came == ["a"]


async def test_batches_are_of_twenty_events(post: Post) -> None:
    post.registrations["r"] = registration("r", DeliveryType.WEBHOOK_BATCH)
    await post.post(*(str(number) for number in range(45)))
    await post.deliver()
    assert [len(parcel.deliveries) for parcel in post.receiver.parcels] == [20, 20, 5]
    assert len(msgspec.json.decode(post.receiver.parcels[0].body)) == 20


async def test_a_registration_that_lets_a_day_of_attempts_fail_is_switched_off(post: Post) -> None:
    post.receiver.status = lambda _: 503
    await post.post(*(str(number) for number in range(10)))
    await post.deliver()
    assert post.registrations["r"].health is Health.UNSTABLE
    for _ in range(200):
        await post.deliver(after_s=15 * MINUTE_S)
        await post.post("more")
        if post.registrations["r"].status is IntegrationStatus.DISABLED:
            break
    assert post.registrations["r"].health is Health.DISABLED
    assert post.clock.s >= 86_400
    assert post.registrations["s"].health is Health.ACTIVE


async def test_a_registration_that_recovers_is_active_again(post: Post) -> None:
    post.receiver.status = lambda _: 503
    await post.post(*(str(number) for number in range(10)))
    await post.deliver()
    post.receiver.status = lambda _: 200
    await post.post(*(str(number) for number in range(10)))
    await post.deliver()
    assert (post.registrations["r"].health, post.registrations["r"].unstable_since_ms) == (Health.ACTIVE, None)


async def test_settling_costs_no_delivery_its_turn(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    settle, sizes = post.stores.events.settle, list[int]()

    async def slowly(settlements: Sequence[Settlement]) -> None:
        sizes.append(len(settlements))
        await asyncio.sleep(0)
        await settle(settlements)

    monkeypatch.setattr(post.stores.events, "settle", slowly)
    await post.post(*(str(number) for number in range(500)))
    await post.deliver()
    assert sorted(map(int, post.receiver.came)) == list(range(500))
    assert (sum(sizes), max(sizes) > 1) == (500, True)
    assert await post.stores.events.lanes() == []


async def test_answers_without_tasks_are_settled_like_others(post: Post) -> None:
    post.receiver.at_once = True
    post.receiver.status = lambda parcel: 503 if parcel.deliveries[0].event.event_id == "7" and not parcel.attempt else 200
    await post.post(*(str(number) for number in range(300)))
    await post.deliver()
    assert sorted(map(int, post.receiver.came)) == list(range(300))
    await post.deliver(after_s=60)
    assert (post.receiver.came[-1], await post.stores.events.lanes()) == ("7", [])


async def test_a_settlement_that_fails_leads_to_another_attempt(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    settle, fails = post.stores.events.settle, [True]

    async def fail_once(settlements: Sequence[Settlement]) -> None:
        if fails.pop() if fails else False:
            raise UnavailableError("full")
        await settle(settlements)

    monkeypatch.setattr(post.stores.events, "settle", fail_once)
    await post.post("a")
    await post.deliver()
    assert post.reported.errors == ["guest/r: full"]
    await post.deliver(after_s=1)
    assert post.receiver.came == ["a", "a"]
    assert await post.stores.events.lanes() == []


def _deliveries(*sizes: int, attempts: tuple[int, ...] = ()) -> list[Delivery]:
    events = [
        Event(event_id=str(n), provider="p", event_code="c", content=msgspec.Raw(b"x" * size), received_ms=0)
        for n, size in enumerate(sizes)
    ]
    tried = attempts or (0,) * len(sizes)
    return [
        Delivery(position=n, namespace="n", registration_id="r", event=event, attempt=tried[n], next_ms=0, since_ms=0)
        for n, event in enumerate(events)
    ]


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        pytest.param(_deliveries(BATCH_BYTES // 2, BATCH_BYTES // 2, 10), [1, 2], id="a batch has two megabytes at the most"),
        pytest.param(_deliveries(BATCH_BYTES * 2, 10), [1, 1], id="an event that is larger goes alone"),
        pytest.param(_deliveries(1, 1, 1, attempts=(0, 0, 1)), [2, 1], id="another attempt goes apart"),
    ],
)
def test_batches(deliveries: list[Delivery], expected: list[int]) -> None:
    parcels = list(pack(registration("r", DeliveryType.WEBHOOK_BATCH), deliveries))
    assert [len(parcel.deliveries) for parcel in parcels] == expected
    assert all(len(parcel.body) <= BATCH_BYTES for parcel in parcels if len(parcel.deliveries) > 1)
