"""What runs in this process's sandboxes writes this: for whoever follows it."""

from collections.abc import Iterator, Sequence

from ioruntime.invoker.logs import SandboxLog
from ioruntime.invoker.pool import Pool
from ioruntime.model.activation import ActivationId


class PoolLogs:
    """The `RunningLogs` of one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def lines(self, namespace: str, activation_id: ActivationId, *, after: int) -> Sequence[str] | None:
        """Return what an activation has written, without its first `after` lines."""
        for log in self._logs(namespace):
            if activation_id in log.running:
                return log.running[activation_id].written(after=after)
        return None

    def running(self, namespace: str) -> Sequence[ActivationId]:
        """Name the activations of a namespace that run now."""
        return [activation_id for log in self._logs(namespace) for activation_id in log.running]

    def _logs(self, namespace: str) -> Iterator[SandboxLog]:
        # A sandbox serves one namespace for its whole life; its owner begins with the name.
        prefix = f"{namespace}/"
        return (log for owner, log in self._pool.logs() if owner is not None and owner.startswith(prefix))
