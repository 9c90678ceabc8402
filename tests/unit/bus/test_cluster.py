"""What processes say to each other: its form, who counts as there, and that requests and outcomes find their ways."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from ioruntime.bus import subjects, wire
from ioruntime.bus.crew import Crew, Roll
from ioruntime.bus.link import Link
from ioruntime.bus.remote import RemoteBus
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import CorruptError, UnavailableError
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.fleet import Condition, Member, Role
from ioruntime.testing.activations_contract import sample_activation, sample_request
from ioruntime.testing.engines.nats import RunningNats, running_nats

pytestmark = pytest.mark.anyio
over_nats = [pytest.mark.nats, pytest.mark.timeout(120)]


def member(name: str, *, condition: Condition = Condition.UP, roles: tuple[Role, ...] = tuple(Role)) -> Member:
    return Member(name=name, label=name, roles=roles, condition=condition, memory_mb=1024, free_mb=1024)


@pytest.mark.parametrize(
    "message",
    [
        wire.Run("c", sample_request()),
        wire.Answer(sample_activation()),
        wire.Taken(taken=True),
        wire.Beat(member("a")),
        wire.Forget("entity", "ns", "p/a"),
        wire.Find("ns", ActivationId("1")),
        wire.Found("a", sample_activation()),
        wire.Hold((ActivationId("1"),)),
        wire.Due((("ns", "r"),)),
        wire.Done("a"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_are_read_as_they_were_written(message: msgspec.Struct) -> None:
    assert wire.read(wire.write(message), type(message)) == message


def test_fields_of_a_later_version_are_ignored_and_those_of_an_earlier_one_have_defaults() -> None:
    written = msgspec.json.decode(wire.write(wire.Beat(member("a"))))
    written |= {"version": 2, "mood": "good"}
    del written["leaving"], written["member"]["waiting"]
    assert wire.read(msgspec.json.encode(written), wire.Beat).member == member("a")


def test_what_is_no_message_is_told() -> None:
    for data in (b"", b"{}", b"\xff"):
        with pytest.raises(CorruptError):
            wire.read(data, wire.Run)


def test_who_is_silent_is_gone_unless_we_could_not_hear() -> None:
    roll = Roll(gone_s=3.0)
    assert roll.hear(wire.Beat(member("a")), 0.0)
    assert not roll.hear(wire.Beat(member("a")), 1.0)
    roll.hear(wire.Beat(member("b")), 3.5)
    assert [each.name for each in roll.take_gone(3.9)] == []
    assert [each.name for each in roll.take_gone(4.0)] == ["a"]
    roll.excuse(9.0)
    assert roll.take_gone(10.0) == []
    roll.hear(wire.Beat(member("b"), leaving=True), 10.0)
    assert roll.members() == []


class Listener:
    """A `Hearing` that remembers."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[str, str | None]] = []
        self.records: dict[ActivationId, Activation] = {}
        self.holds: set[ActivationId] = set()
        self.lanes: list[tuple[str, str]] = []
        self.lost: list[Member] = []
        self.flushed = 0
        self.bus: RemoteBus | None = None

    async def forget(self, namespace: str, key: str | None) -> None:
        self.forgotten.append((namespace, key))

    def find(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        return self.records.get(activation_id)

    async def flush(self) -> None:
        self.flushed += 1

    def held(self, activation_ids: Collection[ActivationId]) -> Collection[ActivationId]:
        return self.holds & set(activation_ids)

    def due(self, lanes: Sequence[tuple[str, str]]) -> None:
        self.lanes.extend(lanes)

    def gone(self, member: Member) -> None:
        self.lost.append(member)
        if self.bus is not None:
            self.bus.gone(member)

    def seen(self, members: Sequence[Member]) -> None:
        if self.bus is not None:
            self.bus.see(members)


async def until(look: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)


@asynccontextmanager
async def process(url: str, name: str) -> AsyncGenerator[tuple[Crew, RemoteBus, Listener]]:
    """One process of a cluster; its bus listens when it is started."""
    listener = Listener()
    async with Link.connect(url, name=name) as link:
        bus = listener.bus = RemoteBus(link, name)
        async with Crew(link, lambda: member(name), listener, now_s=time.monotonic) as crew:
            yield crew, bus, listener


class TestOverNats:
    pytestmark = over_nats

    async def test_processes_know_each_other_and_say_goodbye(self, nats: RunningNats) -> None:
        async with process(nats.server.url, "a") as (a, _, heard):
            async with process(nats.server.url, "b") as (b, _, _):
                await b.acquainted(30)
                await until(lambda: [each.name for each in a.members()] == ["a", "b"])
            await until(lambda: [each.name for each in a.members()] == ["a"])
            assert [each.name for each in heard.lost] == ["b"]

    async def test_all_forget_flush_and_tell_what_they_hold(self, nats: RunningNats) -> None:
        async with process(nats.server.url, "a") as (a, _, mine), process(nats.server.url, "b") as (b, _, theirs):
            await until(lambda: len(a.members()) == 2 and len(b.members()) == 2)
            await a.forget("ns", "p/a")
            assert theirs.forgotten == mine.forgotten == [("ns", "p/a")]
            await a.flush()
            assert theirs.flushed == mine.flushed == 1
            theirs.holds, mine.holds = {ActivationId("1")}, {ActivationId("2")}
            wanted = [ActivationId("1"), ActivationId("2"), ActivationId("3")]
            assert await a.held(wanted) == {"1", "2"}
            record = theirs.records[ActivationId("1")] = sample_activation()
            assert await a.find("guest", ActivationId("1")) == record
            assert await a.find("guest", ActivationId("2")) is None
            a.due([("ns", "r")])
            await until(lambda: theirs.lanes == [("ns", "r")])

    async def test_request_goes_to_its_invoker_and_its_outcome_comes_back(self, nats: RunningNats) -> None:
        async with process(nats.server.url, "c") as (c, controller, _), process(nats.server.url, "i") as (_, invoker, _):
            taken, recorded, heard = list[InvocationRequest](), list[tuple[InvocationRequest, Activation]](), list[Activation]()
            invoker.serve("i", taken.append)
            invoker.record_with(lambda sent, ended: recorded.append((sent, ended)))
            controller.listen(heard.append)
            await controller.start()
            await invoker.start()
            await until(lambda: len(c.members()) == 2)
            request = sample_request()
            await controller.send("i", request)
            assert taken == [request]
            assert set(invoker.held()) == set(controller.sent()) == {request.activation_id}
            outcome = sample_activation(id_=request.activation_id)
            invoker.answer(request, outcome)
            await until(lambda: heard == [outcome])
            assert recorded == [(request, outcome)]
            assert not invoker.held()
            assert not controller.sent()

    async def test_invoker_that_is_not_there_or_takes_no_more_is_said_at_once(self, nats: RunningNats) -> None:
        async with process(nats.server.url, "c") as (_, controller, _), process(nats.server.url, "i") as (_, invoker, _):
            await controller.start()
            with pytest.raises(UnavailableError):
                await controller.send("nobody", sample_request())
            invoker.serve("i", list[InvocationRequest]().append)
            await invoker.start()
            invoker.leave("i")
            with pytest.raises(UnavailableError):
                await controller.send("i", sample_request())
            assert not controller.sent()

    async def test_what_was_with_a_process_that_is_gone_is_lost_and_its_late_outcome_ignored(self, nats: RunningNats) -> None:
        async with process(nats.server.url, "c") as (_, controller, _), process(nats.server.url, "i") as (_, invoker, _):
            lost, heard = list[InvocationRequest](), list[Activation]()
            invoker.serve("i", list[InvocationRequest]().append)
            controller.listen(heard.append)
            controller.listen_lost(lost.append)
            await controller.start()
            await invoker.start()
            request, other = sample_request(), sample_request()
            await controller.send("i", request)
            controller.gone(member("i"))
            assert lost == [request]
            await controller.send("i", other)
            invoker.answer(request, sample_activation(id_=request.activation_id))
            invoker.answer(other, sample_activation(id_=other.activation_id))
            await until(lambda: len(heard) == 1)
            assert heard[0].activation_id == other.activation_id

    async def test_server_that_is_killed_is_found_again(self) -> None:
        with running_nats() as own:
            async with process(own.server.url, "a") as (a, _, _), process(own.server.url, "b") as (b, _, _):
                await until(lambda: len(a.members()) == 2)
                await asyncio.to_thread(own.kill)
                await asyncio.to_thread(own.start)
                deadline_s = time.monotonic() + 30
                while await a.held([ActivationId("1")]) is None:
                    assert time.monotonic() < deadline_s
                    await asyncio.sleep(0.05)
                assert {each.name for each in b.members()} == {"a", "b"}


async def test_nobody_at_the_address_is_said_so() -> None:
    with pytest.raises(UnavailableError, match="NATS cannot be reached"):
        async with Link.connect("nats://127.0.0.1:1", name="a"):
            pass


def test_all_subjects_have_the_number_of_the_version() -> None:
    named = [value for name, value in vars(subjects).items() if name.isupper() and isinstance(value, str)]
    named += [make("x") for make in (subjects.run, subjects.answers, subjects.drain)]
    assert len(named) == len(set(named)) >= 10
    assert all(subject.startswith("ioruntime.1") for subject in named)
