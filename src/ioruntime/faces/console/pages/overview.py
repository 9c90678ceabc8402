"""The first page of a namespace: what is in it, what ran last, how to use it from elsewhere."""

from ioruntime.faces.console.render import Renderer
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.origin import origin
from ioruntime.ports.activations import ActivationFilter

_RECENT = 8


class OverviewPages:
    """One page."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._services = services
        self._door = door
        self._renderer = renderer

    async def show_overview(self, call: Call) -> Reply:
        """Show what a namespace has and what ran last."""
        visit = await self._door.visit(call)
        services, identity, namespace = self._services, visit.identity, visit.namespace
        return self._renderer.page(
            visit,
            "overview.html",
            place="overview",
            actions=await services.catalog.count(identity, namespace, package=None),
            packages=await services.packages.count(identity, namespace),
            triggers=await services.triggers.count(identity, namespace),
            rules=await services.rules.count(identity, namespace),
            recent=await services.activations.list(ActivationFilter(namespace=namespace), skip=0, limit=_RECENT),
            apihost=services.base_url or origin(call),
        )
