"""After a crash: what was accepted and has not begun runs now; what had begun gets a record that says it was interrupted."""

import asyncio
from collections import deque

from ioruntime.core.authenticate import identify
from ioruntime.core.failing.failures import Failures
from ioruntime.core.invocation import Invocations
from ioruntime.model.activation import Activation
from ioruntime.model.errors import IoRuntimeError, UnavailableError
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.namespaces import NamespaceStore

_AT_ONCE = 100
"""Few enough to leave room for requests that come now."""
_RETRY_S = 1.0


class Recovery:
    """Goes through what earlier processes accepted, once, at the start."""

    def __init__(
        self,
        *,
        store: ActivationStore,
        namespaces: NamespaceStore,
        invocations: Invocations,
        failures: Failures | None = None,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._store = store
        self._failures = failures
        self._namespaces = namespaces
        self._invocations = invocations
        self._at_once = at_once
        self._waiting: deque[InvocationRequest] = deque()
        self._stopping = False

    @property
    def waiting(self) -> int:
        """How many are still to be started."""
        return len(self._waiting)

    async def load(self) -> int:
        """Record what was interrupted, and keep in mind what is to run; return how many were interrupted.

        Raises:
            UnavailableError: the store cannot be read.
        """
        begun = await self._store.begun()
        interrupted = 0
        for request in await self._store.accepted():
            if request.activation_id in begun:
                interrupted += 1
                self._invocations.record_interrupted(request)
            else:
                self._waiting.append(request)
        return interrupted

    async def run(self) -> None:
        """Start what waits, in the order received; some at once. What is left when this is cancelled stays accepted."""
        running: set[asyncio.Future[Activation]] = set()
        while self._waiting and not self._stopping:
            request = self._waiting[0]
            if request.attempt > 1 and self._failures is not None:
                self._failures.schedule(self._waiting.popleft())
                continue
            try:
                answer = await self.resume(request)
            except UnavailableError:
                await asyncio.sleep(_RETRY_S)  # the store, or the invoker, has too much to do
                continue
            self._waiting.popleft()
            running |= set() if answer is None else {answer}
            if len(running) >= self._at_once:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    def stop(self) -> None:
        """Start nothing more; what is left stays accepted."""
        self._stopping = True

    async def resume(self, request: InvocationRequest) -> asyncio.Future[Activation] | None:
        """Start one; None when it cannot be started ever, which is its record then.

        Raises:
            UnavailableError: it may be started later, and stays accepted.
        """
        try:
            namespace = await self._namespaces.by_name(request.namespace)
            return None if namespace is None else await self._invocations.resume(identify(namespace), request)
        except UnavailableError:
            raise
        except IoRuntimeError as error:
            self._invocations.record_refused(request, error)
            return None
