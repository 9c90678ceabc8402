"""Does with an accepted activation that failed what its action wants: tries again later, or tells another.

The next attempt is on stable storage before the record of the failed one, so no crash loses it; its id follows from the
failed one's, so that no crash makes two of it.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol, Self

import msgspec

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import InvalidError, IoRuntimeError, UnavailableError
from ioruntime.model.handling import LETTER_PREFIX, DeadLetter, Handling, is_handled, read_handling
from ioruntime.ports.activations import ActivationRecorder, ActivationStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.clock import Clock

_AGAIN_S = 1.0
"""After the store or an invoker had too much to do."""
_LETTER_TRIES = 5


class DeadLetters(Protocol):
    """Delivers what finally failed."""

    async def send(self, request: InvocationRequest, activation: Activation, target: DeadLetter) -> None:
        """Fire the trigger or start the action, durably.

        Raises:
            IoRuntimeError: it is not there, or cannot be started now.
        """
        ...


class FailureReporter(Protocol):
    """Hears of what could not be told to anybody."""

    def letter_lost(self, activation: Activation, error: Exception, /) -> None: ...


class Failures:
    """Watches those accepted activations whose actions ask for it."""

    def __init__(
        self,
        *,
        store: ActivationStore,
        recorder: ActivationRecorder,
        letters: DeadLetters,
        clock: Clock,
        reporter: FailureReporter,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._letters = letters
        self._clock = clock
        self._reporter = reporter
        self._watched: dict[ActivationId, tuple[InvocationRequest, Handling]] = {}
        self._timers: dict[ActivationId, asyncio.TimerHandle] = {}
        self._in_hand: set[ActivationId] = set()
        """Failed and not recorded yet, or due and not started yet."""
        self._closing = False
        self._tasks = asyncio.TaskGroup()

    def attach(self, resume: Callable[[InvocationRequest], Awaitable[object]]) -> None:
        """Say how attempts start; before anything is watched.

        Args:
            resume: starts one, or records why it can never start; raises `UnavailableError` when it may start later.
        """
        self._resume = resume

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start nothing more: what is to be tried later is accepted, and the next start tries it."""
        self._closing = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._tasks.__aexit__(None, None, None)

    @property
    def scheduled(self) -> int:
        """How many wait for their next attempt."""
        return len(self._timers)

    def holds(self, activation_id: ActivationId) -> bool:
        """Tell whether a failed activation is seen to here, or an attempt that is to come will start from here."""
        return activation_id in self._timers or activation_id in self._in_hand

    def watch(self, request: InvocationRequest) -> None:
        """Look at how a request ends, if it is accepted and its action asks for it."""
        if not request.is_accepted or not is_handled(request.action.annotations):
            return
        try:
            handling = read_handling(request.action.annotations, own_namespace=request.action.path.namespace)
        except InvalidError:
            return  # stored before there was a rule for it
        self._watched[request.activation_id] = (request, handling)

    def take(self, activation: Activation) -> bool:
        """Take over an activation that failed and is watched; False: its record is the caller's to write."""
        if not self._watched or self._closing:
            return False
        watched = self._watched.pop(activation.activation_id, None)
        if watched is None or activation.success:
            return False
        self._in_hand.add(activation.activation_id)
        self._tasks.create_task(self._see_to(*watched, activation), name=f"failed {activation.activation_id}")
        return True

    def schedule(self, request: InvocationRequest) -> None:
        """Start an accepted attempt when it is due, which is when it says it was received."""
        delay_s = max(0.0, (request.received_ms - self._clock.now_ms()) / 1000)
        self._start_after(delay_s, request)

    async def _see_to(self, request: InvocationRequest, handling: Handling, activation: Activation) -> None:
        delay_s = handling.delay_s(activation.status, max(1, request.attempt))
        if delay_s is not None:
            following = self._following(request, delay_s)
            await self._persist(following)
            self._start_after(delay_s, following)
        elif handling.dead_letter is not None and not request.transaction_id.startswith(LETTER_PREFIX):
            await self._tell(request, activation, handling.dead_letter)
        self._recorder.record(activation)
        self._in_hand.discard(activation.activation_id)

    def _following(self, request: InvocationRequest, delay_s: float) -> InvocationRequest:
        attempt = max(1, request.attempt) + 1
        seed = f"{request.activation_id} attempt {attempt}".encode()
        return msgspec.structs.replace(
            request,
            activation_id=ActivationId(hashlib.sha256(seed).hexdigest()[:32]),
            attempt=attempt,
            retry_of=request.retry_of or request.activation_id,
            received_ms=self._clock.now_ms() + round(delay_s * 1000),
        )

    async def _persist(self, following: InvocationRequest) -> None:
        while True:
            try:
                await self._store.accept((following,))
            except IoRuntimeError:
                if self._closing:
                    return
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def _tell(self, request: InvocationRequest, activation: Activation, target: DeadLetter) -> None:
        for left in reversed(range(_LETTER_TRIES)):
            try:
                await self._letters.send(request, activation, target)
            except IoRuntimeError as error:
                if not left or self._closing:
                    self._reporter.letter_lost(activation, error)
                    return
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    def _start_after(self, delay_s: float, request: InvocationRequest) -> None:
        if not self._closing:
            self._timers[request.activation_id] = asyncio.get_running_loop().call_later(delay_s, self._launch, request)

    def _launch(self, request: InvocationRequest) -> None:
        self._timers.pop(request.activation_id, None)
        self._in_hand.add(request.activation_id)
        self._tasks.create_task(self._start(request), name=f"attempt {request.activation_id}")

    async def _start(self, request: InvocationRequest) -> None:
        try:
            await self._resume(request)
        except UnavailableError:
            self._start_after(_AGAIN_S, request)
        finally:
            self._in_hand.discard(request.activation_id)
