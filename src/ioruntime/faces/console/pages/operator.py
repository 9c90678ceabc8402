"""The platform as a whole, for operators: invokers, sandboxes, queues, the store, namespaces."""

from collections import Counter
from urllib.parse import quote

from ioruntime.faces.console.render import Renderer
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, is_operator
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import ForbiddenError

_STATES = ("starting", "prewarm", "running", "idle", "paused", "stopping")
_SHOWN_MOST = 500


class OperatorPages:
    """One page."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._services = services
        self._door = door
        self._renderer = renderer

    async def show_platform(self, call: Call) -> Reply:
        """Show what the platform has and does; for whoever administers all of it."""
        session = self._services.sessions.read(call)
        if not is_operator(await self._door.claims(session)):
            raise ForbiddenError("This page needs a token with the scope admin that reaches every organization and integration.")
        platform = self._services.platform()
        namespaces = await self._services.namespaces.list()
        by_kind: dict[str, Counter[str]] = {}
        for each in platform.sandboxes:
            by_kind.setdefault(each.kind, Counter())[each.state] += 1
        return self._renderer.bare(
            call,
            session,
            "operator.html",
            platform=platform,
            states=_STATES,
            by_kind=sorted(by_kind.items()),
            sandboxes_mb=sum(each.memory_mb for each in platform.sandboxes),
            namespaces=[(each, f"/console/ns/{quote(each.name, safe='')}") for each in namespaces[:_SHOWN_MOST]],
            total=len(namespaces),
        )
