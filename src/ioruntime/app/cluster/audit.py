"""Gives accepted requests that no process has any more their record: the promise that a 202 is kept."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ioruntime.model.errors import UnavailableError
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.clock import Clock
from ioruntime.ports.fleet import Fleet

EVERY_S = 5.0
AGE_MS = 10_000
"""What was accepted more recently may be between two processes."""


async def keep_auditing(store: ActivationStore, fleet: Fleet, clock: Clock, end: Callable[[InvocationRequest], None]) -> None:
    """Look for what was lost, for ever."""
    while True:
        await asyncio.sleep(EVERY_S)
        with suppress(UnavailableError):
            await audit(store, fleet, clock, end)


async def audit(store: ActivationStore, fleet: Fleet, clock: Clock, end: Callable[[InvocationRequest], None]) -> int:
    """Give to `end` what was accepted, has no record, and is with no process; return how many.

    Asked twice: what is nowhere the first time may have been on its way to the store.
    """
    candidates = {each.activation_id for each in await _old(store, clock)}
    for _ in range(2):
        if not candidates:
            return 0
        held = await fleet.held(candidates)
        if held is None:
            return 0  # somebody who is there did not answer, or we are cut off: another time
        candidates -= held
        candidates &= {each.activation_id for each in await _old(store, clock)}
    lost = [each for each in await _old(store, clock) if each.activation_id in candidates]
    for request in lost:
        end(request)
    return len(lost)


async def _old(store: ActivationStore, clock: Clock) -> list[InvocationRequest]:
    before_ms = clock.now_ms() - AGE_MS
    return [each for each in await store.accepted() if each.received_ms <= before_ms]
