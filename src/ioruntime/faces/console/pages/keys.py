"""What a namespace may use, and the key that opens it."""

import msgspec

from ioruntime.faces.console.pages.targets import home
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.session import new_session
from ioruntime.faces.console.visit import Door
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.origin import origin
from ioruntime.model.limits import OVERRIDES, Bound, Limits, effective


class LimitRow(msgspec.Struct, frozen=True):
    """One limit, for people."""

    name: str
    """As the APIs have it."""
    value: str
    is_own: bool
    """Set for this namespace alone."""


class KeyPages:
    """Limits and keys."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._services = services
        self._namespaces = services.namespaces
        self._door = door
        self._renderer = renderer

    async def show_limits(self, call: Call) -> Reply:
        """Show a namespace's limits and its key."""
        visit = await self._door.visit(call)
        overrides = visit.identity.namespace.overrides
        allowed = effective(self._services.limits, overrides)
        return self._renderer.page(
            visit,
            "limits.html",
            place="limits",
            rows=[LimitRow(name, _value(allowed, name), name in overrides) for name in OVERRIDES],
            auth=str(visit.identity.namespace.auth),
            apihost=self._services.base_url or origin(call),
            rotated=call.query.get("rotated") == "1",
        )

    async def ask_rotate(self, call: Call) -> Reply:
        """Ask whether the key is really to be replaced."""
        visit = await self._door.visit(call)
        page = f"{home(visit.namespace)}/limits"
        return self._renderer.page(
            visit,
            "confirm.html",
            place="limits",
            title="Replace the key?",
            text="The old key is worth nothing at once: clients and sessions with it are refused until they have the new one.",
            button="Replace",
            target=f"{page}/rotate",
            back=page,
        )

    async def rotate_key(self, call: Call) -> Reply:
        """Give the namespace a new key; this session goes on with it."""
        visit = await self._door.submit(call)
        namespace = await self._namespaces.rotate_key(visit.identity.namespace.owner)
        target = f"{home(visit.namespace)}/limits?rotated=1"
        if not visit.session.auth:
            return see_other(target)
        return see_other(target, self._services.sessions.cookie(call, new_session(auth=str(namespace.auth))))


def _value(allowed: Limits, name: str) -> str:
    field, side = OVERRIDES[name]
    value = getattr(allowed, field)
    match value:
        case Bound():
            return f"{getattr(value, side):,}"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return ", ".join(value) or "all"
