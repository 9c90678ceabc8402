"""The feed actions, and triggers fired by the clock: memory stores, an invoker that runs nothing, a clock moved by hand."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from ioruntime.app.triggers import TriggerMemory, TriggerParts, build_triggers
from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.alarms.alarm import Alarm, Stopped, alarm_path, read_alarm
from ioruntime.core.alarms.feed import AlarmFeed
from ioruntime.core.invocation import Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation
from ioruntime.model.errors import CorruptError, ThrottledError, UnavailableError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note
from ioruntime.model.trigger import Rule, RuleStatus, Trigger
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.entities import Entity
from ioruntime.stores.memory import MemoryEntities, MemoryStores
from ioruntime.testing.clock import HandClock
from ioruntime.testing.invoker import FakeInvoker, echo

pytestmark = pytest.mark.anyio

GUEST = Identity(Namespace(name="guest", owner=Owner("o", "guest"), auth=AuthKey("1", "k")), "guest")
OTHER = Identity(Namespace(name="other", owner=Owner("o", "other"), auth=AuthKey("2", "k")), "other")
NOON = 1_774_699_200
"""2026-03-28T12:00:00Z, in seconds."""
TOMORROW = "2026-03-29"
DONE = {"status": "success"}


class FaultyEntities:
    """A store of entities that refuses to write when told."""

    def __init__(self, store: MemoryEntities) -> None:
        self._store = store
        self.refuses = False

    async def write(self, entity: Entity) -> Entity:
        if self.refuses:
            raise UnavailableError
        return await self._store.write(entity)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Stores:
    """What several processes share."""

    def __init__(self) -> None:
        self.memory = MemoryStores()
        self.namespaces = self.memory.namespaces
        self.activations = self.memory.activations
        self.faulty = FaultyEntities(self.memory.entities)
        self.entities: Any = self.faulty


class Listener:
    """Tells those who remember what changed."""

    def __init__(self, resolver: Resolver, memory: TriggerMemory) -> None:
        self._resolver, self._memory = resolver, memory

    def entity_changed(self, namespace: str, key: str) -> None:
        self._resolver.forget(namespace, key)
        self._memory.forget(namespace, key)


class World:
    """One process; several may share their stores and clock."""

    def __init__(self, stores: Stores, clock: HandClock, limits: Limits | None = None) -> None:
        self.stores, self.clock = stores, clock
        self.failures: list[tuple[str, str, Exception]] = []
        bus = LocalBus()
        self.invoker = FakeInvoker(bus)
        resolver, self.memory = Resolver(stores.entities), TriggerMemory(stores.entities)
        listener = Listener(resolver, self.memory)
        admission = Admission(Throttle(), clock, limits or Limits())
        self.recorder = Recorder(stores.activations, self)
        self.feed = AlarmFeed(entities=stores.entities, clock=clock, listener=listener)
        self.invocations = Invocations(
            resolver=resolver, bus=bus, store=stores.activations, recorder=self.recorder, admission=admission, clock=clock
        )
        parts = TriggerParts(stores, self.memory, resolver, self.invocations, self.recorder, admission, clock, listener)
        self.services = build_triggers(parts, self)
        self.scheduler = self.services.scheduler

    def store_failed(self, error: Exception, *, pending: int) -> None:
        raise error

    def alarm_failed(self, namespace: str, trigger: str, error: Exception, /) -> None:
        self.failures.append((namespace, trigger, error))

    async def call(self, feed: str, event: str = "CREATE", *, by: Identity = GUEST, **parameters: Any) -> dict[str, Any]:
        """Invoke a feed action for the trigger `t`."""
        given = {"triggerName": "/_/t", "lifecycleEvent": event, "authKey": "any:key"} | parameters
        return await self.feed.natives()[f"alarms.{feed}"](by, given)

    async def at(self, seconds: float) -> list[dict[str, Any]]:
        """Let it be so many seconds after noon; return what the action of the rule was started with by then."""
        self.clock.s = NOON + seconds
        before = len(self.invoker.requests)
        await self.scheduler.tick()
        return [msgspec.json.decode(request.arguments) for request in self.invoker.requests[before:]]

    async def alarm(self) -> Alarm | None:
        note = await self.stores.entities.read(alarm_path(EntityPath("guest", "t")))
        return read_alarm(note) if isinstance(note, Note) else None

    async def fires(self) -> Sequence[Activation]:
        return await self.stores.activations.list(ActivationFilter(namespace="guest", name="t"))


@pytest.fixture
def clock() -> HandClock:
    clock = HandClock()
    clock.s = NOON
    return clock


@pytest.fixture
async def stores() -> Stores:
    """Two namespaces; the guest's has a trigger `t` with a rule `r` to the action `a`."""
    stores = Stores()
    for identity in (GUEST, OTHER):
        await stores.namespaces.create(identity.namespace)
    trigger, action = EntityPath("guest", "t"), EntityPath("guest", "a")
    await stores.entities.write(Trigger(path=trigger))
    await stores.entities.write(Action(path=action, exec=CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))))
    await stores.entities.write(Rule(path=EntityPath("guest", "r"), trigger=trigger, action=action))
    return stores


