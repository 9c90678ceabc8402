"""The act of invoking: check, send, wait as long as the caller may, and let the activation outlive the wait."""

import asyncio
from typing import TypeAlias

import msgspec

from ioruntime.core.activations import Recorder
from ioruntime.core.dispatch.dispatcher import Dispatcher
from ioruntime.core.dispatch.pending import Pending
from ioruntime.core.resolve import Resolved
from ioruntime.core.throttle import Throttle
from ioruntime.model.activation import Activation, ActivationId, Status, error_result, new_activation_id
from ioruntime.model.errors import UnavailableError
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits, effective
from ioruntime.model.params import Annotation, Arguments
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.bus import ActivationBus, InvocationRequest
from ioruntime.ports.clock import Clock


class Accepted(msgspec.Struct, frozen=True):
    """The activation goes on; its record will be there under this id."""

    activation_id: ActivationId


Outcome: TypeAlias = Activation | Accepted


class Invocations:
    """Starts activations in a namespace's name, within its limits."""

    def __init__(
        self,
        *,
        bus: ActivationBus,
        store: ActivationStore,
        recorder: Recorder,
        throttle: Throttle,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._dispatcher = Dispatcher(bus)
        self._store = store
        self._recorder = recorder
        self._throttle = throttle
        self._clock = clock
        self._limits = limits
        self._pending = Pending()
        bus.listen(self._on_answer)

    async def invoke(
        self, identity: Identity, resolved: Resolved, payload: Arguments, *, transaction_id: str, wait_ms: int | None = None
    ) -> Outcome:
        """Start an activation, and wait for its end when the caller wants to.

        Args:
            identity: who asks; the record belongs to its namespace.
            wait_ms: how long to wait for the outcome; None does not wait at all. `Accepted` is returned only when
                the request is on stable storage.

        Raises:
            InvalidError: the payload redefines a final parameter.
            ThrottledError: the namespace is over a limit.
            UnavailableError: no invoker takes it, or it cannot be stored.
        """
        arguments = resolved.arguments(payload)
        self._recorder.check_room()
        self._count(identity)
        try:
            request = self._request(
                identity, resolved, payload, arguments, transaction_id=transaction_id, blocking=wait_ms is not None
            )
            if wait_ms is None:
                await self._store.accept((request,))
            answer = await self._send(request)
        except BaseException:
            self._throttle.end(identity.name)
            raise
        return Accepted(request.activation_id) if wait_ms is None else await self._wait(request, answer, wait_ms)

    async def recover(self) -> int:
        """Give every request that an earlier process accepted and did not finish its record; return how many.

        Whether its code had started cannot be known, so it is not started again.
        """
        orphans = await self._store.accepted()
        for request in orphans:
            self._recorder.record(self._interrupted(request))
        return len(orphans)

    @property
    def in_flight(self) -> int:
        return len(self._pending)

    def _count(self, identity: Identity) -> None:
        limits = effective(self._limits, identity.namespace.overrides) if identity.namespace.overrides else self._limits
        self._throttle.start(
            identity.name,
            self._clock.monotonic_s(),
            per_minute=limits.invocations_per_minute,
            concurrent=limits.concurrent_invocations,
        )

    def _request(
        self,
        identity: Identity,
        resolved: Resolved,
        payload: Arguments,
        arguments: msgspec.Raw,
        *,
        transaction_id: str,
        blocking: bool,
    ) -> InvocationRequest:
        return InvocationRequest(
            activation_id=new_activation_id(),
            transaction_id=transaction_id,
            namespace=identity.name,
            subject=identity.subject,
            action=resolved.action,
            arguments=arguments,
            environment=resolved.environment_with(payload),
            api_key=str(identity.namespace.auth) if resolved.wants_api_key else None,
            blocking=blocking,
            received_ms=self._clock.now_ms(),
        )

    async def _send(self, request: InvocationRequest) -> asyncio.Future[Activation]:
        answer = self._pending.expect(request.activation_id)
        try:
            await self._dispatcher.dispatch(request)
        except BaseException as error:
            self._pending.drop(request.activation_id)
            if isinstance(error, UnavailableError) and not request.blocking:
                self._recorder.record(self._refused(request, error))
            raise
        return answer

    async def _wait(self, request: InvocationRequest, answer: asyncio.Future[Activation], wait_ms: int) -> Outcome:
        done, _ = await asyncio.wait((answer,), timeout=wait_ms / 1000)
        if done:
            return answer.result()
        await self._store.accept((request,))
        if not answer.done():
            return Accepted(request.activation_id)
        # Its record may have been written before it was accepted: written again, it takes the acceptance back.
        self._recorder.record(answer.result())
        return answer.result()

    def _on_answer(self, activation: Activation) -> None:
        self._throttle.end(activation.namespace)
        self._recorder.record(activation)
        self._pending.settle(activation)

    def _interrupted(self, request: InvocationRequest) -> Activation:
        return failed(request, "The activation was interrupted: the platform stopped before it ended.", self._clock.now_ms())

    def _refused(self, request: InvocationRequest, error: UnavailableError) -> Activation:
        return failed(request, str(error), self._clock.now_ms())


def failed(request: InvocationRequest, text: str, now_ms: int) -> Activation:
    """Build the record of an activation that the platform could not run or finish."""
    path = request.action.path
    return Activation(
        activation_id=request.activation_id,
        namespace=request.namespace,
        name=path.name,
        package=path.package,
        version=request.action.version,
        subject=request.subject,
        start_ms=request.received_ms,
        end_ms=now_ms,
        duration_ms=0,
        cause=request.cause,
        status=Status.WHISK_ERROR,
        result=error_result(text),
        annotations=(
            Annotation("path", str(path)),
            Annotation("kind", request.action.exec.kind),
            Annotation("limits", request.action.limits),
            Annotation("waitTime", max(0, now_ms - request.received_ms)),
        ),
    )
