"""Which sandbox runs the next activation, which are started ahead, and which go: decided here, carried out in `pool`.

Pure: no I/O, no clock, no locks. The caller passes the whole state and gets one step back, so each rule below is one
row of a test table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from ioruntime.invoker.lifecycle import WARM, State
from ioruntime.ports.sandbox import SandboxSpec


class Slot(msgspec.Struct, frozen=True):
    """What the planner may know of one sandbox."""

    id: str
    spec: SandboxSpec
    state: State
    owner: str | None = None
    """`namespace/action@revision` that it serves, or was started for; None while nobody's."""
    running: int = 0
    capacity: int = 1
    """Activations that it may serve at once."""
    last_used_s: float = 0.0
    """Monotonic clock, seconds."""
    warm_count: int = 0
    """How many of its owner's may stay for `warm_s`."""
    warm_s: float = 0.0


class Claim(msgspec.Struct, frozen=True):
    """Use this sandbox."""

    slot_id: str


class Create(msgspec.Struct, frozen=True):
    """Start a new one: there is room."""


class Evict(msgspec.Struct, frozen=True):
    """Stop these; then there will be room."""

    slot_ids: tuple[str, ...]


class Wait(msgspec.Struct, frozen=True):
    """Nothing can be done until something changes."""


class Refuse(msgspec.Struct, frozen=True):
    """It can never run here: it wants more memory than there is."""


Step: TypeAlias = Claim | Create | Evict | Wait | Refuse


def place(owner: str, spec: SandboxSpec, slots: Sequence[Slot], *, memory_mb: int) -> Step:
    """Choose where the next activation of `owner` runs.

    The order: a sandbox that holds its action; one that is being made ready for it; a prewarmed one; a new one;
    room made by stopping what is idle, least recently used first, then what was prewarmed for another kind.

    Args:
        memory_mb: what all sandboxes together may have.
    """
    if spec.memory_mb > memory_mb:
        return Refuse()
    if warm := _warm(owner, slots):
        return Claim(warm.id)
    if prewarmed := [s for s in slots if s.state is State.PREWARM and s.owner is None and s.spec == spec]:
        return Claim(min(prewarmed, key=lambda s: s.last_used_s).id)
    free_mb = memory_mb - sum(s.spec.memory_mb for s in slots)
    if spec.memory_mb <= free_mb:
        return Create()
    return _make_room(spec.memory_mb - free_mb, spec, slots)


def missing_prewarm(wanted: Mapping[SandboxSpec, int], slots: Sequence[Slot], *, memory_mb: int) -> list[SandboxSpec]:
    """List what should be started ahead, as far as memory goes."""
    free_mb = memory_mb - sum(s.spec.memory_mb for s in slots)
    missing: list[SandboxSpec] = []
    for spec, count in wanted.items():
        there = sum(1 for s in slots if s.owner is None and s.spec == spec and s.state in {State.STARTING, State.PREWARM})
        for _ in range(count - there):
            if spec.memory_mb > free_mb:
                break
            free_mb -= spec.memory_mb
            missing.append(spec)
    return missing


def expired(slots: Iterable[Slot], *, now_s: float, idle_s: float) -> list[str]:
    """List the warm sandboxes that nobody used for `idle_s`; of some owners the last ones used stay longer."""
    idle = sorted((s for s in slots if s.state in WARM and now_s - s.last_used_s >= idle_s), key=_last_used_first)
    kept: dict[str | None, int] = {}
    gone: list[str] = []
    for slot in idle:
        staying = kept.get(slot.owner, 0)
        if staying < slot.warm_count and now_s - slot.last_used_s < slot.warm_s:
            kept[slot.owner] = staying + 1
        else:
            gone.append(slot.id)
    return gone


def to_pause(slots: Iterable[Slot], *, now_s: float, grace_s: float) -> list[str]:
    """List the idle sandboxes that should give up their processor time."""
    return [s.id for s in slots if s.state is State.IDLE and now_s - s.last_used_s >= grace_s]


def _last_used_first(slot: Slot) -> float:
    return -slot.last_used_s


def _warm(owner: str, slots: Sequence[Slot]) -> Slot | None:
    mine = [s for s in slots if s.owner == owner and s.state is not State.STOPPING and s.running < s.capacity]
    return max(mine, key=lambda s: (_READINESS[s.state], s.last_used_s), default=None)


_READINESS = {State.RUNNING: 4, State.IDLE: 3, State.PAUSED: 2, State.PREWARM: 1, State.STARTING: 0, State.STOPPING: -1}


def _make_room(needed_mb: int, spec: SandboxSpec, slots: Sequence[Slot]) -> Step:
    needed_mb -= sum(s.spec.memory_mb for s in slots if s.state is State.STOPPING)
    if needed_mb <= 0:
        return Wait()
    idle = sorted((s for s in slots if s.state in WARM), key=lambda s: s.last_used_s)
    strangers = [s for s in slots if s.state is State.PREWARM and s.owner is None and s.spec != spec]
    chosen: list[str] = []
    for slot in [*idle, *strangers]:
        chosen.append(slot.id)
        needed_mb -= slot.spec.memory_mb
        if needed_mb <= 0:
            return Evict(tuple(chosen))
    return Wait()
