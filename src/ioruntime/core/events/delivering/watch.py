"""Watches how delivery to registrations goes, and marks or switches off who lets it fail."""

from collections.abc import Callable
from typing import Protocol

from ioruntime.core.events.delivering.health import assess, counted_since
from ioruntime.core.events.delivering.ledger import Ledger
from ioruntime.model.event import Health, Registration
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import Lane


class Registrations(Protocol):
    """Who wants events, and what the platform finds out about them."""

    async def find(self, namespace: str, registration_id: str) -> Registration | None:
        """Return a registration, None when it is gone."""
        ...

    async def update(
        self, namespace: str, registration_id: str, change: Callable[[Registration], Registration]
    ) -> Registration | None:
        """Change a registration; None when it is gone."""
        ...


class HealthWatch:
    """Assesses registrations by what the ledger says."""

    def __init__(self, *, registrations: Registrations, ledger: Ledger, clock: Clock) -> None:
        self._registrations = registrations
        self._ledger = ledger
        self._clock = clock

    async def rested(self, lane: Lane, *, has_failures: bool) -> None:
        """Hear that a lane is not at work any more, and assess it if that can have changed something.

        Raises:
            IoRuntimeError: the store does not work.
        """
        registration = await self._registrations.find(*lane)
        if registration is not None and (has_failures or registration.health is not Health.ACTIVE):
            await self._assess(lane, registration)

    async def assess(self, lane: Lane) -> None:
        """Write the registration's health as it is now.

        Raises:
            IoRuntimeError: the store does not work.
        """
        registration = await self._registrations.find(*lane)
        if registration is not None:
            await self._assess(lane, registration)

    async def _assess(self, lane: Lane, registration: Registration) -> None:
        now_ms = self._clock.now_ms()
        count = await self._ledger.count(lane, counted_since(registration, now_ms))
        if assess(registration, count, now_ms) is not registration:
            await self._registrations.update(*lane, lambda current: assess(current, count, now_ms))
