"""Build what sees to activations that failed or were interrupted, out of services that need it and that it needs."""

from ioruntime.app.clock import SystemClock
from ioruntime.app.cluster.opening import StoreSet
from ioruntime.core.activations import Recorder
from ioruntime.core.failing.failures import FailureReporter, Failures
from ioruntime.core.failing.letters import LetterBox
from ioruntime.core.firing import Firing
from ioruntime.core.invocation import Invocations
from ioruntime.core.recovery import Recovery
from ioruntime.core.resolve import Resolver


class Failing:
    """Retries and dead letters, before and after invocations are built."""

    def __init__(self, stores: StoreSet, resolver: Resolver, recorder: Recorder, reporter: FailureReporter) -> None:
        self._stores = stores
        self._letters = LetterBox(namespaces=stores.namespaces, resolver=resolver)
        self.failures = Failures(
            store=stores.activations, recorder=recorder, letters=self._letters, clock=SystemClock(), reporter=reporter
        )

    def connect(self, invocations: Invocations, firing: Firing) -> Recovery:
        """Say who starts and fires; return what starts accepted requests again."""
        recovery = Recovery(
            store=self._stores.activations, namespaces=self._stores.namespaces, invocations=invocations, failures=self.failures
        )
        self._letters.connect(invocations, firing)
        self.failures.attach(recovery.resume)
        return recovery
