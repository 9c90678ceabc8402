"""Compositions as tasks: time, interruption, natives, and what becomes of bugs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from ioruntime.core.composing import INTERRUPTED, Composer, composition_annotations
from ioruntime.core.resolve import Resolver, resolve
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId, Status, new_activation_id
from ioruntime.model.errors import InvalidError, UnavailableError
from ioruntime.model.exec import CodeExec, CodeReference, Exec, NativeExec, SequenceExec
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Parameter, annotation
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.clock import HandClock
from ioruntime.testing.invoker import ended

pytestmark = pytest.mark.anyio

ME = Identity(Namespace(name="me", owner=Owner("o", "i"), auth=AuthKey("uuid", "key")), "subject")
CODE = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
CONDUCTOR = (Annotation("conductor", True),)
NATIVE = NativeExec("native")


class World:
    """A composer with an invoker that keeps what it gets until the test answers."""

    def __init__(self) -> None:
        self.stores, self.clock = MemoryStores(), HandClock()
        self.got: asyncio.Queue[tuple[InvocationRequest, asyncio.Future[Activation]]] = asyncio.Queue()
        self.records: dict[ActivationId, Activation] = {}
        self.native: Callable[[Identity, dict[str, Any]], Awaitable[dict[str, Any]]] = self.echo
        self.grace_s = 60.0

    def composer(self, *, length: int = 5) -> Composer:
        return Composer(
            resolver=Resolver(self.stores.entities),
            clock=self.clock,
            send=self.send,
            finish=self.finish,
            natives={"native": self.native},
            length=length,
            grace_s=self.grace_s,
        )

    async def send(self, request: InvocationRequest) -> asyncio.Future[Activation]:
        answer = asyncio.get_running_loop().create_future()
        self.got.put_nowait((request, answer))
        return answer

    async def echo(self, identity: Identity, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"who": identity.name} | arguments

    def finish(self, activation: Activation, kept: bool) -> None:
        assert kept
        assert activation.activation_id not in self.records, "recorded twice"
        self.records[activation.activation_id] = activation

    async def keep(self, name: str, exec_: Exec = CODE, **fields: Any) -> Action:
        await self.stores.namespaces.create(ME.namespace)
        stored = await self.stores.entities.write(Action(path=EntityPath("me", name), exec=exec_, **fields))
        assert isinstance(stored, Action)
        return stored

    def start(self, composer: Composer, action: Action, arguments: bytes = b"{}") -> ActivationId:
        request = request_for(action, arguments)
        composer.start(ME, resolve(action, None), request)
        return request.activation_id

    async def run(self, action: Action, arguments: bytes = b"{}") -> Activation:
        """Run a composition that needs no answer."""
        async with self.composer() as composer:
            id_ = self.start(composer, action, arguments)
        return self.records[id_]


def request_for(action: Action, arguments: bytes = b"{}", **fields: Any) -> InvocationRequest:
    return InvocationRequest(
        activation_id=new_activation_id(),
        transaction_id="tid",
        namespace="me",
        subject="subject",
        action=action,
        arguments=msgspec.Raw(arguments),
        received_ms=1_000_000,
        **fields,
    )


def error_of(activation: Activation) -> str:
    return msgspec.json.decode(activation.result)["error"]


QUICK = ActionLimits(timeout_ms=100)


@pytest.mark.parametrize(
    ("composed", "text"),
    [
        pytest.param(
            {"exec_": SequenceExec(("/me/a",))},
            "Timeout reached when retrieving activation {} for sequence component.",
            id="of a sequence",
        ),
        pytest.param(
            {"annotations": CONDUCTOR}, "Timeout reached when retrieving activation {} during composition.", id="of a conductor"
        ),
    ],
)
async def test_a_component_that_is_late_ends_it(composed: dict[str, Any], text: str) -> None:
    world = World()
    world.grace_s = -0.1
    await world.keep("a", limits=QUICK)
    async with world.composer() as composer:
        id_ = world.start(composer, await world.keep("s", limits=QUICK, **composed))
        request, answer = await world.got.get()
        await composer.drained()
        answer.set_result(ended(request, {"late": True}))
    record = world.records.pop(id_)
    assert (record.status, error_of(record), record.logs) == (Status.WHISK_ERROR, text.format(request.activation_id), ())
    assert world.records == {}


async def test_a_late_component_of_a_nested_one_ends_both() -> None:
    world = World()
    world.grace_s = -0.1
    await world.keep("a", limits=QUICK)
    await world.keep("inner", SequenceExec(("/me/a",)))
    async with world.composer() as composer:
        id_ = world.start(composer, await world.keep("s", SequenceExec(("/me/inner", "/me/a"))))
        request, _ = await world.got.get()
    outer, inner = world.records[id_], next(each for each in world.records.values() if each.cause)
    assert (outer.status, outer.result, outer.logs) == (Status.WHISK_ERROR, inner.result, (inner.activation_id,))
    assert request.activation_id in error_of(inner)


async def test_what_is_interrupted_is_recorded_with_what_it_had_run() -> None:
    world = World()
    await world.keep("a")
    await world.keep("inner", SequenceExec(("/me/a",)))
    async with world.composer() as composer:
        id_ = world.start(composer, await world.keep("s", SequenceExec(("/me/a", "/me/inner", "/me/a"))))
        request, answer = await world.got.get()
        answer.set_result(ended(request, {}))
        await world.got.get()
        await composer.interrupt()
    outer, inner = world.records[id_], next(each for each in world.records.values() if each.cause)
    assert [(each.status, error_of(each)) for each in (outer, inner)] == [(Status.WHISK_ERROR, INTERRUPTED)] * 2
    assert (outer.logs, inner.logs, inner.cause, len(world.records)) == ((request.activation_id,), (), id_, 2)
    assert annotation(outer.annotations, "topmost") is True
    assert world.got.empty()


async def test_what_is_interrupted_before_its_first_step_is_recorded_too() -> None:
    world = World()
    async with world.composer() as composer:
        id_ = world.start(composer, await world.keep("s", SequenceExec(("/me/a",))))
        await composer.interrupt()
    assert error_of(world.records[id_]) == INTERRUPTED
    assert world.got.empty()


async def test_a_native_that_never_ends_is_interrupted() -> None:
    async def never(_: Identity, __: dict[str, Any]) -> dict[str, Any]:
        begun.set()
        return await asyncio.get_running_loop().create_future()

    world, begun = World(), asyncio.Event()
    world.native = never
    async with world.composer() as composer:
        id_ = world.start(composer, await world.keep("n", NATIVE))
        await begun.wait()
        await composer.interrupt()
    assert error_of(world.records[id_]) == INTERRUPTED


async def test_nothing_runs_and_nothing_is_waited_for() -> None:
    async with World().composer() as composer:
        await composer.drained()
        await composer.interrupt()


async def test_a_native_action_answers_in_its_callers_name() -> None:
    world = World()
    record = await world.run(await world.keep("n", NATIVE), b'{"x":1}')
    assert (record.status, msgspec.json.decode(record.result)) == (Status.SUCCESS, {"who": "me", "x": 1})
    assert annotation(record.annotations, "kind") == "native"
    assert annotation(record.annotations, "topmost") is None


async def test_a_native_action_takes_its_time() -> None:
    async def slow(_: Identity, __: dict[str, Any]) -> dict[str, Any]:
        world.clock.s += 1.5
        return {}

    world = World()
    world.native = slow
    assert (await world.run(await world.keep("n", NATIVE))).duration_ms == 1500


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        pytest.param({"error": "no such"}, Status.APPLICATION_ERROR, "no such", id="an error is an application error"),
        pytest.param(UnavailableError("later"), Status.WHISK_ERROR, "later", id="what the platform cannot is its own"),
        pytest.param(InvalidError("wrong"), Status.WHISK_ERROR, "wrong", id="whatever it is"),
    ],
)
async def test_a_native_action_that_fails(outcome: Any, status: Status, text: str) -> None:
    async def fail(_: Identity, __: dict[str, Any]) -> dict[str, Any]:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    world = World()
    world.native = fail
    record = await world.run(await world.keep("n", NATIVE))
    assert (record.status, error_of(record)) == (status, text)


async def test_a_native_component_gets_its_parameters() -> None:
    world = World()
    await world.keep("n", NATIVE, parameters=(Parameter("x", 1), Parameter("y", 1)))
    record = await world.run(await world.keep("s", SequenceExec(("/me/n", "/me/n"))), b'{"y":2}')
    assert msgspec.json.decode(record.result) == {"who": "me", "x": 1, "y": 2}
    assert len(record.logs) == 2


async def test_a_bug_ends_one_composition_and_is_told_to_the_loop() -> None:
    async def broken(_: Identity, __: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError

    world, told = World(), list[dict[str, Any]]()
    await world.keep("a")
    world.native = broken
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with world.composer() as composer:
        other = world.start(composer, await world.keep("s", SequenceExec(("/me/a",))))
        id_ = world.start(composer, await world.keep("n", NATIVE))
        request, answer = await world.got.get()
        answer.set_result(ended(request, {}))
    record = world.records[id_]
    assert (record.status, error_of(record)) == (Status.WHISK_ERROR, "There was an internal server error.")
    assert [(id_ in each["message"], type(each["exception"])) for each in told] == [(True, ZeroDivisionError)]
    assert world.records[other].success


async def test_conductors_inside_each_other_go_as_deep_as_they_may() -> None:
    async def say_itself(request: InvocationRequest) -> asyncio.Future[Activation]:
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(ended(request, {"action": "c"}))
        return answer

    world = World()
    world.send = say_itself
    action = await world.keep("c", annotations=CONDUCTOR)
    async with world.composer(length=500) as composer:
        id_ = world.start(composer, action)
    assert error_of(world.records[id_]) == "Too many actions in the composition."
    assert len(world.records) > 1001


@pytest.mark.parametrize(
    ("fields", "cause", "expected"),
    [
        pytest.param({}, None, {}, id="an action"),
        pytest.param({"exec": NATIVE, "annotations": CONDUCTOR}, None, {}, id="a native one"),
        pytest.param({"exec": SequenceExec(())}, None, {"kind": "sequence", "topmost": True}, id="a sequence"),
        pytest.param({"exec": SequenceExec(())}, "x", {"kind": "sequence", "topmost": False}, id="a sequence in something"),
        pytest.param(
            {"annotations": CONDUCTOR}, None, {"kind": "sequence", "topmost": True, "conductor": True}, id="a conductor"
        ),
    ],
)
def test_what_the_record_says_beside(fields: dict[str, Any], cause: Any, expected: dict[str, Any]) -> None:
    action = msgspec.structs.replace(Action(path=EntityPath("me", "a"), exec=CODE), **fields)
    request = request_for(action, cause=cause)
    assert {each.key: each.value for each in composition_annotations(request)} == expected
