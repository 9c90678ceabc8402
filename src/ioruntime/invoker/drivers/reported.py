"""A driver that tells everything it found out about this machine, good news included."""

from typing import Protocol

from ioruntime.ports.sandbox import Feature, SandboxDriver


class ReportedDriver(SandboxDriver, Protocol):
    """What `ioruntime doctor` asks."""

    def report(self) -> tuple[Feature, ...]:
        """Every protection, and whether this machine gives it."""
        ...
