"""Records: readable at once, written in batches, kept while the store refuses."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ioruntime.core.activations import Activations, Recorder
from ioruntime.model.activation import Activation, ActivationId, new_activation_id
from ioruntime.model.errors import NotFoundError, UnavailableError
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.ports.activations import ActivationFilter
from ioruntime.stores.memory import MemoryActivations, MemoryStores

pytestmark = pytest.mark.anyio

MINE = ActivationFilter(namespace="me")


class FaultyActivations:
    """A store that refuses records `refusals` times, waits at a gate, and remembers the sizes of batches."""

    def __init__(self, store: MemoryActivations) -> None:
        self._store = store
        self.refusals = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[int] = []

    async def record(self, activations: Sequence[Activation]) -> None:
        self.batches.append(len(activations))
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError
        await self._store.record(activations)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class World(list[int]):
    """A recorder over a faulty store; as a list, what was pending at each refusal."""

    def __init__(self, retry_s: float) -> None:
        self.stores = MemoryStores()
        self.store = FaultyActivations(self.stores.activations)
        store: Any = self.store
        self.recorder = Recorder(store, self, gather_s=0, retry_s=(retry_s, retry_s))
        self.activations = Activations(store, self.recorder)

    def store_failed(self, error: Exception, *, pending: int) -> None:
        self.append(pending)

    def record(self, count: int = 1, namespace: str = "me") -> list[ActivationId]:
        made = [activation(namespace, start_ms=number) for number in range(count)]
        for each in made:
            self.recorder.record(each)
        return [each.activation_id for each in made]

    async def stored(self) -> int:
        return await self.stores.activations.count(MINE)


def activation(namespace: str = "me", *, start_ms: int = 0) -> Activation:
    id_ = new_activation_id()
    return Activation(activation_id=id_, namespace=namespace, name="a", version="0.0.1", subject="s", start_ms=start_ms)


@asynccontextmanager
async def world(*, retry_s: float = 0) -> AsyncGenerator[World]:
    """Run a recorder, and close it at the end."""
    it = World(retry_s)
    for name in ("me", "her"):
        await it.stores.namespaces.create(Namespace(name=name, owner=Owner(name, name), auth=AuthKey(name, "k")))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(it.recorder.run())
        yield it
        it.store.gate.set()
        it.recorder.close()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_record_is_read_before_it_is_written() -> None:
    async with world() as it:
        it.store.gate.clear()
        (id_,) = it.record()
        assert (await it.activations.read("me", id_)).activation_id == id_
        assert await it.stored() == 0
        with pytest.raises(NotFoundError):
            await it.activations.read("her", id_)
        it.store.gate.set()
        await it.recorder.flushed()
        assert (it.recorder.pending, await it.stored()) == (0, 1)
        assert (await it.activations.read("me", id_)).activation_id == id_


async def test_what_is_not_there_is_not_found() -> None:
    async with world() as it:
        with pytest.raises(NotFoundError):
            await it.activations.read("me", new_activation_id())


async def test_listing_shows_what_was_recorded_before_it() -> None:
    async with world() as it:
        ids = it.record(3)
        assert [each.activation_id for each in await it.activations.list(MINE, skip=0, limit=2)] == ids[:0:-1]
        assert await it.activations.count(MINE) == 3


async def test_what_gathers_while_one_is_written_becomes_one_batch() -> None:
    async with world() as it:
        it.store.gate.clear()
        it.record()
        await settle()
        it.record(600)
        it.store.gate.set()
        await it.recorder.flushed()
    assert it.store.batches == [1, 500, 100]


async def test_a_store_that_recovers_has_lost_nothing() -> None:
    async with world() as it:
        it.store.refusals = 7
        it.record(3)
        await settle()
        while it.recorder.pending:
            await it.recorder.flushed()
        assert await it.stored() == 3
    assert it == [3] * 7


async def test_listing_does_not_wait_for_a_store_that_refuses() -> None:
    async with world() as it:
        it.store.refusals = 1
        it.record()
        assert await it.activations.list(MINE, skip=0, limit=9) == []
        assert it == [1]


async def test_closing_writes_what_is_left() -> None:
    async with world() as it:
        it.store.gate.clear()
        it.record(1200)
    assert await it.stored() == 1200
    assert it.recorder.pending == 0


async def test_closing_gives_up_on_a_store_that_goes_on_refusing() -> None:
    async with world() as it:
        it.store.refusals = 1000
        it.record(2)
    assert it.recorder.pending == 2
    assert it == [2] * 3


async def test_an_idle_recorder_closes() -> None:
    async with world() as it:
        await settle()
    assert it.store.batches == []


async def test_what_belongs_to_a_deleted_namespace_is_forgotten() -> None:
    async with world() as it:
        it.store.gate.clear()
        (first,) = it.record(namespace="her")
        await settle()
        it.record(2)
        it.record(namespace="her")
        await it.stores.namespaces.delete("her")
        it.recorder.forget("her")
        assert it.recorder.find("her", first) is None
        it.store.gate.set()
        await it.recorder.flushed()
    assert (await it.stores.activations.count(ActivationFilter(namespace="her")), await it.stored()) == (0, 2)


async def test_who_waits_for_a_forgotten_record_is_let_go() -> None:
    async with world() as it, asyncio.TaskGroup() as tasks:
        it.store.gate.clear()
        it.record(namespace="her")
        waiting = tasks.create_task(it.recorder.flushed())
        await settle()
        assert not waiting.done()
        it.recorder.forget("her")
        it.store.gate.set()


async def test_who_waits_between_two_tries_for_a_forgotten_record_is_let_go() -> None:
    async with world(retry_s=0.02) as it, asyncio.TaskGroup() as tasks:
        it.store.refusals = 1
        it.record(namespace="her")
        await it.recorder.flushed()
        assert it == [1]
        waiting = tasks.create_task(it.recorder.flushed())
        await asyncio.sleep(0)
        assert not waiting.done()
        it.recorder.forget("her")


async def test_a_record_that_is_replaced_while_it_is_written_is_written_again() -> None:
    async with world() as it:
        it.store.gate.clear()
        first = activation()
        it.recorder.record(first)
        await settle()
        it.recorder.record(activation_again(first))
        it.store.gate.set()
        await it.recorder.flushed()
    assert it.store.batches == [1, 1]


def activation_again(of: Activation) -> Activation:
    return Activation(activation_id=of.activation_id, namespace="me", name="a", version="0.0.1", subject="s", start_ms=0)


async def test_there_is_room_until_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ioruntime.core.activations._PENDING_MOST", 2)
    async with world() as it:
        it.store.gate.clear()
        it.record(1)
        it.recorder.check_room()
        it.record(1)
        assert not it.recorder.has_room
        with pytest.raises(UnavailableError):
            it.recorder.check_room()
        it.store.gate.set()
        await it.recorder.flushed()
        it.recorder.check_room()


async def test_what_ends_after_its_namespace_was_deleted_is_not_recorded_in_a_new_one_of_that_name() -> None:
    async with world() as it:
        it.recorder.forget("me", now_ms=10)
        late, new = activation(start_ms=10), activation(start_ms=11)
        it.recorder.record(late)
        it.recorder.record(new)
        await it.recorder.flushed()
        assert it.recorder.find("me", late.activation_id) is None
        assert await it.stored() == 1
