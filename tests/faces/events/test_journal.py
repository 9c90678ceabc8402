"""Journals, traces and dead letters as their owner reads them."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
from tests.faces.events.publisher import Publisher, shown

from ioruntime.testing.asgi import AsgiResponse

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    await publisher.open()
    async with publisher.deliverer:
        yield publisher


async def publish(publisher: Publisher, *ids: str) -> None:
    for id_ in ids:
        event = {"specversion": "1.0", "id": id_, "source": "shop", "type": "sold", "data": 1}
        assert (await publisher.publish(msgspec.json.encode(event))).status == 200
        publisher.clock.s += 60.0


async def somebody_waits(publisher: Publisher) -> None:
    for _ in range(1000):
        await asyncio.sleep(0)
        if "1 readers" in repr(publisher.arrivals):
            return
    raise AssertionError(publisher.arrivals)


def ids(answer: AsgiResponse) -> list[str]:
    return [each["event"]["id"] for each in shown(answer)["events"]]


def following(answer: AsgiResponse) -> str:
    """Return the tail of the URL at which reading goes on."""
    found = re.fullmatch(r'</events/organizations/acme/integrations/42/(.+)>; rel="next"', answer.headers["link"])
    assert found is not None
    return found[1]


async def test_a_journal_is_read_page_by_page(publisher: Publisher) -> None:
    await publish(publisher, "a", "b", "c")
    first = await publisher.ask("mine?limit=2")
    assert ids(first) == ["a", "b"]
    page = first.json()["_page"]
    assert page == {"last": first.json()["events"][-1]["position"], "count": 2}
    second = await publisher.ask(following(first))
    assert ids(second) == ["c"]
    end = await publisher.ask(following(second))
    assert (end.status, end.headers["retry-after"], end.body) == (204, "10", b"")
    await publish(publisher, "d")
    assert ids(await publisher.ask(following(end))) == ["d"]


async def test_latest_begins_now(publisher: Publisher) -> None:
    await publish(publisher, "a")
    latest = await publisher.ask("mine?latest=true")
    assert latest.status == 204
    await publish(publisher, "b")
    assert ids(await publisher.ask(following(latest))) == ["b"]


@pytest.mark.parametrize(
    ("seek", "expected"), [("-PT2M", ["b", "c"]), ("-PT1H", ["a", "b", "c"]), ("-P1DT1M1S", ["a", "b", "c"])]
)
async def test_seek_goes_back_in_time(publisher: Publisher, seek: str, expected: list[str]) -> None:
    await publish(publisher, "a", "b", "c")
    assert ids(await publisher.ask(f"mine?seek={seek}")) == expected


async def test_a_reader_that_stayed_away_too_long_is_told(publisher: Publisher) -> None:
    await publish(publisher, "a")
    read = await publisher.ask("mine")
    publisher.clock.s += 7 * DAY_S
    gone = await publisher.ask(following(read))
    assert (gone.status, gone.json()["error_code"]) == (410, "410000")


async def test_a_reader_of_a_quiet_journal_keeps_its_place(publisher: Publisher) -> None:
    await publish(publisher, "a")
    answer = await publisher.ask("mine")
    for _ in range(3):
        publisher.clock.s += 6 * DAY_S
        answer = await publisher.ask(following(answer))
        assert answer.status == 204
    await publish(publisher, "b")
    assert ids(await publisher.ask(following(answer))) == ["b"]


async def test_a_reader_may_wait_for_the_next_event(publisher: Publisher) -> None:
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(publisher.ask("mine?latest=true&wait=30"))
        await somebody_waits(publisher)
        await publish(publisher, "a")
    assert ids(reading.result()) == ["a"]
    assert "0 readers" in repr(publisher.arrivals)


async def test_who_waits_for_nothing_is_let_go_when_the_server_ends(publisher: Publisher) -> None:
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(publisher.ask("mine?wait=30"))
        await somebody_waits(publisher)
        publisher.arrivals.close()
    assert reading.result().status == 204
    assert (await publisher.ask("mine?wait=30")).status == 204


async def test_dead_letters_of_a_time_are_delivered_again(publisher: Publisher) -> None:
    publisher.status, began_s = 400, publisher.clock.s
    await publish(publisher, "a", "b", "c")
    await publisher.deliver()
    second = datetime.fromtimestamp(began_s + 60, UTC)
    span = f"from={second.isoformat()}&to={round((began_s + 120) * 1000)}"
    assert shown(await publisher.ask(f"replay/mine?{span}", "POST")) == {"count": 1}
    assert shown(await publisher.ask("replay/mine", "POST")) == {"count": 2}


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-01-31T12:00:00", "from="])
async def test_wrong_times(publisher: Publisher, query: str) -> None:
    assert (await publisher.ask(f"replay/mine?{query}", "POST")).status == 400


@pytest.mark.parametrize(
    "query", ["wait=x", "wait=-1", "since=x", "since=1:", "limit=0", "limit=a", "seek=2h", "seek=P", "seek=-PT", "since="]
)
async def test_wrong_queries(publisher: Publisher, query: str) -> None:
    assert (await publisher.ask(f"mine?{query}")).status == 400


async def test_a_page_has_a_megabyte_and_a_half_at_the_most(publisher: Publisher) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "shop", "type": "sold", "data": "x" * 900_000}
    for _ in range(3):
        await publisher.publish(msgspec.json.encode(event))
    assert len(ids(await publisher.ask("mine"))) == 1


@pytest.mark.parametrize("tail", ["other", "tracing/other", "deadletters/other"])
async def test_other_registrations_are_not_there(publisher: Publisher, tail: str) -> None:
    assert (await publisher.ask(tail)).status == 404


async def test_strangers_see_nothing(publisher: Publisher) -> None:
    assert (await publisher.ask("mine", token="other/1")).status == 403


async def test_dead_letters_can_be_sent_again(publisher: Publisher) -> None:
    publisher.status = 400
    await publish(publisher, "a", "b")
    await publisher.deliver()
    letters = shown(await publisher.ask("deadletters/mine"))["dead_letters"]
    assert [(letter["event"]["id"], letter["attempts"]) for letter in letters] == [("a", 1), ("b", 1)]
    publisher.status = 200
    one = f"replay/mine?eventid={letters[0]['event_id']}"
    assert shown(await publisher.ask(one, "POST")) == {"count": 1}
    assert shown(await publisher.ask("replay/mine", "POST")) == {"count": 1}
    await publisher.deliver()
    assert shown(await publisher.ask("deadletters/mine")) == {"dead_letters": []}
    traces = shown(await publisher.ask("tracing/mine"))["traces"]
    assert sorted(trace["status"] for trace in traces) == [200, 200, 400, 400]
    assert {trace["response"] for trace in traces} == {"said"}
