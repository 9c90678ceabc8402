"""Charts of a namespace: rate, failures, latency, cold starts; by the minute, from its activations."""

from collections.abc import Sequence

from ioruntime.core.observing.statistics import MINUTES, Point
from ioruntime.faces.console.pages.actions import whole
from ioruntime.faces.console.pages.targets import home
from ioruntime.faces.console.render import Renderer
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door
from ioruntime.faces.http.call import Call, Reply

_SPANS = (30, 60, MINUTES)
_TABLE_ROWS = 30


class ChartPages:
    """The charts."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._statistics = services.statistics
        self._platform = services.platform
        self._door = door
        self._renderer = renderer

    async def show_charts(self, call: Call) -> Reply:
        """Show how it went in the last minutes."""
        visit = await self._door.visit(call)
        minutes = _span(call)
        points = await self._statistics.points(visit.namespace, minutes=minutes)
        mine = [each.state for each in self._platform().sandboxes if each.namespace == visit.namespace]
        return self._renderer.page(
            visit,
            "charts.html",
            place="charts",
            minutes=minutes,
            spans=_SPANS,
            total=sum(each.total for each in points),
            failed=sum(each.failed for each in points),
            cold=sum(each.cold for each in points),
            states={state: mine.count(state) for state in ("running", "idle", "paused")},
            source=f"{home(visit.namespace)}/charts/points?minutes={minutes}",
            rows=[each for each in reversed(points) if each.total][:_TABLE_ROWS],
        )

    async def send_points(self, call: Call) -> Reply:
        """Return what the charts draw, as JSON."""
        visit = await self._door.visit(call)
        points = await self._statistics.points(visit.namespace, minutes=_span(call))
        return Reply.json(series_of(points), headers=((b"cache-control", b"no-store"),))


def series_of(points: Sequence[Point]) -> dict[str, list[int | None]]:
    """Turn points into columns, as the charts want them (pure); the time in seconds."""
    return {
        "at": [each.at_ms // 1000 for each in points],
        "succeeded": [each.total - each.failed for each in points],
        "failed": [each.failed for each in points],
        "cold": [each.cold for each in points],
        "p50": [each.p50_ms for each in points],
        "p95": [each.p95_ms for each in points],
        "p99": [each.p99_ms for each in points],
    }


def _span(call: Call) -> int:
    minutes = whole(call.query.get("minutes", ""))
    return minutes if minutes in _SPANS else _SPANS[1]
