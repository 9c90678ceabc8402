"""Which invoker gets an activation (pure): the one that the hash prefers, so that warm sandboxes are met again.

Rendezvous hashing: every invoker gets a weight for the action, the highest is its home. When an invoker comes or goes,
only the actions at home there move.
"""

from collections.abc import Sequence
from hashlib import blake2b

from ioruntime.ports.bus import InvokerName


def preference(namespace: str, action_key: str, invokers: Sequence[InvokerName]) -> list[InvokerName]:
    """Order the invokers for one action: its home first, then who helps out."""
    if len(invokers) < 2:
        return list(invokers)
    return sorted(invokers, key=lambda invoker: _weight(f"{namespace}/{action_key}", invoker), reverse=True)


def _weight(action: str, invoker: InvokerName) -> bytes:
    return blake2b(f"{action}\0{invoker}".encode(), digest_size=8).digest()
