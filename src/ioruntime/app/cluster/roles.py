"""Which services a process runs."""

from ioruntime.app.settings import Settings
from ioruntime.ports.fleet import Role


def roles_of(settings: Settings) -> frozenset[Role]:
    """Return what the process does: everything, or one thing of a cluster."""
    return frozenset(Role) if settings.role == "all" else frozenset({Role(settings.role)})


def label_of(settings: Settings) -> str:
    """Return how an operator knows the process."""
    return settings.name or f"{settings.role}-{settings.port}"
