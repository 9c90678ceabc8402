"""What every `EventStore` promises. Subclass the suite and give it the fixtures that its tests name."""

from collections.abc import Sequence

import msgspec
import pytest

from ioruntime.model.event import Delivery, Event, Trace
from ioruntime.ports.events import SLOT_MS, TRACES_KEPT, Addressed, Attempts, Count, EventStore, Lane, Settlement, Which
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.testing.entities_contract import NAMESPACE
from ioruntime.testing.namespaces_contract import sample_namespace

LANE = Lane(NAMESPACE, "r1")
OTHER = Lane(NAMESPACE, "r2")


def sample_event(event_id: str = "e1", *, received_ms: int = 100) -> Event:
    content = msgspec.Raw(msgspec.json.encode({"id": event_id, "data": {"grüße": "😀"}}))
    return Event(event_id=event_id, provider="p", event_code="c", content=content, received_ms=received_ms)


def addressed(event_id: str = "e1", *, lane: Lane = LANE, received_ms: int = 100, is_pushed: bool = True) -> Addressed:
    return Addressed(lane.namespace, lane.registration_id, sample_event(event_id, received_ms=received_ms), is_pushed)


def sample_trace(number: int = 0, *, at_ms: int = 100) -> Trace:
    return Trace(
        registration_id="r1",
        event_id="e1",
        delivery_id=str(number),
        attempt=0,
        at_ms=at_ms,
        took_ms=3,
        status=500 + number,
        request="{}",
        response="schön",
    )


def attempts(*traces: Trace, lane: Lane = LANE, counts: dict[int, Count] | None = None) -> Attempts:
    return Attempts(lane, traces, counts or {})


def settlement(delivery: Delivery, *, next_ms: int | None = None, is_dead: bool = False) -> Settlement:
    return Settlement(delivery=delivery, next_ms=next_ms, is_dead=is_dead)


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.event.event_id for delivery in deliveries]


