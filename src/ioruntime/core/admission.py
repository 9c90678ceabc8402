"""Lets a namespace start something when it is within its limits."""

from ioruntime.core.throttle import Throttle
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits, limits_of
from ioruntime.ports.clock import Clock


class Admission:
    """The platform's limits, overlaid by each namespace's own, and the counters against them."""

    def __init__(self, throttle: Throttle, clock: Clock, limits: Limits) -> None:
        self._throttle = throttle
        self._clock = clock
        self.limits = limits

    def start(self, identity: Identity) -> None:
        """Count one invocation; `end` must follow when it is over.

        Raises:
            ThrottledError: it would be over a limit; nothing was counted.
        """
        limits = self.limits_of(identity)
        self._throttle.start(
            identity.name,
            self._clock.monotonic_s(),
            per_minute=limits.invocations_per_minute,
            concurrent=limits.concurrent_invocations,
        )

    def check(self, identity: Identity) -> None:
        """Let pass what `start` would; count nothing.

        Raises:
            ThrottledError: it would be over a limit.
        """
        limits = self.limits_of(identity)
        self._throttle.check(
            identity.name,
            self._clock.monotonic_s(),
            per_minute=limits.invocations_per_minute,
            concurrent=limits.concurrent_invocations,
        )

    def fire(self, identity: Identity) -> None:
        """Count one firing of a trigger.

        Raises:
            ThrottledError: it would be over the limit; nothing was counted.
        """
        per_minute = self.limits_of(identity).fires_per_minute
        self._throttle.fire(identity.name, self._clock.monotonic_s(), per_minute=per_minute)

    def resume(self, namespace: str) -> None:
        """Count one invocation in flight that was admitted before; `end` must follow when it is over."""
        self._throttle.resume(namespace)

    def end(self, namespace: str) -> None:
        """Count one invocation out of flight."""
        self._throttle.end(namespace)

    def limits_of(self, identity: Identity) -> Limits:
        """Return what the caller's namespace may use."""
        return limits_of(self.limits, identity.namespace.overrides)
