"""Namespaces that keep no records: nothing of their activations is stored, unless a request asks for it."""

import msgspec
import pytest
from tests.unit.core.test_invocation import ACTION, ME, World

from ioruntime.core.invocation import Accepted
from ioruntime.core.resolve import resolve
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation
from ioruntime.model.exec import SequenceExec
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath

pytestmark = pytest.mark.anyio
FORGETFUL = Identity(msgspec.structs.replace(ME.namespace, overrides={"storeActivations": False}), "subject")


async def populated() -> World:
    """A world in which the namespace exists: nothing is recorded of others."""
    world = World()
    await world.stores.namespaces.create(ME.namespace)
    return world


async def stored(world: World) -> list[str]:
    await world.write()
    ids = [request.activation_id for request in world.got]
    return [i for i in ids if await world.stores.activations.read("me", i) is not None]


async def test_nothing_is_accepted_or_recorded() -> None:
    world = await populated()
    outcome = await world.invoke(who=FORGETFUL)
    assert isinstance(outcome, Accepted)
    assert await world.stores.activations.accepted() == []
    world.answer()
    assert (await stored(world), world.counters) == ([], (0, 0))


async def test_who_waits_gets_the_outcome() -> None:
    world = await populated()
    told: list[object] = []
    started = world.invocations.begin(
        FORGETFUL, resolve(ACTION, None), msgspec.Raw(b"{}"), told.append, transaction_id="t", wait_ms=60_000
    )
    assert started
    activation = world.answer()
    assert told == [activation]
    assert (await stored(world), world.counters) == ([], (0, 0))


async def test_a_request_may_ask_for_its_record() -> None:
    world = await populated()
    outcome = await world.invocations.invoke(FORGETFUL, resolve(ACTION, None), {}, transaction_id="t", keep=True)
    assert [request.activation_id for request in await world.stores.activations.accepted()] == [outcome.activation_id]
    world.answer()
    assert await stored(world) == [outcome.activation_id]


async def test_rules_start_actions_without_a_trace() -> None:
    world = await populated()
    (started,) = await world.invocations.accept_many(FORGETFUL, [resolve(ACTION, None)], {}, transaction_id="t")
    assert isinstance(started, str)
    assert await world.stores.activations.accepted() == []
    world.answer()
    assert await stored(world) == []


async def test_compositions_and_their_components_leave_none() -> None:
    world = await populated()
    await world.stores.entities.write(msgspec.structs.replace(ACTION, path=EntityPath("me", "a")))
    chain = Action(path=EntityPath("me", "s"), exec=SequenceExec(components=("/me/a",)))
    async with world.invocations:
        outcome = await world.invocations.invoke(FORGETFUL, resolve(chain, None), {}, transaction_id="t")
        await world.arrived.wait()
        world.answer()
        await world.invocations.drained()
    assert (await stored(world), world.counters) == ([], (0, 0))
    assert await world.stores.activations.read("me", outcome.activation_id) is None


async def test_invokers_are_told_of_the_namespaces_own_limits() -> None:
    world = await populated()
    own = {"maxPayloadSize": 100, "warmedContainerKeepingCount": 3, "warmedContainerKeepingTimeout": 60}
    await world.invoke(who=Identity(msgspec.structs.replace(ME.namespace, overrides=own), "subject"))
    allowance = world.got[-1].allowance
    assert allowance is not None
    assert (allowance.result_bytes, allowance.truncation_bytes) == (100, 100)
    assert (allowance.warm_count, allowance.warm_s) == (3, 60)
    await world.invoke(who=FORGETFUL)
    assert world.got[-1].allowance is None
    activation: Activation = world.answer()
    assert activation.namespace == "me"
