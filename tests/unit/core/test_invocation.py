"""Starting an activation, waiting for it, and counting it out again whatever happens."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.invocation import Accepted, Invocations, Outcome
from ioruntime.core.recovery import Recovery
from ioruntime.core.resolve import Resolver, resolve
from ioruntime.core.throttle import Throttle
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId, Status
from ioruntime.model.errors import InvalidError, IoRuntimeError, ThrottledError, UnavailableError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Parameter, annotation, read_arguments
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.memory import MemoryActivations, MemoryStores
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

ACTION = Action(
    path=EntityPath("her", "a", "p"), exec=CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1)), version="0.0.7"
)
ME = Identity(Namespace(name="me", owner=Owner("o", "i"), auth=AuthKey("uuid", "key")), "subject")


class FaultyActivations:
    """A store of records that refuses to accept when told, and waits at a gate before it answers."""

    def __init__(self, store: MemoryActivations) -> None:
        self._store = store
        self.refuses = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.accepting = asyncio.Event()

    async def accept(self, requests: Sequence[InvocationRequest], *, begun: Sequence[ActivationId] = ()) -> None:
        self.accepting.set()
        await self.gate.wait()
        if self.refuses:
            raise UnavailableError
        await self._store.accept(requests, begun=begun)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class Silent:
    def store_failed(self, error: Exception, *, pending: int) -> None: ...


class World:
    """Invocations with an invoker that keeps what it gets until the test answers."""

    def __init__(self, *, limits: Limits | None = None) -> None:
        self.stores, self.clock, self.throttle, self.bus = MemoryStores(), HandClock(), Throttle(), LocalBus()
        self.activations = FaultyActivations(self.stores.activations)
        store: Any = self.activations
        self.recorder = Recorder(store, Silent())
        self.got: list[InvocationRequest] = []
        self.arrived = asyncio.Event()
        self.bus.serve("one", self.take)
        self.invocations = Invocations(
            resolver=Resolver(self.stores.entities),
            bus=self.bus,
            store=store,
            recorder=self.recorder,
            admission=Admission(self.throttle, self.clock, limits or Limits()),
            clock=self.clock,
        )

    def take(self, request: InvocationRequest) -> None:
        self.got.append(request)
        self.arrived.set()

    async def invoke(self, *, wait_ms: int | None = None, body: bytes = b"{}", who: Identity = ME, **changes: Any) -> Outcome:
        resolved = resolve(msgspec.structs.replace(ACTION, **changes), None)
        return await self.invocations.invoke(who, resolved, read_arguments(body), transaction_id="tid", wait_ms=wait_ms)

    def answer(self, request: InvocationRequest | None = None, result: bytes = b'{"ok":true}') -> Activation:
        request = request or self.got[-1]
        activation = Activation(
            activation_id=request.activation_id,
            namespace=request.namespace,
            name=request.action.path.name,
            version=request.action.version,
            subject=request.subject,
            start_ms=request.received_ms,
            result=msgspec.Raw(result),
        )
        self.bus.answer(request, activation)
        return activation

    @property
    def counters(self) -> tuple[int, int]:
        return self.throttle.in_flight("me"), self.invocations.in_flight

    async def write(self) -> None:
        self.recorder.close()
        await self.recorder.run()


async def accepted_ids(world: World) -> list[ActivationId]:
    return [request.activation_id for request in await world.stores.activations.accepted()]


async def test_the_request_says_everything_an_invoker_needs() -> None:
    world = World()
    outcome = await world.invoke(
        body=b'{"a":1,"e":"mine"}',
        parameters=(Parameter("b", 2), Parameter("e", "x", init=True)),
        annotations=(Annotation("provide-api-key", True),),
    )
    (request,) = world.got
    assert outcome == Accepted(request.activation_id)
    assert (request.namespace, request.subject, request.transaction_id) == ("me", "subject", "tid")
    assert (request.received_ms, request.blocking, request.api_key) == (1_000_000, False, "uuid:key")
    assert msgspec.json.decode(request.arguments) == {"b": 2, "a": 1}
    assert request.environment == {"e": "mine"}
    assert request.action.path == ACTION.path


async def test_an_action_that_may_not_have_the_key_does_not_get_it() -> None:
    world = World()
    await world.invoke(annotations=(Annotation("provide-api-key", False),))
    assert world.got[0].api_key is None


async def test_accepted_means_stored_before_it_is_sent() -> None:
    world = World()
    world.activations.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(world.invoke())
        await world.activations.accepting.wait()
        assert world.got == []
        world.activations.gate.set()
    outcome = invoking.result()
    assert isinstance(outcome, Accepted)
    assert await accepted_ids(world) == [outcome.activation_id]
    assert world.counters == (1, 1)
    answer = world.answer()
    assert world.counters == (0, 0)
    assert world.recorder.find("me", outcome.activation_id) == answer
    await world.write()
    assert await accepted_ids(world) == []


async def test_a_blocking_call_gets_the_record_and_accepts_nothing() -> None:
    world = World()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(world.invoke(wait_ms=60_000))
        await world.arrived.wait()
        assert world.counters == (1, 1)
        answer = world.answer()
    assert invoking.result() is answer
    assert world.got[0].blocking
    assert world.counters == (0, 0)
    assert not world.activations.accepting.is_set()


async def test_who_waited_long_enough_gets_accepted_only_after_it_is_stored() -> None:
    world = World()
    world.activations.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(world.invoke(wait_ms=0))
        await world.activations.accepting.wait()
        assert not invoking.done()
        world.activations.gate.set()
    outcome = invoking.result()
    assert outcome == Accepted(world.got[0].activation_id)
    assert await accepted_ids(world) == [world.got[0].activation_id]
    assert world.counters == (1, 1)
    world.answer()
    assert world.counters == (0, 0)


async def test_an_answer_that_comes_while_accepting_is_given_and_the_acceptance_taken_back() -> None:
    world = World()
    world.activations.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(world.recorder.run())
        invoking = tasks.create_task(world.invoke(wait_ms=0))
        await world.activations.accepting.wait()
        answer = world.answer()
        await world.recorder.flushed()
        assert world.recorder.pending == 0
        world.activations.gate.set()
        await asyncio.wait((invoking,))
        world.recorder.close()
    assert invoking.result() is answer
    assert await accepted_ids(world) == []


@pytest.mark.parametrize("wait_ms", [None, 0], ids=["at once", "after the wait"])
async def test_a_store_that_refuses_to_accept_is_told(wait_ms: int | None) -> None:
    world = World()
    world.activations.refuses = True
    with pytest.raises(UnavailableError):
        await world.invoke(wait_ms=wait_ms)
    if wait_ms is not None:
        world.answer()
    assert world.counters == (0, 0)


async def test_nobody_takes_a_blocking_one() -> None:
    world = World()
    world.bus.leave("one")
    with pytest.raises(UnavailableError):
        await world.invoke(wait_ms=1000)
    assert world.counters == (0, 0)
    assert world.recorder.pending == 0


async def test_nobody_takes_one_that_was_accepted_so_it_has_its_record() -> None:
    world = World()
    await world.stores.namespaces.create(ME.namespace)
    world.bus.leave("one")
    with pytest.raises(UnavailableError):
        await world.invoke()
    (id_,) = await accepted_ids(world)
    record = world.recorder.find("me", id_)
    assert record is not None
    assert record.status is Status.WHISK_ERROR
    assert world.counters == (0, 0)
    await world.write()
    assert await accepted_ids(world) == []


@pytest.mark.parametrize(("wait_ms", "error"), [(None, ZeroDivisionError), (5000, ZeroDivisionError)])
async def test_a_bus_that_breaks_leaves_no_count(wait_ms: int | None, error: type[Exception]) -> None:
    def broken(_: InvocationRequest) -> None:
        raise error

    world = World()
    world.bus.serve("one", broken)
    with pytest.raises(error):
        await world.invoke(wait_ms=wait_ms)
    assert world.counters == (0, 0)


async def test_a_caller_that_goes_away_does_not_stop_the_activation() -> None:
    world = World()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(world.invoke(wait_ms=60_000))
        await world.arrived.wait()
        invoking.cancel()
        await asyncio.wait((invoking,))
    assert invoking.cancelled()
    assert world.counters == (1, 1)
    answer = world.answer()
    assert world.counters == (0, 0)
    assert world.recorder.find("me", answer.activation_id) == answer


async def test_a_caller_that_goes_away_while_accepting_starts_nothing() -> None:
    world = World()
    world.activations.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        invoking = tasks.create_task(world.invoke())
        await world.activations.accepting.wait()
        invoking.cancel()
    assert world.got == []
    assert world.counters == (0, 0)


async def test_a_final_parameter_stops_it_before_it_counts() -> None:
    world = World(limits=Limits(invocations_per_minute=1))
    with pytest.raises(InvalidError):
        await world.invoke(body=b'{"a":2}', parameters=(Parameter("a", 1),), annotations=(Annotation("final", True),))
    await world.invoke()


async def test_limits_count_for_who_invokes() -> None:
    world = World(limits=Limits(concurrent_invocations=1))
    await world.invoke()
    with pytest.raises(ThrottledError, match=r"in flight \(count: 2, allowed: 1\)"):
        await world.invoke(wait_ms=1)
    assert len(world.got) == 1
    world.answer()
    await world.invoke()


async def test_a_namespace_s_own_limits_count() -> None:
    world = World(limits=Limits(invocations_per_minute=0))
    rich = msgspec.structs.replace(ME, namespace=msgspec.structs.replace(ME.namespace, overrides={"invocationsPerMinute": 1}))
    await world.invoke(who=rich)
    with pytest.raises(ThrottledError, match=r"last minute \(count: 2, allowed: 1\)"):
        await world.invoke(who=rich)
    world.clock.s += 61
    await world.invoke(who=rich)


async def test_nothing_is_started_when_records_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr("ioruntime.core.activations._PENDING_MOST", 0)
    with pytest.raises(UnavailableError):
        await world.invoke()
    assert (world.got, world.counters) == ([], (0, 0))


async def restarted(before: World) -> tuple[World, Recovery]:
    """A process on the store of another that is gone, and what recovers there."""
    after = World()
    after.stores.activations = before.stores.activations
    after.activations._store = before.stores.activations
    store: Any = after.activations
    return after, Recovery(store=store, namespaces=before.stores.namespaces, invocations=after.invocations)


async def test_what_an_earlier_process_had_begun_gets_its_record_and_only_once() -> None:
    before = World()
    await before.stores.namespaces.create(ME.namespace)
    outcome = await before.invoke()
    await before.stores.activations.begin((outcome.activation_id,))
    after, recovery = await restarted(before)
    assert (await recovery.load(), recovery.waiting) == (1, 0)
    record = after.recorder.find("me", outcome.activation_id)
    assert record is not None
    assert (record.status, record.success, record.package, record.version) == (Status.WHISK_ERROR, False, "p", "0.0.7")
    assert "the platform stopped" in msgspec.json.decode(record.result)["error"]
    assert annotation(record.annotations, "path") == "her/p/a"
    await after.write()
    assert await recovery.load() == 0
    assert await before.stores.activations.read("me", outcome.activation_id) == record
    assert after.counters == (0, 0)


async def test_what_an_earlier_process_had_not_begun_is_run_with_what_it_was_sent() -> None:
    before = World()
    await before.stores.namespaces.create(ME.namespace)
    outcomes = [await before.invoke(body=b'{"n":%d}' % n) for n in range(3)]
    after, recovery = await restarted(before)
    assert (await recovery.load(), recovery.waiting) == (0, 3)
    assert sorted(await accepted_ids(after)) == sorted(outcome.activation_id for outcome in outcomes)
    await recovery.run()
    assert (after.counters, recovery.waiting) == ((3, 3), 0)
    assert {each.activation_id: each for each in after.got} == {each.activation_id: each for each in before.got}
    for request in list(after.got):
        after.answer(request)
    await after.write()
    assert (await accepted_ids(after), after.counters) == ([], (0, 0))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - lists tell nobody that they grew
            await asyncio.sleep(0)


async def test_what_is_run_again_leaves_room_for_others() -> None:
    before = World()
    await before.stores.namespaces.create(ME.namespace)
    for _ in range(5):
        await before.invoke()
    after, _ = await restarted(before)
    store: Any = after.activations
    recovery = Recovery(store=store, namespaces=before.stores.namespaces, invocations=after.invocations, at_once=2)
    await recovery.load()
    running = asyncio.ensure_future(recovery.run())
    for number in range(1, 6):
        await until(lambda number=number: len(after.got) >= number)
        assert len(after.got) <= number + 1
        after.answer(after.got[number - 1])
    await running
    assert after.counters == (0, 0)


async def test_what_no_invoker_takes_stays_accepted_and_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ioruntime.core.recovery._RETRY_S", 0)
    before = World()
    await before.stores.namespaces.create(ME.namespace)
    await before.invoke()
    after, recovery = await restarted(before)
    await recovery.load()
    after.bus.leave("one")
    running = asyncio.ensure_future(recovery.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert (recovery.waiting, after.counters, len(await accepted_ids(after))) == (1, (0, 0), 1)
    after.bus.serve("one", after.take)
    await running
    assert len(after.got) == 1


async def test_what_was_promised_on_the_way_counts_as_begun() -> None:
    world = World()
    outcome = await world.invoke(wait_ms=0)
    assert isinstance(outcome, Accepted)
    assert await world.stores.activations.begun() == {outcome.activation_id}


async def accept_three(world: World) -> Sequence[ActivationId | IoRuntimeError]:
    final = (Annotation("final", True),)
    fixed = msgspec.structs.replace(ACTION, annotations=final, parameters=(Parameter("x", 1),))
    actions = [resolve(action, None) for action in (ACTION, fixed, ACTION)]
    return await world.invocations.accept_many(ME, actions, read_arguments(b'{"x":2}'), transaction_id="tid")


async def test_many_are_accepted_at_once_and_the_refused_do_not_matter() -> None:
    world = World()
    first, refused, last = await accept_three(world)
    assert isinstance(refused, InvalidError)
    assert [request.activation_id for request in world.got] == [first, last]
    assert set(await accepted_ids(world)) == {first, last}
    assert not any(request.blocking for request in world.got)
    assert world.counters == (2, 2)


async def test_many_are_throttled_one_by_one() -> None:
    world = World(limits=Limits(invocations_per_minute=1))
    first, _, last = await accept_three(world)
    assert (isinstance(first, str), type(last)) == (True, ThrottledError)
    assert world.counters == (1, 1)


async def test_none_of_many_starts_when_they_cannot_be_stored() -> None:
    world = World()
    world.activations.refuses = True
    with pytest.raises(UnavailableError):
        await accept_three(world)
    assert (world.got, world.counters) == ([], (0, 0))


async def test_many_without_an_invoker_each_have_a_record() -> None:
    world = World()
    world.bus.leave("one")
    outcomes = await accept_three(world)
    assert [type(outcome) for outcome in outcomes] == [UnavailableError, InvalidError, UnavailableError]
    await world.write()
    assert (await accepted_ids(world), world.counters) == ([], (0, 0))