@asynccontextmanager
async def running(world: World) -> AsyncGenerator[World]:
    """Let a process record while the context lasts."""
    async with asyncio.TaskGroup() as tasks, world.invocations:
        tasks.create_task(world.recorder.run(), name="recorder")
        try:
            yield world
        finally:
            world.recorder.close()


@pytest.fixture
async def world(stores: Stores, clock: HandClock) -> AsyncIterator[World]:
    async with running(World(stores, clock)) as world:
        yield world


async def test_create_and_read_an_alarm(world: World) -> None:
    assert await world.call("alarm", cron="*/5 * * * *", timezone="Europe/Berlin", trigger_payload={"a": 1}) == DONE
    config = {"name": "t", "namespace": "guest", "payload": {"a": 1}, "cron": "*/5 * * * *", "timezone": "Europe/Berlin"}
    status = {"active": True, "dateChanged": NOON * 1000, "dateChangedISO": "2026-03-28T12:00:00Z"}
    assert await world.call("alarm", "READ") == {"config": config, "status": status}


async def test_an_interval_tells_when_it_starts(world: World) -> None:
    await world.call("interval", minutes=2)
    assert (await world.call("interval", "READ"))["config"]["startDate"] == NOON * 1000 + 30_000


@pytest.mark.parametrize("name", ["/_/t", "/guest/t", "t", "_/t"])
async def test_ways_to_name_the_trigger(world: World, name: str) -> None:
    assert await world.call("once", date=TOMORROW, triggerName=name) == DONE


@pytest.mark.parametrize(
    ("event", "parameters", "text"),
    [
        pytest.param("CREATE", {"triggerName": None}, "no trigger name parameter was provided", id="no trigger"),
        pytest.param("CREATE", {"triggerName": 5}, "no trigger name parameter was provided", id="trigger that is no text"),
        pytest.param("CREATE", {"triggerName": "/_/x"}, "trigger '/guest/x' does not exist", id="unknown trigger"),
        pytest.param("CREATE", {"triggerName": "/_/a"}, "trigger '/guest/a' does not exist", id="an action is no trigger"),
        pytest.param(
            "CREATE", {"triggerName": "/_/p/t"}, "'/_/p/t' does not name a trigger: it has too many parts", id="in a package"
        ),
        pytest.param(
            "CREATE",
            {"triggerName": "/other/t"},
            "The supplied authentication is not authorized to access 'other/t'.",
            id="another's trigger",
        ),
        pytest.param("CREATE", {"date": "2020-01-01"}, "date parameter '2020-01-01' must be in the future", id="past"),
        pytest.param("EXPLODE", {}, "unsupported lifecycleEvent", id="unknown event"),
        pytest.param("READ", {}, "trigger '/guest/t' has no schedule", id="read"),
        pytest.param("UPDATE", {"date": 1}, "trigger '/guest/t' has no schedule", id="update"),
        pytest.param("PAUSE", {}, "trigger '/guest/t' has no schedule", id="pause"),
        pytest.param("UNPAUSE", {}, "trigger '/guest/t' has no schedule", id="unpause"),
        pytest.param("DELETE", {}, "trigger '/guest/t' has no schedule", id="delete"),
    ],
)
async def test_what_the_feed_refuses(world: World, event: str, parameters: dict[str, Any], text: str) -> None:
    given: dict[str, Any] = {"date": TOMORROW} | parameters
    assert await world.call("once", event, **given) == {"error": text}
    assert await world.alarm() is None


async def test_a_trigger_has_one_schedule(world: World) -> None:
    await world.call("once", date=TOMORROW)
    assert await world.call("interval", minutes=1) == {"error": "trigger '/guest/t' has a schedule already"}
    assert await world.call("once", "DELETE") == DONE
    assert await world.call("interval", minutes=1) == DONE


async def test_nobody_else_sees_it(world: World) -> None:
    await world.call("once", date=TOMORROW)
    refused = {"error": "The supplied authentication is not authorized to access 'guest/t'."}
    assert await world.call("once", "DELETE", by=OTHER, triggerName="/guest/t") == refused
    assert await world.call("once", "DELETE", by=OTHER) == {"error": "trigger '/other/t' has no schedule"}
    assert await world.alarm() is not None


