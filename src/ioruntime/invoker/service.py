"""Takes a request, gets its code, claims a sandbox, runs it, and answers with the record."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from typing import Protocol, Self

import msgspec

from ioruntime.invoker.answer import Answer, judge_init, judge_run, lost, timed_out
from ioruntime.invoker.code import CodeCache, CodeError
from ioruntime.invoker.entry import Entry
from ioruntime.invoker.job import Job, Jobs
from ioruntime.invoker.payload import init_payload
from ioruntime.invoker.pool import Pool
from ioruntime.invoker.proxy import Outcome, ProxyLostError, ProxyRefusedError, ProxyReply
from ioruntime.model.activation import Activation, Status, error_result
from ioruntime.model.errors import IoRuntimeError, UnavailableError
from ioruntime.model.exec import CodeExec, ImageExec
from ioruntime.model.kinds import Kinds, NoInterpreterError
from ioruntime.model.params import Annotation
from ioruntime.ports.activations import BeginMarks
from ioruntime.ports.bus import ActivationBus, InvocationRequest
from ioruntime.ports.clock import Clock
from ioruntime.ports.sandbox import Ending, ImageError, Interpreter, SandboxError

NO_SANDBOX = "Failed to provision resources to run the action."
INTERRUPTED = "The activation was interrupted: the platform stopped before it ended."
CODE_GONE = "Action could not be fetched."
LOGS_LOST = "There was an issue while collecting your logs. Data might be missing."
LOGS_MISSING = "The action did not initialize or run as expected. Log data might be missing."
_INIT_BYTES_MOST = 64 * 1024
_ENDING_WAIT_S = 1.0
_TRIES_MOST = 3
_MARK_AGAIN_S = 0.5
"""A store that refused has a full disk or is locked; it is asked again as often."""


class ServiceReporter(Protocol):
    """Hears what an operator should know."""

    def ran(self, activation: Activation, *, kind: str, cold: bool, wait_ms: int) -> None: ...

    def not_provisioned(self, request: InvocationRequest, error: Exception) -> None: ...

    def crashed(self, request: InvocationRequest, error: Exception, /) -> None:
        """A bug: the activation is recorded as an internal error."""
        ...


class _Run(msgspec.Struct):
    """What is learnt of an activation while it runs."""

    kind: str
    start_ms: int
    started_s: float
    answer: Answer | None = None
    init_ms: int | None = None
    begun: bool = False
    """User code may have run."""
    logs: tuple[str, ...] = ()


class InvokerService:
    """Runs activations on the sandboxes of one machine."""

    def __init__(
        self,
        *,
        bus: ActivationBus,
        pool: Pool,
        code: CodeCache,
        kinds: Kinds,
        interpreters: dict[str, Interpreter],
        clock: Clock,
        reporter: ServiceReporter,
        marks: BeginMarks,
        result_bytes_most: int,
        queue_most: int,
    ) -> None:
        self._bus = bus
        self._pool = pool
        self._code = code
        self._jobs = Jobs(kinds, interpreters)
        self._clock = clock
        self._reporter = reporter
        self._marks = marks
        self._result_bytes_most = result_bytes_most
        self._queue_most = queue_most
        self._tasks = asyncio.TaskGroup()
        self._in_flight = 0
        self._interrupting = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for every activation; whoever closes the pool first ends them early."""
        await self._tasks.__aexit__(None, None, None)

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def handle(self, request: InvocationRequest) -> None:
        """Start an activation.

        Raises:
            UnavailableError: too many wait for a sandbox already.
        """
        if self._pool.waiting >= self._queue_most:
            raise UnavailableError
        self._in_flight += 1
        self._quiet.clear()
        if not self._start_warm(request):
            run = _Run(request.action.exec.kind, request.received_ms, self._clock.monotonic_s())
            self._tasks.create_task(self._serve(request, run, self._execute(request, run)), name=request.activation_id)

    async def drained(self) -> None:
        """Wait until no activation runs."""
        await self._quiet.wait()

    async def interrupt(self) -> None:
        """End what still runs; each is recorded as interrupted by the platform."""
        self._interrupting = True
        self._pool.abandon()
        await self._quiet.wait()

    def _start_warm(self, request: InvocationRequest) -> bool:
        """Run in a sandbox that is ready, without a task; False: there is none, or it is not so simple."""
        if self._interrupting or request.is_accepted or not isinstance(request.action.exec, CodeExec | ImageExec):
            return False  # what was accepted is marked before it begins, which takes a while
        try:
            job = self._jobs.of(request)
        except (NoInterpreterError, IoRuntimeError):
            return False  # the task meets it again, and makes it the activation's answer
        entry = self._pool.take_ready(job.want.owner)
        if entry is None:
            return False
        now_ms = self._clock.now_ms()
        run = _Run(job.kind, now_ms, self._clock.monotonic_s())
        entry.log.begin(request.activation_id, job.log_bytes)
        body = job.run_payload(request, now_ms=now_ms)
        done = partial(self._warm_ended, request, entry, run)
        if not entry.proxy.begin(b"/run", body, done, timeout_s=job.timeout_s, limit_bytes=self._result_bytes_most):
            entry.log.end(request.activation_id)
            self._pool.give_back(entry)
            return False
        return True

    def _warm_ended(self, request: InvocationRequest, entry: Entry, run: _Run, outcome: Outcome) -> None:
        """Take the answer where all is well; whatever needs to wait for something becomes a task."""
        try:
            is_over = self._take_answer(request, entry, run, outcome)
        except Exception as error:  # noqa: BLE001 - the task raises it again, and the reporter logs it
            rest = self._fail(entry, error)
        else:
            if is_over:
                self._pool.give_back(entry)
                self._end(request, run)
                return
            rest = self._conclude(request, entry, run, outcome)
        self._tasks.create_task(self._serve(request, run, rest), name=request.activation_id)

    def _take_answer(self, request: InvocationRequest, entry: Entry, run: _Run, outcome: Outcome) -> bool:
        if not isinstance(outcome, ProxyReply) or self._interrupting:
            return False
        answer = self._judge_run(request, outcome)
        if answer.spent or not entry.sandbox.drain_now():
            return False
        run.answer, run.logs = answer, entry.log.end(request.activation_id)
        return True

    def _judge_run(self, request: InvocationRequest, reply: ProxyReply) -> Answer:
        own = request.allowance
        if own is None:
            return judge_run(reply, limit_bytes=self._result_bytes_most)
        limit_bytes = min(own.result_bytes, self._result_bytes_most)
        return judge_run(reply, limit_bytes=limit_bytes, truncation_bytes=own.truncation_bytes)

    async def _conclude(self, request: InvocationRequest, entry: Entry, run: _Run, outcome: Outcome) -> None:
        """Do for an activation that began without a task what `_execute` does at the end."""
        with suppress(_SandboxSpentError):
            async with self._pool.returning(entry):
                await self._finish_in(entry, request, run, self._judged(entry, request, outcome))

    async def _fail(self, entry: Entry, error: Exception) -> None:
        async with self._pool.returning(entry):
            raise error

    async def _serve(self, request: InvocationRequest, run: _Run, work: Awaitable[None]) -> None:
        """See an activation to its record, however the work ends."""
        try:
            await work
        except ImageError as error:
            run.answer = Answer(Status.DEVELOPER_ERROR, error_result(str(error)))
        except (SandboxError, NoInterpreterError) as error:
            self._reporter.not_provisioned(request, error)
            run.answer = Answer(Status.WHISK_ERROR, error_result(NO_SANDBOX))
        except CodeError as error:
            run.answer = Answer(Status.DEVELOPER_ERROR, error_result(str(error)))
        except IoRuntimeError as error:
            self._reporter.not_provisioned(request, error)
            run.answer = Answer(Status.WHISK_ERROR, error_result(CODE_GONE))
        except Exception as error:  # noqa: BLE001 - the reporter logs it with its traceback
            self._reporter.crashed(request, error)
            run.answer = Answer(Status.WHISK_ERROR, error_result("There was an internal server error."))
        if self._interrupting and request.is_accepted and not run.begun:
            self._leave()  # it stays accepted, and the next start runs it
            return
        if self._interrupting and run.answer and (run.answer.spent or run.answer.status == Status.WHISK_ERROR):
            run.answer = Answer(Status.WHISK_ERROR, error_result(INTERRUPTED))
        self._end(request, run)

    def _end(self, request: InvocationRequest, run: _Run) -> None:
        activation = self._record(request, run)
        self._bus.answer(request, activation)
        wait_ms = max(0, run.start_ms - request.received_ms)
        self._reporter.ran(activation, kind=run.kind, cold=run.init_ms is not None, wait_ms=wait_ms)
        self._leave()

    def _leave(self) -> None:
        self._in_flight -= 1
        if self._in_flight == 0:
            self._quiet.set()

    async def _execute(self, request: InvocationRequest, run: _Run) -> None:
        job = self._jobs.of(request)
        run.kind = job.kind
        for attempt in range(1, _TRIES_MOST + 1):
            if self._interrupting:
                raise SandboxError("the platform stops")
            try:
                while not await self._tried(request, job, run):
                    await self._pause()
            except ProxyRefusedError as error:
                # The sandbox died while it was idle; nothing was sent to it, so another may run the activation.
                if attempt == _TRIES_MOST:
                    raise SandboxError(str(error)) from error
            except _SandboxSpentError:
                return
            else:
                return

    async def _tried(self, request: InvocationRequest, job: Job, run: _Run) -> bool:
        """Run it; False when the store does not let it begin, which gives the sandbox to others meanwhile."""
        async with self._pool.claim(job.want) as entry:
            if request.is_accepted and not run.begun:
                try:
                    await self._marks.begin((request.activation_id,))
                except UnavailableError:
                    return False
            run.begun = True
            await self._run_in(entry, request, job, run)
        return True

    async def _pause(self) -> None:
        """Wait before the store is asked again.

        Raises:
            SandboxError: the platform stops.
        """
        await asyncio.sleep(_MARK_AGAIN_S)
        if self._interrupting:
            raise SandboxError("the platform stops")

    async def _run_in(self, entry: Entry, request: InvocationRequest, job: Job, run: _Run) -> None:
        entry.log.begin(request.activation_id, job.log_bytes)
        if request.allowance is not None:
            entry.warm_count, entry.warm_s = request.allowance.warm_count, request.allowance.warm_s
        run.start_ms, run.started_s = self._clock.now_ms(), self._clock.monotonic_s()
        run.init_ms = None
        await self._finish_in(entry, request, run, self._answered(entry, request, job, run))

    async def _answered(self, entry: Entry, request: InvocationRequest, job: Job, run: _Run) -> Answer:
        return await self._initialise(entry, request, job, run) or await self._post_run(entry, request, job)

    async def _finish_in(self, entry: Entry, request: InvocationRequest, run: _Run, answer: Awaitable[Answer]) -> None:
        """Wait for the answer, then take in the logs.

        Raises:
            _SandboxSpentError: the activation has its answer, and the sandbox must go.
        """
        notes = [LOGS_LOST]
        try:
            run.answer = await answer
            notes = [LOGS_MISSING] if run.answer.status == Status.DEVELOPER_ERROR else []
            if not await _drained(entry):
                notes.append(LOGS_LOST)
        finally:
            run.logs = entry.log.end(request.activation_id, *notes)
        if run.answer.spent or LOGS_LOST in notes:
            raise _SandboxSpentError

    async def _initialise(self, entry: Entry, request: InvocationRequest, job: Job, run: _Run) -> Answer | None:
        """Initialise the sandbox unless somebody did; return the failure, None when it is ready."""
        if entry.initialised is not None:
            if not entry.initialised.done():
                await asyncio.wait((entry.initialised,))
            return _outcome(entry.initialised)
        entry.initialised = asyncio.get_running_loop().create_future()
        started_s = self._clock.monotonic_s()
        trouble: Exception | None = None
        try:
            failure = await self._post_init(entry, request, job)
            trouble = None if failure is None else _InitFailedError(failure)
        except BaseException as error:
            trouble = error if isinstance(error, Exception) else ProxyRefusedError("its sandbox could not be initialised")
            raise
        finally:
            run.init_ms = round((self._clock.monotonic_s() - started_s) * 1000)
            _settle(entry.initialised, trouble)
        return failure

    async def _post_init(self, entry: Entry, request: InvocationRequest, job: Job) -> Answer | None:
        source, directory = None, None
        if isinstance(job.exec, ImageExec) or job.want.spec.interpreter.framed:
            source = await self._code.inline(job.exec)
        elif job.exec.binary:
            await entry.sandbox.show_code(await self._code.unpacked(job.exec.code))
            directory = entry.sandbox.code_path
        else:
            source = await self._code.source(job.exec.code)
        body = init_payload(request, job.exec, source=source, directory=directory, now_ms=self._clock.now_ms())
        limits = request.action.limits
        try:
            reply = await entry.proxy.post(b"/init", body, timeout_s=limits.timeout_ms / 1000, limit_bytes=_INIT_BYTES_MOST)
        except TimeoutError:
            return timed_out(limits.timeout_ms, initialising=True)
        except ProxyRefusedError:
            raise
        except ProxyLostError:
            return lost(await _ending(entry), initialising=True)
        return judge_init(reply)

    async def _post_run(self, entry: Entry, request: InvocationRequest, job: Job) -> Answer:
        body = job.run_payload(request, now_ms=self._clock.now_ms())
        outcome: Outcome
        try:
            outcome = await entry.proxy.post(b"/run", body, timeout_s=job.timeout_s, limit_bytes=self._result_bytes_most)
        except ProxyRefusedError:
            raise
        except (TimeoutError, ProxyLostError) as error:
            outcome = error
        return await self._judged(entry, request, outcome)

    async def _judged(self, entry: Entry, request: InvocationRequest, outcome: Outcome) -> Answer:
        match outcome:
            case ProxyReply():
                return self._judge_run(request, outcome)
            case TimeoutError():
                return timed_out(request.action.limits.timeout_ms, initialising=False)
            case ProxyLostError():
                return lost(await _ending(entry), initialising=False)

    def _record(self, request: InvocationRequest, run: _Run) -> Activation:
        assert run.answer is not None
        annotations = (Annotation("kind", run.kind), Annotation("timeout", run.answer.timed_out))
        if run.init_ms is not None:
            annotations = (*annotations, Annotation("initTime", run.init_ms))
        return request.record(
            run.answer.status,
            run.answer.result,
            start_ms=run.start_ms,
            duration_ms=round((self._clock.monotonic_s() - run.started_s) * 1000),
            logs=run.logs,
            annotations=annotations,
        )


class _SandboxSpentError(Exception):
    """The activation has its answer, and the sandbox must go."""


class _InitFailedError(Exception):
    """What the fellows of a failed initialisation get: the same answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("initialisation failed")
        self.answer = answer


def _settle(initialised: asyncio.Future[None], trouble: Exception | None) -> None:
    if trouble is None:
        initialised.set_result(None)
    else:
        initialised.set_exception(trouble)
        initialised.exception()  # there may be no fellow to read it


def _outcome(initialised: asyncio.Future[None]) -> Answer | None:
    """Return what initialising ended with, or raise what it met: the same for all who waited."""
    try:
        return initialised.result()
    except _InitFailedError as error:
        return error.answer


async def _drained(entry: Entry) -> bool:
    """Take in the rest of the output; False when the sandbox is dead, and with it what it had not handed over."""
    try:
        await entry.sandbox.drain()
    except SandboxError:
        return False
    return True


async def _ending(entry: Entry) -> Ending:
    """Learn why a sandbox's connection broke; a runtime that only closed its socket has not ended."""
    try:
        async with asyncio.timeout(_ENDING_WAIT_S):
            return await entry.sandbox.ended()
    except TimeoutError:
        return Ending.EXITED
