"""Runs in place what needs no sandbox of its own: sequences, conductors and the platform's own actions.

The next step of a composition starts as soon as the one before has answered, in this process, without a queue on disk.
Only whole compositions count against the namespace's limits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, TypeAlias

import msgspec

from ioruntime.core.conductors import run_conductor
from ioruntime.core.resolve import Resolved, Resolver
from ioruntime.core.sequences import run_sequence
from ioruntime.core.steps import Budget, Component, End, Timing
from ioruntime.model.activation import Activation, ActivationId, Status, error_result, new_activation_id
from ioruntime.model.errors import IoRuntimeError
from ioruntime.model.exec import NativeExec, SequenceExec
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Arguments, annotation, is_truthy, read_arguments
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.clock import Clock

NativeHandler: TypeAlias = Callable[[Identity, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Runs an action of the platform; a result with the key `error` is an application error."""
Send: TypeAlias = Callable[[InvocationRequest], Awaitable["asyncio.Future[Activation]"]]

_GRACE_S = 60.0
"""How much longer than its own time limit a component is waited for: it may have to wait for a sandbox."""


def is_composed(resolved: Resolved) -> bool:
    """Tell whether an action is run here rather than by an invoker."""
    exec_ = resolved.action.exec
    return isinstance(exec_, SequenceExec | NativeExec) or is_truthy(annotation(resolved.action.annotations, "conductor"))


class Composer:
    """Runs compositions; each is a task of this object."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        clock: Clock,
        send: Send,
        finish: Callable[[Activation], None],
        natives: Mapping[str, NativeHandler],
        length: int,
    ) -> None:
        """Run with these parts.

        Args:
            send: hands a request to an invoker and promises its activation.
            finish: takes the record of every composition, at the top or not.
            natives: by the `handler` of `NativeExec`.
            length: how many components a composition may have.
        """
        self.resolver = resolver
        self._clock = clock
        self._send = send
        self._finish = finish
        self._natives = natives
        self._length = length
        self._tasks = asyncio.TaskGroup()
        self._running = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.__aexit__(None, None, None)

    async def drained(self) -> None:
        """Wait until no composition runs."""
        await self._quiet.wait()

    def start(self, identity: Identity, resolved: Resolved, request: InvocationRequest) -> None:
        """Run a composition; its record goes to `finish`."""
        self._running += 1
        self._quiet.clear()
        self._tasks.create_task(self._run_top(identity, resolved, request), name=request.activation_id)

    async def _run_top(self, identity: Identity, resolved: Resolved, request: InvocationRequest) -> None:
        try:
            await self._compose(identity, resolved, request, Budget(self._length))
        finally:
            self._running -= 1
            if not self._running:
                self._quiet.set()

    async def _compose(self, identity: Identity, resolved: Resolved, request: InvocationRequest, budget: Budget) -> Activation:
        timing = Timing(self._clock.now_ms())
        run = _Component(self, identity, request, budget)
        try:
            end = await self._end(identity, resolved, request, run, timing)
        except (IoRuntimeError, TimeoutError) as error:
            end = End(Status.WHISK_ERROR, error_result(str(error)))
        except asyncio.CancelledError:
            end = End(Status.WHISK_ERROR, error_result("The activation was interrupted: the platform stopped before it ended."))
            self._finish(_record(request, end, timing, resolved))
            raise
        activation = _record(request, end, timing, resolved)
        self._finish(activation)
        return activation

    async def _end(
        self, identity: Identity, resolved: Resolved, request: InvocationRequest, run: "_Component", timing: Timing
    ) -> End:
        exec_ = resolved.action.exec
        match exec_:
            case SequenceExec(components=components):
                return await run_sequence(components, request.arguments, run, timing)
            case NativeExec(handler=name):
                return await self._run_native(name, identity, request)
            case _:
                return await run_conductor(resolved.action.path, request.arguments, run, timing)

    async def _run_native(self, name: str, identity: Identity, request: InvocationRequest) -> End:
        result = await self._natives[name](identity, msgspec.json.decode(request.arguments))
        status = Status.APPLICATION_ERROR if "error" in result else Status.SUCCESS
        return End(status, msgspec.Raw(msgspec.json.encode(result)))

    async def run_component(
        self,
        identity: Identity,
        path: EntityPath,
        arguments: msgspec.Raw,
        *,
        cause: InvocationRequest,
        budget: Budget,
        as_code: bool,
    ) -> Activation:
        """Run one component to its end.

        Args:
            as_code: run a conductor's own code once instead of the composition that it conducts.

        Raises:
            NotFoundError, ForbiddenError, WrongCollectionError: there is no such action for the caller.
            TimeoutError: it did not end within its time limit and a minute.
            UnavailableError: no invoker takes it.
        """
        resolved = await self.resolver.runnable(identity, path)
        request = _component_request(identity, resolved, arguments, cause, received_ms=self._clock.now_ms())
        if is_composed(resolved) and not as_code:
            return await self._compose(identity, resolved, request, budget)
        answer = await self._send(request)
        done, _ = await asyncio.wait((answer,), timeout=resolved.action.limits.timeout_ms / 1000 + _GRACE_S)
        if not done:
            raise TimeoutError(request.activation_id)
        return answer.result()


class _Component(Component):
    """Runs the components of one composition in its caller's name."""

    def __init__(self, composer: Composer, identity: Identity, request: InvocationRequest, budget: Budget) -> None:
        self._composer = composer
        self._identity = identity
        self._request = request
        self.budget = budget
        self.namespace = identity.name

    async def run(self, path: EntityPath, arguments: msgspec.Raw, *, as_code: bool = False) -> Activation:
        return await self._composer.run_component(
            self._identity, path, arguments, cause=self._request, budget=self.budget, as_code=as_code
        )

    async def check(self, path: EntityPath) -> Resolved:
        return await self._composer.resolver.runnable(self._identity, path)


