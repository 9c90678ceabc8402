"""What an operator's machinery asks: alive, ready, how much."""

from collections.abc import Callable

import msgspec

from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation

METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Readiness(msgspec.Struct, frozen=True):
    """Whether the platform takes work, and what it does without."""

    ready: bool
    degraded: tuple[str, ...] = ()
    """One sentence for each protection or part that this machine does not give."""


class PlatformServices(msgspec.Struct, frozen=True):
    """What this face shows."""

    readiness: Callable[[], Readiness]
    metrics: Callable[[], bytes]


def face(services: PlatformServices) -> Face:
    """Build the rows of the health and metrics endpoints."""

    async def ping(_: Call) -> Reply:
        """Tell that the server answers."""
        return Reply.text("pong")

    async def healthz(_: Call) -> Reply:
        """Tell that the process is alive."""
        return Reply.json({"status": "ok"})

    async def readyz(_: Call) -> Reply:
        """Tell whether the platform takes work, and what it does without."""
        readiness = services.readiness()
        return Reply.json(readiness, 200 if readiness.ready else 503)

    async def metrics(_: Call) -> Reply:
        """Show all metrics in Prometheus' text format."""
        return Reply(200, services.metrics(), METRICS_TYPE)

    rows = (("/ping", ping), ("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics))
    return Face(
        title="Operating",
        prefixes=("/",),
        operations=tuple(Operation(method="GET", path=path, handler=handler, security="none") for path, handler in rows),
    )
