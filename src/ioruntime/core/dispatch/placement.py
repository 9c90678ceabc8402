"""Which invoker gets an activation *(pure)*: the one that the hash prefers, so that warm sandboxes are met again.

Rendezvous hashing: every invoker gets a weight for the action, the highest is its home. When an invoker comes or goes,
only the actions at home there move. Where the home has no room the next in the same order helps out, so that what does
not fit at home meets its warm sandboxes elsewhere too; where nobody has room, the shortest queue for its memory.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from ioruntime.ports.bus import InvokerName, Load


def preference(namespace: str, action_key: str, invokers: Sequence[InvokerName]) -> list[InvokerName]:
    """Order the invokers for one action: its home first, then who helps out."""
    if len(invokers) < 2:
        return list(invokers)
    return list(_ranked(f"{namespace}/{action_key}", tuple(invokers)))


def order(namespace: str, action_key: str, loads: Mapping[InvokerName, Load], *, memory_mb: int) -> list[InvokerName]:
    """Order the invokers for one activation of an action: first who should get it, then who else may."""
    ranked = _ranked(f"{namespace}/{action_key}", tuple(loads)) if len(loads) > 1 else tuple(loads)
    first = next((name for name in ranked if _has_room(loads[name], memory_mb)), None)
    if first is None:
        # Stable: of equal queues, the one nearest to home.
        return sorted(ranked, key=lambda name: _queue(loads[name], memory_mb))
    return [first, *(name for name in ranked if name != first)]


def _has_room(invoker: Load, memory_mb: int) -> bool:
    return invoker.waiting == 0 and invoker.free_mb >= memory_mb


def _queue(invoker: Load, memory_mb: int) -> float:
    """How much would be before this activation, in units of what the invoker runs at once."""
    before_mb = (invoker.waiting + 1) * memory_mb - min(invoker.free_mb, 0)
    return before_mb / max(invoker.memory_mb, 1)


@lru_cache(maxsize=20_000)
def _ranked(action: str, invokers: tuple[InvokerName, ...]) -> tuple[InvokerName, ...]:
    return tuple(sorted(invokers, key=lambda invoker: _weight(action, invoker), reverse=True))


def _weight(action: str, invoker: InvokerName) -> bytes:
    return blake2b(f"{action}\0{invoker}".encode(), digest_size=8).digest()
