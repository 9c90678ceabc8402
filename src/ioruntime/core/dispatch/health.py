"""Whether an invoker is fit to take work *(pure)*: it judges itself by how its last activations ended.

Sandboxes that cannot be started again and again make it unhealthy; then it starts one by itself from time to time, and
the first that comes up makes it fit again. That a process is gone is decided by its heartbeats, here too.
"""

from collections import deque

from ioruntime.ports.fleet import Condition

_LOOKED_AT = 10
_FAILURES_MOST = 3
PROBE_EVERY_S = 5.0


class Health:
    """The condition of one invoker."""

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=_LOOKED_AT)
        self._draining = False
        self._unhealthy = False
        self._probed_s = 0.0

    def __repr__(self) -> str:
        return f"<Health [{self.condition}, {self._recent.count(False)} of {len(self._recent)} failed]>"

    @property
    def condition(self) -> Condition:
        if self._draining:
            return Condition.DRAINING
        return Condition.UNHEALTHY if self._unhealthy else Condition.UP

    def drain(self) -> None:
        """Take nothing more, for good."""
        self._draining = True

    def ended(self, *, provisioned: bool, now_s: float) -> None:
        """Hear how an activation ended: with a sandbox, or for want of one."""
        self._recent.append(provisioned)
        if not self._unhealthy and self._recent.count(False) > _FAILURES_MOST:
            self._unhealthy, self._probed_s = True, now_s

    def wants_probe(self, now_s: float) -> bool:
        """Tell whether a sandbox should be tried now."""
        return self._unhealthy and now_s - self._probed_s >= PROBE_EVERY_S

    def probed(self, *, works: bool, now_s: float) -> None:
        """Hear how the trial ended."""
        self._probed_s = now_s
        if works:
            self._unhealthy = False
            self._recent.clear()


def is_gone(heard_s: float, now_s: float, *, gone_s: float) -> bool:
    """Tell whether a process has been silent for too long."""
    return now_s - heard_s >= gone_s