class EventsContract:
    """Needs the fixtures `events: EventStore` and `namespaces: NamespaceStore`, of one empty store for each test."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(autouse=True)
    async def _namespace(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace())

    async def test_a_journal_keeps_the_order_in_which_events_came(self, events: EventStore) -> None:
        await events.append([addressed("a"), addressed("x", lane=OTHER), addressed("b")])
        await events.append([addressed("c", is_pushed=False)])
        entries = await events.journal(LANE, after=0, limit=10)
        assert [entry.event for entry in entries] == [sample_event("a"), sample_event("b"), sample_event("c")]
        after_first = await events.journal(LANE, after=entries[0].position, limit=1)
        assert [entry.event.event_id for entry in after_first] == ["b"]
        assert await events.newest(LANE) == entries[-1].position
        assert await events.journal(LANE, after=2**80, limit=1) == []

    async def test_an_empty_journal_has_no_positions(self, events: EventStore) -> None:
        assert (await events.newest(LANE), await events.position_at(LANE, 10**15)) == (0, 0)

    async def test_a_position_is_found_by_time(self, events: EventStore) -> None:
        await events.append([addressed("a", received_ms=100), addressed("b", received_ms=200), addressed("c", received_ms=300)])
        positions = [entry.position for entry in await events.journal(LANE, after=0, limit=10)]
        found = [await events.position_at(LANE, at_ms) for at_ms in (100, 101, 300, 301)]
        assert found == [0, positions[0], positions[1], positions[2]]

    async def test_only_what_is_pushed_is_pending(self, events: EventStore) -> None:
        await events.append([addressed("a"), addressed("b", is_pushed=False), addressed("c", lane=OTHER)])
        (delivery,) = await events.pending(LANE, limit=10)
        assert (delivery.event, delivery.attempt, delivery.next_ms, delivery.since_ms) == (sample_event("a"), 0, 100, 100)
        assert sorted(await events.lanes()) == [LANE, OTHER]

    async def test_what_was_taken_is_not_pending_any_more(self, events: EventStore) -> None:
        await events.append([addressed("a"), addressed("b")])
        first, _ = await events.pending(LANE, limit=10)
        await events.settle([settlement(first)])
        assert ids(await events.pending(LANE, limit=10)) == ["b"]
        assert [entry.event.event_id for entry in await events.journal(LANE, after=0, limit=10)] == ["a", "b"]

    async def test_what_is_tried_again_comes_later(self, events: EventStore) -> None:
        await events.append([addressed("a"), addressed("b")])
        first, _ = await events.pending(LANE, limit=10)
        await events.settle([settlement(first, next_ms=5000)])
        pending = await events.pending(LANE, limit=10)
        assert ids(pending) == ["b", "a"]
        assert (pending[1].attempt, pending[1].next_ms, pending[1].since_ms) == (1, 5000, 100)

    async def test_dead_letters_wait_until_they_are_revived(self, events: EventStore) -> None:
        await events.append([addressed("a"), addressed("b")])
        await events.settle([settlement(each, is_dead=True) for each in await events.pending(LANE, limit=10)])
        assert await events.lanes() == []
        assert ids(await events.dead_letters(LANE, limit=10)) == ["a", "b"]
        assert await events.revive(LANE, Which(event_id="b"), now_ms=900) == 1
        (revived,) = await events.pending(LANE, limit=10)
        assert (revived.event.event_id, revived.attempt, revived.next_ms, revived.since_ms) == ("b", 0, 900, 900)
        assert await events.revive(LANE, now_ms=900) == 1
        assert await events.revive(OTHER, now_ms=900) == 0

    async def test_dead_letters_of_a_time_are_revived(self, events: EventStore) -> None:
        await events.append([addressed(event_id, received_ms=at_ms) for event_id, at_ms in (("a", 1), ("b", 2), ("c", 3))])
        await events.settle([settlement(each, is_dead=True) for each in await events.pending(LANE, limit=10)])
        assert await events.revive(LANE, Which(from_ms=2, to_ms=3), now_ms=900) == 1
        assert ids(await events.pending(LANE, limit=10)) == ["b"]
        assert await events.revive(LANE, Which(event_id="a", from_ms=2), now_ms=900) == 0
        assert await events.revive(LANE, Which(to_ms=2), now_ms=900) == 1

    async def test_traces_are_listed_newest_first(self, events: EventStore) -> None:
        await events.write_attempts([attempts(sample_trace(0), sample_trace(1)), attempts(sample_trace(9), lane=OTHER)])
        await events.write_attempts([attempts(sample_trace(2))])
        assert [trace.status for trace in await events.traces(LANE, limit=2)] == [502, 501]
        assert await events.traces(LANE, limit=10) == [sample_trace(2), sample_trace(1), sample_trace(0)]
        assert [trace.status for trace in await events.traces(OTHER, limit=2)] == [509]

    async def test_old_traces_give_way_to_new_ones(self, events: EventStore) -> None:
        await events.write_attempts([attempts(sample_trace(9), lane=OTHER)])
        for half in range(2):
            numbers = range(half * TRACES_KEPT // 2, half * TRACES_KEPT // 2 + TRACES_KEPT)
            await events.write_attempts([attempts(*(sample_trace(number) for number in numbers))])
        found = await events.traces(LANE, limit=1000)
        assert len(found) == TRACES_KEPT
        assert found[0].delivery_id == str(TRACES_KEPT * 3 // 2 - 1)
        assert len(await events.traces(OTHER, limit=10)) == 1

    async def test_attempts_are_counted_by_the_time_of_their_slot(self, events: EventStore) -> None:
        await events.write_attempts([attempts(counts={0: Count(5, 1), SLOT_MS: Count(3, 3)})])
        await events.write_attempts([attempts(counts={SLOT_MS: Count(1, 0)}), attempts(lane=OTHER, counts={0: Count(7, 7)})])
        assert await events.count(LANE, since_ms=0) == Count(9, 4)
        assert await events.count(LANE, since_ms=1) == Count(4, 3)
        assert await events.count(LANE, since_ms=SLOT_MS + 1) == Count(0, 0)
        await events.delete_before(SLOT_MS, most=10)
        assert await events.count(LANE, since_ms=0) == Count(4, 3)

    async def test_attempts_for_a_namespace_that_is_gone_are_left_out(
        self, events: EventStore, namespaces: NamespaceStore
    ) -> None:
        await events.write_attempts([attempts(sample_trace(), counts={0: Count(1, 1)})])
        await namespaces.delete(NAMESPACE)
        await events.write_attempts([attempts(sample_trace(), counts={0: Count(1, 1)})])
        assert (await events.traces(LANE, limit=10), await events.count(LANE, since_ms=0)) == ([], Count())

    async def test_pending_goes_on_after_what_is_known(self, events: EventStore) -> None:
        times = [("a", 1), ("b", 2), ("c", 2), ("d", 3)]
        await events.append([addressed(event_id, received_ms=at_ms) for event_id, at_ms in times])
        first, second, *_ = await events.pending(LANE, limit=2)
        assert ids(await events.pending(LANE, limit=10, after=(second.next_ms, second.position))) == ["c", "d"]
        assert ids(await events.pending(LANE, limit=2, after=(first.next_ms, first.position))) == ["b", "c"]

    async def test_a_registration_is_forgotten_alone(self, events: EventStore) -> None:
        await events.append([addressed("a"), addressed("b", lane=OTHER)])
        await events.settle([settlement(each, next_ms=1) for each in await events.pending(LANE, limit=10)])
        await events.write_attempts([attempts(sample_trace(), counts={0: Count(1, 1)})])
        await events.forget(LANE)
        assert await events.count(LANE, since_ms=0) == Count()
        assert await events.journal(LANE, after=0, limit=10) == []
        assert await events.traces(LANE, limit=10) == []
        assert await events.lanes() == [OTHER]

    async def test_events_go_with_their_namespace(self, events: EventStore, namespaces: NamespaceStore) -> None:
        await events.append([addressed("a")])
        await namespaces.delete(NAMESPACE)
        await events.append([addressed("b")])
        assert await events.journal(LANE, after=0, limit=10) == []
        assert await events.lanes() == []

    async def test_what_is_old_is_deleted_in_steps(self, events: EventStore) -> None:
        await events.append([addressed("a", received_ms=1), addressed("b", received_ms=2), addressed("c", received_ms=3)])
        await events.settle([settlement(each, next_ms=9) for each in await events.pending(LANE, limit=1)])
        await events.write_attempts([attempts(sample_trace(at_ms=1))])
        assert [await events.delete_before(3, most=1) for _ in range(3)] == [1, 1, 0]
        assert [entry.event.event_id for entry in await events.journal(LANE, after=0, limit=10)] == ["c"]
        assert ids(await events.pending(LANE, limit=10)) == ["c"]
        assert await events.traces(LANE, limit=10) == []

    async def test_positions_do_not_come_back(self, events: EventStore) -> None:
        await events.append([addressed("a", received_ms=1)])
        last = await events.newest(LANE)
        await events.delete_before(100, most=10)
        await events.append([addressed("b")])
        assert await events.newest(LANE) > last
