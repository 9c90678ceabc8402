"""The driver of a process that runs no actions."""

from ioruntime.ports.sandbox import OutputSink, Sandbox, SandboxError, SandboxSpec


class NoDriver:
    """A `SandboxDriver` that starts nothing."""

    @property
    def name(self) -> str:
        return "on invokers"

    def degradations(self) -> tuple[str, ...]:
        return ()

    async def start(self, spec: SandboxSpec, output: OutputSink) -> Sandbox:  # noqa: ARG002 - nothing is started
        """Refuse."""
        raise SandboxError("This process has no role that runs actions.")

    async def close(self) -> None:
        """Hold nothing."""
