"""Events: who publishes, who wants them, and for one registration its journal, attempts and dead letters."""

from ioruntime.faces.console.pages.targets import home
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.event import IntegrationStatus, Registration
from ioruntime.ports.events import Lane, Which

_SPANS = (("-PT1H", "the last hour"), ("-P1D", "the last day"), ("-P7D", "the last seven days"))
_ENTRIES = 50
_DEAD_MOST = 100


class EventPages:
    """The pages about events."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._services = services
        self._events = services.events
        self._registrations = services.events.registrations
        self._journal = services.events.journal
        self._door = door
        self._renderer = renderer

    async def list_events(self, call: Call) -> Reply:
        """List the providers of the organization and the registrations of the namespace."""
        visit = await self._door.visit(call)
        return self._renderer.page(
            visit,
            "events.html",
            place="events",
            providers=await self._events.providers.of_org(visit.identity.namespace.owner.org_id),
            registrations=await self._registrations.of_namespace(visit.namespace),
        )

    async def show_registration(self, call: Call) -> Reply:
        """Show a registration with its journal, its attempts and its dead letters."""
        visit = await self._door.visit(call)
        registration = await self._registration(visit)
        lane = Lane(visit.namespace, registration.registration_id)
        since = call.query.get("since")
        span = next((each for each, _ in _SPANS if each == call.query.get("span")), _SPANS[0][0])
        if since:
            page = await self._journal.page(lane, since, limit=_ENTRIES)
        else:
            page = await self._journal.sought(lane, span, limit=_ENTRIES)
        return self._renderer.page(
            visit,
            "registration.html",
            place="events",
            registration=registration,
            page=_page_of(visit, registration),
            entries=page.entries,
            next=page.next if len(page.entries) == _ENTRIES else None,
            span=span,
            spans=_SPANS,
            traces=await self._events.deliverer.ledger.traces(lane),
            dead=await self._events.store.dead_letters(lane, limit=_DEAD_MOST),
            replayed=call.query.get("replayed", ""),
        )

    async def replay(self, call: Call) -> Reply:
        """Deliver dead letters again: one, or all."""
        visit = await self._door.submit(call)
        registration = await self._registration(visit)
        lane = Lane(visit.namespace, registration.registration_id)
        now_ms = self._services.clock.now_ms()
        which = Which(event_id=visit.form.text("event") or None)
        count = await self._events.store.revive(lane, which, now_ms=now_ms)
        self._events.deliverer.wake({lane})
        return see_other(f"{_page_of(visit, registration)}?replayed={count}")

    async def switch(self, call: Call) -> Reply:
        """Switch delivery on or off."""
        visit = await self._door.submit(call)
        registration = await self._registration(visit)
        wanted = IntegrationStatus.ENABLED if visit.form.text("status") == "on" else IntegrationStatus.DISABLED
        await self._registrations.switch(visit.identity, registration.client_id, registration.registration_id, wanted.value)
        return see_other(_page_of(visit, registration))

    async def ask_delete(self, call: Call) -> Reply:
        """Ask whether a registration is really to be deleted."""
        visit = await self._door.visit(call)
        registration = await self._registration(visit)
        page = _page_of(visit, registration)
        return self._renderer.page(
            visit,
            "confirm.html",
            place="events",
            title=f"Delete the registration {registration.name}?",
            text="Its journal, its dead letters and what is still to be delivered are lost.",
            button="Delete",
            target=f"{page}/delete",
            back=page,
        )

    async def delete_registration(self, call: Call) -> Reply:
        """Delete a registration."""
        visit = await self._door.submit(call)
        await self._registrations.unregister(visit.identity, (await self._registration(visit)).registration_id)
        return see_other(f"{home(visit.namespace)}/events")

    async def _registration(self, visit: Visit) -> Registration:
        return await self._registrations.read(visit.namespace, visit.call.params["id"])


def _page_of(visit: Visit, registration: Registration) -> str:
    return f"{home(visit.namespace)}/events/{registration.registration_id}"
