"""Heads of requests that were answered before, and how each is answered again (`faces/http/express.py`)."""

from typing import NamedTuple

from ioruntime.faces.http.call import Repeatable

HEADS_MOST = 2048
GOOD_S = 1.0
"""How long a head is known: what depends on time (a token's end, a key's grace) is looked at again then."""
_HEAD_BYTES_MOST = 8 * 1024


class _Known(NamedTuple):
    repeat: Repeatable
    size_bytes: int
    """Of the whole request: the head says how long its body is."""
    until_s: float


class KnownHeads:
    """The heads of all connections; the oldest go when there are too many."""

    def __init__(self, most: int = HEADS_MOST) -> None:
        self._most = most
        self._known: dict[bytes, _Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, head: bytes, size_bytes: int, now_s: float) -> Repeatable | None:
        """Return how a request with this head, and of this whole length, is answered; None: nobody knows any more."""
        known = self._known.get(head)
        if known is None or known.size_bytes != size_bytes or known.until_s < now_s:
            return None
        return known.repeat

    def keep(self, head: bytes, size_bytes: int, repeat: Repeatable, now_s: float) -> None:
        """Remember a request that was parsed and answered in the ordinary way."""
        if len(head) > _HEAD_BYTES_MOST:
            return
        self._known.pop(head, None)
        if len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[head] = _Known(repeat, size_bytes, now_s + GOOD_S)
