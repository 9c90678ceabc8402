"""What is the same for every activation of an action: worked out once, and kept while the action stays as it is."""

from collections.abc import Mapping
from functools import cache

import msgspec

from ioruntime.invoker.pool import Want
from ioruntime.model.action import Action
from ioruntime.model.exec import CodeExec, ImageExec
from ioruntime.model.kinds import Kinds, NoInterpreterError
from ioruntime.model.limits import MEBIBYTE
from ioruntime.model.names import EntityPath
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.sandbox import Interpreter, Network, SandboxSpec

_JOBS_MOST = 10_000
_encode = msgspec.json.Encoder().encode


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """An action as one namespace runs it."""

    action: Action
    namespace: str
    binding: EntityPath | None
    api_key: str | None
    network: Network | None
    """What the operator lets the namespace reach; None: what all may."""
    exec: CodeExec | ImageExec
    kind: str
    """That runs it, whatever name of it the action uses."""
    want: Want
    timeout_s: float
    log_bytes: int
    run_fields: bytes
    """Members of `/run` that do not change, each with a comma behind it."""

    def run_payload(self, request: InvocationRequest, *, now_ms: int) -> bytes:
        """Encode `/run` (action proxy protocol, section 1.2); the arguments go in as the bytes they are."""
        return b'{"value":%b,%b"activation_id":"%b","transaction_id":%b,"deadline":"%d"}' % (
            request.arguments,
            self.run_fields,
            request.activation_id.encode(),
            _encode(request.transaction_id),
            now_ms + self.action.limits.timeout_ms,
        )


class Jobs:
    """Finds the job of a request."""

    def __init__(self, kinds: Kinds, interpreters: Mapping[str, Interpreter]) -> None:
        self._runs_as = cache(kinds.runs_as)
        self._interpreters = interpreters
        self._jobs: dict[tuple[int, str, EntityPath | None], Job] = {}

    def of(self, request: InvocationRequest) -> Job:
        """Return the job of a request.

        Raises:
            NoInterpreterError: nothing here runs its kind.
        """
        # An action lives as long as its job, so while a job is there, its address means no other action.
        key = (id(request.action), request.namespace, request.binding)
        job = self._jobs.get(key)
        if job is None or job.action is not request.action or job.api_key != request.api_key or job.network != request.network:
            if len(self._jobs) >= _JOBS_MOST:
                self._jobs.clear()
            job = self._jobs[key] = self._make(request)
        return job

    def _make(self, request: InvocationRequest) -> Job:
        action = request.action
        assert isinstance(action.exec, CodeExec | ImageExec)
        interpreter = self._interpreter(action.exec)
        spec = SandboxSpec(interpreter, action.limits.memory_mb, request.network)
        # Sentinels in the output do not tell whose end they mark, so it must be the one activation's that runs.
        capacity = 1 if interpreter.framed else action.limits.concurrency
        return Job(
            action=action,
            namespace=request.namespace,
            binding=request.binding,
            api_key=request.api_key,
            network=request.network,
            exec=action.exec,
            kind=interpreter.kind,
            want=Want(request.namespace, _owner_of(request), spec, capacity),
            timeout_s=action.limits.timeout_ms / 1000,
            log_bytes=action.limits.logs_mb * MEBIBYTE,
            run_fields=_run_fields(request),
        )

    def _interpreter(self, exec_: CodeExec | ImageExec) -> Interpreter:
        if isinstance(exec_, CodeExec):
            return self._interpreters[self._runs_as(exec_.kind)]
        if exec_.kind not in self._interpreters:
            raise NoInterpreterError(exec_.kind, "an engine for containers, by invoker.driver")
        return msgspec.structs.replace(self._interpreters[exec_.kind], image=exec_.image)


def _owner_of(request: InvocationRequest) -> str:
    """Name what a sandbox may serve; what a binding adds to the environment, or another network, makes it another thing."""
    action = request.action
    via = "" if request.binding is None else f" via {request.binding}"
    on = "" if request.network is None else f" on {request.network}"
    return f"{request.namespace}/{action.path}@{action.revision}{via}{on}"


def _run_fields(request: InvocationRequest) -> bytes:
    fields = {
        "namespace": request.namespace,
        "action_name": f"/{request.action.path}",
        "action_version": request.action.version,
    }
    if request.api_key is not None:
        fields["api_key"] = request.api_key
    return _encode(fields)[1:-1] + b","
