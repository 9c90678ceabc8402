"""Runs in place what needs no sandbox of its own: sequences, conductors and the platform's own actions.

The next step of a composition starts as soon as the one before has answered, in this process, without a queue on disk.
Only whole compositions count against the namespace's limits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Self, TypeAlias

import msgspec

from ioruntime.core.conductors import run_conductor
from ioruntime.core.resolve import Resolved, Resolver, is_conductor
from ioruntime.core.sequences import run_sequence
from ioruntime.core.steps import Budget, End, LateError, Tally
from ioruntime.model.activation import Activation, Status, new_activation_id
from ioruntime.model.errors import IoRuntimeError
from ioruntime.model.exec import NativeExec, SequenceExec
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Arguments, read_arguments
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.clock import Clock

NativeHandler: TypeAlias = Callable[[Identity, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Runs an action of the platform; a result with the key `error` is an application error."""
Finish: TypeAlias = Callable[[Activation, bool], None]
Send: TypeAlias = Callable[[InvocationRequest], Awaitable["asyncio.Future[Activation]"]]

INTERRUPTED = "The activation was interrupted: the platform stopped before it ended."
_GRACE_S = 60.0
"""How much longer than its own time limit a component is waited for: it may have to wait for a sandbox."""


class Composer:
    """Runs compositions; each, also one inside another, is a task of this object."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        clock: Clock,
        send: Send,
        finish: Finish,
        natives: Mapping[str, NativeHandler],
        length: int,
        grace_s: float = _GRACE_S,
    ) -> None:
        """Run with these parts.

        Args:
            send: hands a request to an invoker and promises its activation.
            finish: takes the record of every composition, at the top or not, and whether to keep it.
            natives: by the `handler` of `NativeExec`.
            length: how many components a composition may have.
            grace_s: how much longer than its own time limit a component is waited for.
        """
        self.resolver = resolver
        self.clock = clock
        self.send = send
        self.natives = natives
        self.grace_s = grace_s
        self._finish = finish
        self._length = length
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[Activation]] = set()
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

    async def interrupt(self) -> None:
        """End the compositions that run; each is recorded as interrupted by the platform."""
        for task in self._running:
            task.cancel()
        await self._quiet.wait()

    def runs(self, activation_id: str) -> bool:
        """Tell whether a composition of this id runs."""
        return any(task.get_name() == activation_id for task in self._running)

    def start(self, identity: Identity, resolved: Resolved, request: InvocationRequest) -> None:
        """Run a composition; its record goes to `finish`."""
        self.begin(_Run(self, identity, resolved, request, Budget.of(self._length)))

    def begin(self, run: "_Run") -> asyncio.Task[Activation]:
        """Start a task for a composition. Inside one another, tasks of their own keep the stack flat."""
        task = self._tasks.create_task(self._complete(run), name=run.request.activation_id)
        self._running.add(task)
        self._quiet.clear()
        task.add_done_callback(partial(self._ended, run))
        return task

    async def _complete(self, run: "_Run") -> Activation:
        try:
            end = await run.end()
        except IoRuntimeError as error:
            end = End.whisk_error(str(error))
        except Exception as error:  # noqa: BLE001 - the loop's handler logs it with its traceback
            crash = {"message": f"composition {run.request.activation_id} crashed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(crash)
            end = End.whisk_error("There was an internal server error.")
        activation = run.record(end)
        self._finish(activation, run.request.kept)
        return activation

    def _ended(self, run: "_Run", task: asyncio.Task[Activation]) -> None:
        if task.cancelled():  # perhaps before its first step, so the task itself cannot record it
            self._finish(run.record(End.whisk_error(INTERRUPTED)), run.request.kept)
        self._running.discard(task)
        if not self._running:
            self._quiet.set()


class _Run:
    """One run of a sequence, conductor or native action."""

    def __init__(
        self, composer: Composer, identity: Identity, resolved: Resolved, request: InvocationRequest, budget: Budget
    ) -> None:
        self.request = request
        self.budget = budget
        self.namespace = identity.name
        self._composer = composer
        self._identity = identity
        self._resolved = resolved
        self._start_ms = composer.clock.now_ms()
        self._tally = Tally()

    async def end(self) -> End:
        """Run to the end.

        Raises:
            IoRuntimeError: the platform could not.
        """
        match self.request.action.exec:
            case SequenceExec(components=components):
                return await run_sequence(components, self.request.arguments, self)
            case NativeExec(handler=handler):
                return await self._run_native(self._composer.natives[handler])
            case _:
                return await run_conductor(self.request.arguments, self)

    async def resolve(self, path: EntityPath) -> Resolved:
        return await self._composer.resolver.runnable(self._identity, path)

    async def run(self, component: Resolved, arguments: msgspec.Raw) -> Activation:
        request = self._request_for(component, arguments)
        if not component.is_composed:
            return await self._send(request)
        budget = self.budget.inside_conductor() if is_conductor(self.request.action) else self.budget.inside_sequence()
        part = _Run(self._composer, self._identity, component, request, budget)
        activation = await self._composer.begin(part)
        self._tally.add(activation)
        return activation

    async def conduct(self, arguments: msgspec.Raw) -> Activation:
        return await self._send(self._request_for(self._resolved, arguments, as_code=True))

    async def _send(self, request: InvocationRequest) -> Activation:
        answer = await self._composer.send(request)
        timeout_s = request.action.limits.timeout_ms / 1000 + self._composer.grace_s
        done, _ = await asyncio.wait((answer,), timeout=timeout_s)
        if not done:
            raise LateError(request.activation_id)
        self._tally.add(answer.result())
        return answer.result()

    async def _run_native(self, handler: NativeHandler) -> End:
        started_s = self._composer.clock.monotonic_s()
        result = await handler(self._identity, msgspec.json.decode(self.request.arguments))
        self._tally.duration_ms = round((self._composer.clock.monotonic_s() - started_s) * 1000)
        status = Status.APPLICATION_ERROR if "error" in result else Status.SUCCESS
        return End(status, msgspec.Raw(msgspec.json.encode(result)))

    def _request_for(self, component: Resolved, arguments: msgspec.Raw, *, as_code: bool = False) -> InvocationRequest:
        merged, environment = arguments, component.environment
        if as_code or gets_parameters(component):
            merged, environment = _overlay(component, arguments)
        cause = self.request
        return InvocationRequest(
            activation_id=new_activation_id(),
            transaction_id=cause.transaction_id,
            namespace=cause.namespace,
            subject=cause.subject,
            action=component.action,
            arguments=merged,
            environment=environment,
            api_key=str(self._identity.namespace.auth) if component.wants_api_key else None,
            blocking=True,
            cause=cause.activation_id,
            binding=component.binding.path if component.binding else None,
            network=cause.network,
            received_ms=self._composer.clock.now_ms(),
            kept=cause.kept,
            allowance=cause.allowance,
        )

    def record(self, end: End) -> Activation:
        """Build the record; its logs are the ids of what it ran, its duration is theirs."""
        limits = self.request.action.limits
        if self._tally.memory_mb:
            limits = msgspec.structs.replace(limits, memory_mb=self._tally.memory_mb)
        return self.request.record(
            end.status,
            end.result,
            start_ms=self._start_ms,
            duration_ms=self._tally.duration_ms,
            logs=tuple(self._tally.ids),
            annotations=(Annotation("limits", limits), *composition_annotations(self.request)),
        )


def gets_parameters(resolved: Resolved) -> bool:
    """Tell whether parameters are merged when an action starts.

    Those of a sequence only name its components, and a conductor's code gets them each time it runs.
    """
    return isinstance(resolved.action.exec, NativeExec) or not resolved.is_composed


def composition_annotations(request: InvocationRequest) -> tuple[Annotation, ...]:
    """Return what only the record of a sequence or conductor says (pure)."""
    conducts = is_conductor(request.action)
    if not conducts and not isinstance(request.action.exec, SequenceExec):
        return ()
    annotations = (Annotation("kind", "sequence"), Annotation("topmost", request.cause is None))
    return (*annotations, Annotation("conductor", True)) if conducts else annotations


def _overlay(component: Resolved, arguments: msgspec.Raw) -> tuple[msgspec.Raw, dict[str, str]]:
    """Merge a component's parameters with what it is handed; an array stays as it is."""
    if bytes(memoryview(arguments)[:64]).lstrip().startswith(b"["):
        return arguments, component.environment
    payload: Arguments = read_arguments(bytes(arguments))
    return component.merge(payload), component.environment_with(payload)
