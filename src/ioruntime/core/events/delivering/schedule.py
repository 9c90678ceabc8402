"""When a delivery is tried again, and when it is given up (pure).

Success is 2xx. Tried again is what may go better later: 429, 5xx but 505, and no answer at all. Anything else is a
receiver that does not want the event.
"""

import msgspec

from ioruntime.model.event import Delivery

_MINUTE_MS = 60_000
DELAYS_MS = tuple(minutes * _MINUTE_MS for minutes in (1, 2, 4, 8, 15))
"""After the first attempt, the second, and so on; the last one for ever."""
TRYING_MS = 24 * 60 * _MINUTE_MS
"""How long after its beginning a delivery is tried."""

UNEXPECTED = 601
NO_NETWORK = 602
TIMED_OUT = 604
NO_TLS = 611
_NO_ANSWER = frozenset({NO_NETWORK, TIMED_OUT, NO_TLS})


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a delivery; without a next time it is over."""

    next_ms: int | None = None
    is_dead: bool = False


def judge(delivery: Delivery, status: int, now_ms: int) -> Verdict:
    """Decide what follows from an attempt that ended now with `status`, an HTTP or a pseudo one."""
    if is_success(status):
        return Verdict()
    next_ms = now_ms + DELAYS_MS[min(delivery.attempt, len(DELAYS_MS) - 1)]
    if not is_worth_another_try(status) or next_ms > delivery.since_ms + TRYING_MS:
        return Verdict(is_dead=True)
    return Verdict(next_ms)


def is_success(status: int) -> bool:
    return 200 <= status < 300


def is_worth_another_try(status: int) -> bool:
    return status == 429 or status in _NO_ANSWER or (500 <= status < 600 and status != 505)
