"""How delivery to a registration goes, judged by the attempts of the last day (pure).

Unstable is who lets most of them fail; who is still so a day later is switched off, until its owner switches it on again.
"""

import msgspec

from ioruntime.model.event import Health, IntegrationStatus, Registration
from ioruntime.ports.events import SLOT_MS, Count

WINDOW_MS = 24 * 3_600_000
ATTEMPTS_LEAST = 10
"""Fewer say nothing."""
FAILED_SHARE = 0.8


def counted_since(registration: Registration, now_ms: int) -> int:
    """Return from when on attempts count: a day, or since they were forgiven; the beginning of a slot."""
    since_ms = max(now_ms - WINDOW_MS, registration.counted_from_ms)
    return -(-since_ms // SLOT_MS) * SLOT_MS


def assess(registration: Registration, count: Count, now_ms: int) -> Registration:
    """Return the registration as it should be after these attempts; the same object when nothing changes."""
    if registration.status is IntegrationStatus.DISABLED:
        return registration
    if count.attempts < ATTEMPTS_LEAST or count.failed < FAILED_SHARE * count.attempts:
        return _with(registration, Health.ACTIVE, None)
    since_ms = registration.unstable_since_ms
    if since_ms is None:
        return _with(registration, Health.UNSTABLE, now_ms)
    if now_ms - since_ms < WINDOW_MS:
        return registration
    disabled = _with(registration, Health.DISABLED, since_ms)
    return msgspec.structs.replace(disabled, status=IntegrationStatus.DISABLED, updated_ms=now_ms)


def _with(registration: Registration, health: Health, since_ms: int | None) -> Registration:
    if (registration.health, registration.unstable_since_ms) == (health, since_ms):
        return registration
    return msgspec.structs.replace(registration, health=health, unstable_since_ms=since_ms)