def _component_request(
    identity: Identity, resolved: Resolved, arguments: msgspec.Raw, cause: InvocationRequest, *, received_ms: int
) -> InvocationRequest:
    merged, environment = arguments, resolved.environment
    if not bytes(memoryview(arguments)[:1]).startswith(b"["):
        payload = read_arguments(bytes(arguments))
        merged, environment = resolved.merge(payload), resolved.environment_with(payload)
    return InvocationRequest(
        activation_id=new_activation_id(),
        transaction_id=cause.transaction_id,
        namespace=identity.name,
        subject=identity.subject,
        action=resolved.action,
        arguments=arguments if isinstance(resolved.action.exec, SequenceExec) else merged,
        environment=environment,
        api_key=str(identity.namespace.auth) if resolved.wants_api_key else None,
        blocking=True,
        cause=ActivationId(cause.activation_id),
        binding=resolved.binding.path if resolved.binding else None,
        received_ms=received_ms,
    )


def payload_of(resolved: Resolved, payload: Arguments, merged: msgspec.Raw) -> msgspec.Raw:
    """Choose what an action gets: a sequence the bare payload, since its parameters only name its components."""
    return msgspec.Raw(msgspec.json.encode(payload)) if isinstance(resolved.action.exec, SequenceExec) else merged


def _record(request: InvocationRequest, end: End, timing: Timing, resolved: Resolved) -> Activation:
    limits = request.action.limits
    if timing.memory_mb:
        limits = msgspec.structs.replace(limits, memory_mb=timing.memory_mb)
    annotations = [Annotation("limits", limits)]
    if not isinstance(resolved.action.exec, NativeExec):
        annotations += [Annotation("kind", "sequence"), Annotation("topmost", request.cause is None)]
    if not isinstance(resolved.action.exec, SequenceExec | NativeExec):
        annotations.append(Annotation("conductor", True))
    return request.record(
        end.status,
        end.result,
        start_ms=timing.start_ms,
        duration_ms=timing.duration_ms,
        logs=tuple(timing.ids),
        annotations=tuple(annotations),
    )
