"""The act of invoking: check, send, wait as long as the caller may, and let the activation outlive the wait."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Self, TypeAlias

import msgspec

from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.composing import INTERRUPTED, Composer, NativeHandler, composition_annotations, gets_parameters
from ioruntime.core.dispatch.dispatcher import Dispatcher
from ioruntime.core.dispatch.pending import Pending
from ioruntime.core.failing.failures import Failures
from ioruntime.core.resolve import Resolved, Resolver, is_composed
from ioruntime.model.activation import Activation, ActivationId, Status, error_result, new_activation_id
from ioruntime.model.errors import IoRuntimeError, UnavailableError
from ioruntime.model.handling import RETRY
from ioruntime.model.identity import Identity
from ioruntime.model.params import Arguments, has_annotation
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.bus import ActivationBus, Allowance, InvocationRequest
from ioruntime.ports.clock import Clock


class Accepted(msgspec.Struct, frozen=True):
    """The activation goes on; its record will be there under this id."""

    activation_id: ActivationId


Outcome: TypeAlias = Activation | Accepted
EXTRA_LOGGING = "x-ow-extra-logging"
"""The header by which a request, with `on`, asks for a record where none is kept."""
_INVOKERS = frozenset({"maxPayloadSize", "truncationSize", "warmedContainerKeepingCount", "warmedContainerKeepingTimeout"})
"""The limits of a namespace that an invoker sees to."""


class _Caller:
    """Hears how an activation ended, or after a time that it goes on."""

    __slots__ = ("done", "request", "timer")

    def __init__(self, request: InvocationRequest, done: "Callable[[Outcome | IoRuntimeError], None]") -> None:
        self.request = request
        self.done = done
        self.timer: asyncio.TimerHandle | None = None

    def tell(self, outcome: Outcome | IoRuntimeError) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.done(outcome)


class Invocations:
    """Starts activations in a namespace's name, within its limits."""

    def __init__(
        self,
        *,
        bus: ActivationBus,
        store: ActivationStore,
        recorder: Recorder,
        admission: Admission,
        clock: Clock,
        resolver: Resolver,
        natives: Mapping[str, NativeHandler] | None = None,
        failures: Failures | None = None,
    ) -> None:
        self._dispatcher = Dispatcher(bus)
        self._store = store
        self._resolver = resolver
        self._recorder = recorder
        self._admission = admission
        self._clock = clock
        self._pending = Pending()
        self._failures = failures
        self._unkept: set[ActivationId] = set()
        """Sent to an invoker, and not to be recorded."""
        self._late = asyncio.TaskGroup()
        self._composer = Composer(
            resolver=resolver,
            clock=clock,
            send=self._send,
            finish=self._finish,
            natives=natives or {},
            length=admission.limits.sequence_length,
        )
        self._invokers_record = bus.invokers_record
        bus.listen(self._answered)
        bus.listen_lost(self._lost)

    async def __aenter__(self) -> Self:
        await self._late.__aenter__()
        if self._failures is not None:
            await self._failures.__aenter__()
        await self._composer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for compositions that run."""
        await self._composer.__aexit__()
        if self._failures is not None:
            await self._failures.__aexit__()
        await self._late.__aexit__(None, None, None)

    async def drained(self) -> None:
        """Wait until no composition runs."""
        await self._composer.drained()

    async def interrupt(self) -> None:
        """End the compositions that run, each with its record and its answer."""
        await self._composer.interrupt()

    async def invoke(
        self,
        identity: Identity,
        resolved: Resolved,
        payload: Arguments,
        *,
        transaction_id: str,
        wait_ms: int | None = None,
        keep: bool = False,
    ) -> Outcome:
        """Start an activation, and wait for its end when the caller wants to.

        Args:
            identity: who asks; the record belongs to its namespace.
            wait_ms: how long to wait for the outcome; None does not wait at all. `Accepted` is returned only when
                the request is on stable storage.
            keep: record it also in a namespace that keeps no records; nothing of those is on stable storage.

        Raises:
            InvalidError: the payload redefines a final parameter.
            ThrottledError: the namespace is over a limit.
            UnavailableError: no invoker takes it, or it cannot be stored.
        """
        arguments = resolved.arguments(payload)
        self._recorder.check_room()
        self._admission.start(identity)
        try:
            request = self._request(
                identity, resolved, payload, arguments, transaction_id=transaction_id, blocking=wait_ms is not None, keep=keep
            )
            if request.is_accepted:
                await self._store.accept((request,), begun=_begun((request,)))
            answer = await self._start(identity, resolved, request)
        except BaseException:
            self._admission.end(identity.name)
            raise
        return Accepted(request.activation_id) if wait_ms is None else await self._wait(request, answer, wait_ms)

    def begin(
        self,
        identity: Identity,
        resolved: Resolved,
        arguments: msgspec.Raw,
        done: Callable[[Outcome | IoRuntimeError], None],
        *,
        transaction_id: str,
        wait_ms: int,
        keep: bool = False,
    ) -> bool:
        """Do what `invoke` does for a caller that waits but has no task; `done` is told once, later.

        Args:
            arguments: what `resolved.arguments` makes of the payload.
            done: gets what `invoke` would return or raise from here on.
            keep: as for `invoke`.

        Returns:
            False when it takes an `invoke`: a composition, or no invoker that takes it at once. Nothing was started.

        Raises:
            ThrottledError, UnavailableError: as `invoke`; nothing was started.
        """
        if resolved.is_composed:
            return False
        self._recorder.check_room()
        self._admission.start(identity)
        request = self._request(identity, resolved, {}, arguments, transaction_id=transaction_id, blocking=True, keep=keep)
        caller = _Caller(request, done)
        caller.timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._too_late, caller)
        self._pending.tell(request.activation_id, caller.tell)
        if not request.kept:
            self._unkept.add(request.activation_id)
        if self._dispatcher.dispatch_now(request):
            return True
        self._unkept.discard(request.activation_id)
        caller.timer.cancel()
        self._pending.drop(request.activation_id)
        self._admission.end(identity.name)
        return False

    def _too_late(self, caller: _Caller) -> None:
        """Let the caller go with a promise, once that is on stable storage."""
        caller.timer = None
        answer = self._pending.expect(caller.request.activation_id)
        self._late.create_task(self._promise(caller, answer), name=f"promise {caller.request.activation_id}")

    async def _promise(self, caller: _Caller, answer: "asyncio.Future[Activation]") -> None:
        try:
            caller.tell(await self._accept_late(caller.request, answer))
        except IoRuntimeError as error:
            caller.tell(error)

    async def accept_many(
        self, identity: Identity, actions: Sequence[Resolved], payload: Arguments, *, transaction_id: str, keep: bool = False
    ) -> Sequence[ActivationId | IoRuntimeError]:
        """Start activations that nobody waits for, all accepted with one write; return their ids, in the same order.

        In the place of an id is the error of an action that was not started; the others do not mind.

        Raises:
            UnavailableError: they cannot be stored; none was started.
        """
        admitted = [self._admit(identity, resolved, payload, transaction_id, keep=keep) for resolved in actions]
        waiting = [each for each in admitted if isinstance(each, InvocationRequest)]
        try:
            accepted = [request for request in waiting if request.is_accepted]
            await self._store.accept(accepted, begun=_begun(accepted))
            return [
                await self._start_accepted(identity, resolved, each, waiting) if isinstance(each, InvocationRequest) else each
                for resolved, each in zip(actions, admitted, strict=True)
            ]
        except BaseException:
            for _ in waiting:
                self._admission.end(identity.name)
            raise

    def _admit(
        self, identity: Identity, resolved: Resolved, payload: Arguments, transaction_id: str, *, keep: bool
    ) -> InvocationRequest | IoRuntimeError:
        try:
            arguments = resolved.arguments(payload)
            self._admission.start(identity)
        except IoRuntimeError as error:
            return error
        return self._request(identity, resolved, payload, arguments, transaction_id=transaction_id, blocking=False, keep=keep)

    async def _start_accepted(
        self, identity: Identity, resolved: Resolved, request: InvocationRequest, waiting: list[InvocationRequest]
    ) -> ActivationId | IoRuntimeError:
        waiting.remove(request)
        try:
            await self._start(identity, resolved, request)
        except BaseException as error:
            self._admission.end(identity.name)
            if not isinstance(error, IoRuntimeError):
                raise
            return error
        return request.activation_id

    async def resume(self, identity: Identity, request: InvocationRequest) -> asyncio.Future[Activation]:
        """Start what an earlier process accepted and had not begun, whatever the namespace's limits are now.

        Raises:
            UnavailableError: no invoker takes it, or the store refuses; nothing was started, and it stays accepted.
            IoRuntimeError: it is a composition that cannot be resolved any more.
        """
        self._recorder.check_room()
        resolved = await self._resolver.runnable(identity, request.path) if is_composed(request.action) else None
        if resolved is not None:
            await self._store.begin((request.activation_id,))
        self._watch(request)
        if request.retry_of is None:
            self._admission.resume(identity.name)
        answer = self._pending.expect(request.activation_id)
        try:
            if resolved is None:
                await self._dispatcher.dispatch(request)
            else:
                self._composer.start(identity, resolved, request)
        except BaseException:
            self._pending.drop(request.activation_id)
            if request.retry_of is None:
                self._admission.end(identity.name)
            raise
        return answer

    def record_interrupted(self, request: InvocationRequest) -> None:
        """Record that an accepted request had begun when its process ended; its action may want another attempt.

        Not so in a cluster, where several may find the same one, and each would try again.
        """
        if not self._invokers_record:
            self._watch(request)
        self._record(failed(request, INTERRUPTED, self._clock.now_ms()))

    def record_ran(self, request: InvocationRequest, activation: Activation) -> None:
        """Record what ran here for whoever sent it; its action may want another attempt, which starts from here."""
        if self._failures is not None:
            self._failures.watch(request)
        self._record(activation)

    def record_refused(self, request: InvocationRequest, error: IoRuntimeError) -> None:
        """Record why an accepted request was never started."""
        self._recorder.record(failed(request, str(error), self._clock.now_ms()))

    def composes(self, activation_id: ActivationId) -> bool:
        """Tell whether a composition of this id runs here."""
        return self._composer.runs(activation_id)

    def sees_to(self, activation_id: ActivationId) -> bool:
        """Tell whether a failed activation, or an attempt that is to come, is taken care of here."""
        return self._failures is not None and self._failures.holds(activation_id)

    @property
    def in_flight(self) -> int:
        return len(self._pending)

    def is_expected(self, activation_id: ActivationId) -> bool:
        """Tell whether an activation was started here and has no record yet."""
        return activation_id in self._pending

    def _request(
        self,
        identity: Identity,
        resolved: Resolved,
        payload: Arguments,
        arguments: msgspec.Raw,
        *,
        transaction_id: str,
        blocking: bool,
        keep: bool,
    ) -> InvocationRequest:
        own = identity.namespace.overrides
        return InvocationRequest(
            activation_id=new_activation_id(),
            transaction_id=transaction_id,
            namespace=identity.name,
            subject=identity.subject,
            action=resolved.action,
            arguments=arguments if gets_parameters(resolved) else msgspec.Raw(msgspec.json.encode(payload)),
            environment=resolved.environment_with(payload),
            api_key=str(identity.namespace.auth) if resolved.wants_api_key else None,
            blocking=blocking,
            binding=resolved.binding.path if resolved.binding else None,
            network=identity.namespace.overrides.get("network"),
            attempt=int(has_annotation(resolved.action.annotations, RETRY)),
            received_ms=self._clock.now_ms(),
            kept=keep or not own or own.get("storeActivations") is not False,
            allowance=self._allowance(identity) if own else None,
        )

    def _allowance(self, identity: Identity) -> Allowance | None:
        """Return what an invoker must know of the namespace's own limits, None when there is nothing."""
        if _INVOKERS.isdisjoint(identity.namespace.overrides):
            return None
        limits = self._admission.limits_of(identity)
        result_bytes = min(limits.result_bytes, limits.payload_bytes)
        return Allowance(result_bytes, min(limits.truncation_bytes, result_bytes), limits.warm_count, limits.warm_s)

    async def _start(self, identity: Identity, resolved: Resolved, request: InvocationRequest) -> asyncio.Future[Activation]:
        self._watch(request)
        if not resolved.is_composed:
            return await self._send(request)
        answer = self._pending.expect(request.activation_id)
        self._composer.start(identity, resolved, request)
        return answer

    async def _send(self, request: InvocationRequest) -> asyncio.Future[Activation]:
        answer = self._pending.expect(request.activation_id)
        if not request.kept:
            self._unkept.add(request.activation_id)
        try:
            await self._dispatcher.dispatch(request)
        except BaseException as error:
            self._pending.drop(request.activation_id)
            self._unkept.discard(request.activation_id)
            if isinstance(error, UnavailableError) and request.is_accepted:
                self.record_refused(request, error)
            raise
        return answer

    async def _wait(self, request: InvocationRequest, answer: asyncio.Future[Activation], wait_ms: int) -> Outcome:
        if await ended_within(answer, wait_ms / 1000):
            return answer.result()
        return await self._accept_late(request, answer)

    async def _accept_late(self, request: InvocationRequest, answer: "asyncio.Future[Activation]") -> Outcome:
        if request.kept:
            # It may run already, and nobody marked it: that costs a write, which only who is not waited for has to pay.
            await self._store.accept((request,), begun=(request.activation_id,))
        if not answer.done():
            return Accepted(request.activation_id)
        if not request.kept:
            return answer.result()
        # Its record may have been written before it was accepted: written again, it takes the acceptance back.
        self._recorder.record(answer.result())
        return answer.result()

    def _watch(self, request: InvocationRequest) -> None:
        """Watch what is recorded here: of what invokers record, compositions."""
        if self._failures is not None and not (self._invokers_record and not is_composed(request.action)):
            self._failures.watch(request)

    def _record(self, activation: Activation) -> None:
        if self._failures is None or not self._failures.take(activation):
            self._recorder.record(activation)

    def _answered(self, activation: Activation) -> None:
        kept = activation.activation_id not in self._unkept
        self._unkept.discard(activation.activation_id)
        self._finish(activation, kept and not self._invokers_record)

    def _lost(self, request: InvocationRequest) -> None:
        self._late.create_task(self._conclude(request), name=f"conclude {request.activation_id}")

    async def _conclude(self, request: InvocationRequest) -> None:
        """End what no invoker has any more: with its record, should it have one, else as interrupted."""
        self._unkept.discard(request.activation_id)
        try:
            found = await self._store.read(request.namespace, request.activation_id)
        except UnavailableError:
            found = None  # of two records the first stays, so this one cannot hide another
        interrupted = failed(request, INTERRUPTED, self._clock.now_ms())
        self._finish(found or interrupted, request.kept and found is None)

    def _finish(self, activation: Activation, kept: bool) -> None:
        if activation.cause is None:  # components of a composition were not counted, nor were later attempts
            self._admission.end(activation.namespace)
        if kept:
            self._record(activation)
        self._pending.settle(activation)


async def ended_within(answer: "asyncio.Future[Activation]", wait_s: float) -> bool:
    """Wait for an answer; False when it takes longer, and then it is still to come.

    `asyncio.wait` does the same for many futures at the price of a tenth of a request.
    """
    if answer.done():
        return True
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(wait_s, _wake, woken)

    def wake(_: object) -> None:
        _wake(woken)

    answer.add_done_callback(wake)
    try:
        await woken
    finally:
        timer.cancel()
        answer.remove_done_callback(wake)
    return answer.done()


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


def _begun(requests: Sequence[InvocationRequest]) -> Sequence[ActivationId]:
    """Name the compositions among them: they start here, at once, and nobody else marks them."""
    return [request.activation_id for request in requests if is_composed(request.action)]


def failed(request: InvocationRequest, text: str, now_ms: int) -> Activation:
    """Build the record of an activation that the platform could not run or finish."""
    annotations = composition_annotations(request)
    return request.record(Status.WHISK_ERROR, error_result(text), start_ms=now_ms, duration_ms=0, annotations=annotations)
