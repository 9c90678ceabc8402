"""Retries and dead letters where one process sends a request and another runs and records it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.failing.failures import Failures
from ioruntime.core.invocation import Invocations
from ioruntime.core.recovery import Recovery
from ioruntime.core.resolve import Resolver
from ioruntime.core.throttle import Throttle
from ioruntime.model.activation import Activation, ActivationId, Status, error_result
from ioruntime.model.handling import DeadLetter
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.limits import Limits
from ioruntime.model.params import Annotation
from ioruntime.ports.bus import InvocationRequest
from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.activations_contract import sample_request
from ioruntime.testing.clock import HandClock

pytestmark = pytest.mark.anyio

RETRY = Annotation("retry", {"attempts": 2, "backoff_s": 0, "on": ["application"]})
LETTER = Annotation("dead-letter", {"action": "undertaker"})


class SharedBus(LocalBus):
    """A bus of which invokers record what they ran."""

    @property
    def invokers_record(self) -> bool:
        return True


class Letters:
    """Remembers what was told."""

    def __init__(self) -> None:
        self.told: list[tuple[ActivationId, DeadLetter]] = []

    async def send(self, request: InvocationRequest, activation: Activation, target: DeadLetter) -> None:
        self.told.append((activation.activation_id, target))


class Silent:
    def store_failed(self, error: Exception, *, pending: int) -> None: ...
    def letter_lost(self, activation: Activation, error: Exception, /) -> None: ...


class Process:
    """One of a cluster: what is sent from here, and what ran here."""

    def __init__(self) -> None:
        stores, clock = MemoryStores(), HandClock()
        store: Any = stores.activations
        self.stores, self.bus, self.letters = stores, SharedBus(), Letters()
        self.got: asyncio.Queue[InvocationRequest] = asyncio.Queue()
        self.bus.serve("one", self.got.put_nowait)
        self.recorder = Recorder(store, Silent())
        self.failures = Failures(store=store, recorder=self.recorder, letters=self.letters, clock=clock, reporter=Silent())
        self.invocations = Invocations(
            resolver=Resolver(stores.entities),
            bus=self.bus,
            store=store,
            recorder=self.recorder,
            admission=Admission(Throttle(), clock, Limits()),
            clock=clock,
            failures=self.failures,
        )
        recovery = Recovery(store=store, namespaces=stores.namespaces, invocations=self.invocations, failures=self.failures)
        self.failures.attach(recovery.resume)

    async def accepted(self, *annotations: Annotation) -> InvocationRequest:
        """Return a request of another process that this one is to run."""
        plain = sample_request()
        request = msgspec.structs.replace(
            plain,
            blocking=False,
            attempt=1,
            action=msgspec.structs.replace(plain.action, annotations=tuple(annotations)),
        )
        owner, auth = Owner("o", request.namespace), AuthKey("uuid", "key")
        await self.stores.namespaces.create(Namespace(name=request.namespace, owner=owner, auth=auth))
        await self.stores.activations.accept((request,))
        return request

    def fails(self, request: InvocationRequest) -> Activation:
        """Let it have run here and failed."""
        outcome = request.record(Status.APPLICATION_ERROR, error_result("no"), start_ms=1, duration_ms=1)
        self.invocations.record_ran(request, outcome)
        return outcome

    async def recorded(self, request: InvocationRequest) -> Activation:
        """Return its record, as soon as there is one."""
        deadline_s = time.monotonic() + 30
        while (found := self.recorder.find(request.namespace, request.activation_id)) is None:
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0)
        return found


@asynccontextmanager
async def process() -> AsyncGenerator[Process]:
    one = Process()
    async with one.invocations:
        yield one


async def test_what_failed_here_is_tried_again_from_here_and_held_until_then() -> None:
    async with process() as one:
        first = await one.accepted(RETRY, LETTER)
        one.fails(first)
        assert one.invocations.sees_to(first.activation_id)
        async with asyncio.timeout(30):
            second = await one.got.get()
        assert (second.attempt, second.retry_of) == (2, first.activation_id)
        await one.recorded(first)
        assert not one.invocations.sees_to(first.activation_id)
        assert one.letters.told == []
        one.fails(second)
        await one.recorded(second)
        assert one.got.empty()
        assert [(told, target.collection) for told, target in one.letters.told] == [(second.activation_id, "action")]


async def test_what_no_action_asks_for_is_only_recorded() -> None:
    async with process() as one:
        plain = await one.accepted()
        outcome = one.fails(plain)
        assert one.recorder.find(plain.namespace, plain.activation_id) == outcome
        assert not one.invocations.sees_to(plain.activation_id)


async def test_what_was_lost_with_a_process_is_recorded_and_not_tried_again() -> None:
    async with process() as one:
        lost = await one.accepted(Annotation("retry", {"attempts": 2, "backoff_s": 0}))
        one.invocations.record_interrupted(lost)
        assert (await one.recorded(lost)).status is Status.WHISK_ERROR
        assert not one.invocations.sees_to(lost.activation_id)
        assert one.failures.scheduled == 0