async def test_an_alarm_fires_its_trigger_each_time(world: World) -> None:
    await world.call("alarm", cron="* * * * *", trigger_payload={"n": 1})
    assert await world.at(59.9) == []
    assert await world.at(60.0) == [{"n": 1, "__ow_headers": {}}]
    assert await world.at(60.1) == []
    assert len(await world.at(121.7)) == 1
    assert len(await world.at(180)) == 1
    record = (await world.fires())[0]
    assert (record.subject, record.duration_ms, record.start_ms) == ("guest", None, (NOON + 180) * 1000)


async def test_the_next_moment_is_stored_before_the_fire(world: World) -> None:
    await world.call("interval", minutes=1)
    seen: list[Alarm | None] = []
    fire = world.services.firing.fire

    async def watched(*args: Any, **kwargs: Any) -> Any:
        seen.append(await world.alarm())
        return await fire(*args, **kwargs)

    world.services.firing.fire = watched  # type: ignore[method-assign]
    await world.at(30)
    assert [alarm and alarm.next_ms for alarm in seen] == [(NOON + 90) * 1000]


async def test_a_restart_neither_doubles_nor_loses(world: World, stores: Stores, clock: HandClock) -> None:
    await world.call("interval", minutes=10)
    assert len(await world.at(30)) == 1
    async with running(World(stores, clock)) as second:
        await second.scheduler.load()
        assert await second.at(31) == []
        assert len(await second.at(630)) == 1


async def test_of_two_processes_one_fires(world: World, stores: Stores, clock: HandClock) -> None:
    await world.call("interval", minutes=10)
    async with running(World(stores, clock)) as second:
        await second.scheduler.load()
        assert [len(await each.at(30)) for each in (world, second)] == [1, 0]
        assert [len(await each.at(630)) for each in (second, world)] == [1, 0]
        assert [len(await each.at(1230)) for each in (world, second)] == [1, 0]


@pytest.mark.parametrize(
    ("down_s", "fires"), [pytest.param(9 * 60, 1, id="a little late"), pytest.param(11 * 60, 0, id="too late")]
)
async def test_what_was_missed_while_down(world: World, stores: Stores, clock: HandClock, down_s: float, fires: int) -> None:
    await world.call("alarm", cron="0 * * * *")
    async with running(World(stores, clock)) as second:
        await second.scheduler.load()
        assert len(await second.at(3600 + down_s)) == fires
        assert len(await second.at(7200)) == 1


async def test_a_date_is_fired_however_late_and_only_once(world: World, stores: Stores, clock: HandClock) -> None:
    await world.call("once", date="2026-03-28T12:01:00Z", trigger_payload="hi")
    async with running(World(stores, clock)) as second:
        await second.scheduler.load()
        assert await second.at(86_400) == [{"payload": "hi", "__ow_headers": {}}]
        assert await second.at(86_500) == []
    status = (await world.call("once", "READ"))["status"]
    assert (status["active"], status["reason"]) == (False, {"kind": "AUTO", "message": "the date has been fired"})


@pytest.mark.parametrize(
    ("after", "left"),
    [
        pytest.param("false", {"t", "r"}, id="nothing goes"),
        pytest.param("true", {"r"}, id="the trigger goes"),
        pytest.param("rules", set[str](), id="its rules go too"),
    ],
)
async def test_what_goes_after_the_fire(world: World, after: str, left: set[str]) -> None:
    await world.call("once", date="2026-03-28T12:01:00Z", deleteAfterFire=after)
    assert len(await world.at(60)) == 1
    found = {name for name in ("t", "r") if await world.stores.entities.read(EntityPath("guest", name))}
    assert found == left
    assert (await world.alarm() is None) is (after != "false")
    assert world.failures == []


async def test_what_was_to_go_goes_after_a_crash(world: World, stores: Stores, clock: HandClock) -> None:
    await world.call("once", date="2026-03-28T12:01:00Z", deleteAfterFire="rules")
    alarm = await world.alarm()
    note = await stores.entities.read(alarm_path(EntityPath("guest", "t")))
    assert alarm is not None
    fired = msgspec.structs.replace(alarm, next_ms=None, stopped=Stopped.FIRED)
    await stores.entities.write(msgspec.structs.replace(note, content=msgspec.to_builtins(fired)))
    async with running(World(stores, clock)) as second:
        await second.scheduler.load()
        assert await second.at(60) == []
    assert await stores.entities.read(EntityPath("guest", "t")) is None
    assert await world.alarm() is None


async def test_it_ends_at_the_stop_date(world: World) -> None:
    await world.call("alarm", cron="* * * * *", stopDate="2026-03-28T12:02:00Z")
    assert [len(await world.at(seconds)) for seconds in (60, 120, 180)] == [1, 1, 0]
    assert (await world.call("alarm", "READ"))["status"]["active"] is False


async def test_a_paused_alarm_is_kept(world: World, stores: Stores, clock: HandClock) -> None:
    await world.call("alarm", cron="* * * * *")
    assert await world.call("alarm", "PAUSE") == DONE
    assert await world.at(60) == []
    async with running(World(stores, clock)) as second:
        await second.scheduler.load()
        assert await second.at(120) == []
        assert await second.call("alarm", "UNPAUSE") == DONE
        assert [len(await second.at(seconds)) for seconds in (121, 180)] == [0, 1]


async def test_an_update_moves_the_next_moment(world: World) -> None:
    await world.call("interval", minutes=10, startDate="2026-03-28T13:00:00Z")
    await world.scheduler.tick()
    assert await world.call("interval", "UPDATE", startDate="2026-03-28T12:05:00Z", trigger_payload="new") == DONE
    assert await world.at(300) == [{"payload": "new", "__ow_headers": {}}]


async def test_the_schedule_goes_with_its_trigger(world: World) -> None:
    await world.call("alarm", cron="* * * * *")
    await world.services.triggers.delete(GUEST, EntityPath("guest", "t"))
    assert await world.alarm() is None
    assert await world.at(60) == []


async def test_a_schedule_without_its_trigger_goes_when_it_fires(world: World, stores: Stores) -> None:
    await world.call("alarm", cron="* * * * *")
    await stores.entities.delete(await stores.entities.read(EntityPath("guest", "t")))
    assert await world.at(60) == []
    assert await world.alarm() is None
    assert world.failures == []


async def test_a_schedule_goes_with_its_namespace(world: World, stores: Stores) -> None:
    await world.call("alarm", cron="* * * * *")
    await world.scheduler.tick()
    await stores.namespaces.delete("guest")
    world.memory.forget("guest", None)
    assert await world.at(60) == []
    assert repr(world.memory.agenda) == "<Agenda of 0, next at None>"


async def test_without_an_active_rule_it_goes_on(world: World, stores: Stores) -> None:
    rule = await stores.entities.read(EntityPath("guest", "r"))
    await stores.entities.write(msgspec.structs.replace(rule, status=RuleStatus.INACTIVE))
    await world.call("alarm", cron="* * * * *")
    assert await world.at(60) == []
    assert await world.fires() == []
    alarm = await world.alarm()
    assert alarm is not None
    assert alarm.next_ms == (NOON + 120) * 1000


async def test_what_is_throttled_is_told_and_left_out(stores: Stores, clock: HandClock) -> None:
    async with running(World(stores, clock, Limits(fires_per_minute=1))) as world:
        await world.call("alarm", cron="*/10 * * * * *")
        assert [len(await world.at(seconds)) for seconds in (10, 20, 80)] == [1, 0, 1]
        ((namespace, trigger, error),) = world.failures
        assert (namespace, trigger, type(error)) == ("guest", "t", ThrottledError)


async def test_a_store_that_refuses_delays_the_fire(world: World, stores: Stores) -> None:
    await world.call("alarm", cron="* * * * *")
    await world.scheduler.tick()
    stores.faulty.refuses = True
    assert await world.at(60) == []
    stores.faulty.refuses = False
    assert [len(await world.at(seconds)) for seconds in (60.5, 61)] == [0, 1]
    assert [type(error) for _, _, error in world.failures] == [UnavailableError]


async def test_a_note_that_cannot_be_read_stops_nobody(world: World, stores: Stores) -> None:
    await stores.entities.write(Note.of("guest", "alarm", "broken", {"feed": "weather"}))
    await stores.entities.write(Note.of("guest", "route", "other", {}))
    await world.call("alarm", cron="* * * * *")
    await world.scheduler.load()
    assert len(await world.at(60)) == 1
    assert [(name, type(error)) for _, name, error in world.failures] == [("broken", CorruptError)]


async def test_many_at_once(world: World, stores: Stores) -> None:
    for number in range(120):
        await stores.entities.write(Trigger(path=EntityPath("guest", f"t{number}")))
        rule = EntityPath("guest", f"r{number}")
        trigger = EntityPath("guest", f"t{number}")
        await stores.entities.write(Rule(path=rule, trigger=trigger, action=EntityPath("guest", "a")))
        await world.call("alarm", cron="* * * * *", triggerName=f"/_/t{number}")
    assert len(await world.at(60)) == 120
    assert world.failures == []


async def test_running_follows_changes_and_stops(world: World, clock: HandClock) -> None:
    started = asyncio.Event()

    def answer(request: InvocationRequest) -> Activation:
        started.set()
        return echo(request)

    world.invoker.answer = answer
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(world.scheduler.run(), name="scheduler")
        await world.call("once", date=(NOON + 1) * 1000)
        clock.s = NOON + 1
        world.memory.agenda.wake()
        await started.wait()
        await world.scheduler.stop()
        assert len(await world.fires()) == 1
