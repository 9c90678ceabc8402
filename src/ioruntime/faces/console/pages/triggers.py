"""Triggers: the list with what fires them next, and one with its schedule, its rules and a way to fire it."""

from typing import Any

import msgspec

from ioruntime.core.alarms.reading import upcoming_ms
from ioruntime.core.invocation import Accepted
from ioruntime.core.triggers import TriggerPut
from ioruntime.faces.console.pages import pairs
from ioruntime.faces.console.pages.actions import PAGE, whole
from ioruntime.faces.console.pages.targets import entity_of, home
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import InvalidError, IoRuntimeError
from ioruntime.model.names import SYSTEM_NAMESPACE, EntityPath
from ioruntime.model.params import Annotation, Arguments, read_arguments

_UPCOMING = 5
_FEED = "feed"
_PACKAGE = "alarms"


class TriggerPages:
    """The pages of triggers."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._services = services
        self._triggers = services.triggers
        self._door = door
        self._renderer = renderer

    async def list_triggers(self, call: Call) -> Reply:
        """List triggers with when each fires next."""
        return await self._list(await self._door.visit(call))

    async def create_trigger(self, call: Call) -> Reply:
        """Create a trigger, with a schedule if wanted."""
        visit = await self._door.submit(call)
        try:
            name = visit.form.text("name").strip()
            if not name:
                raise InvalidError("The trigger needs a name.")
            path = EntityPath.of(visit.namespace, name)
            await self._create(visit, path)
        except IoRuntimeError as error:
            return await self._list(visit, refusal=str(error))
        return see_other(f"{home(visit.namespace)}/triggers/{path.name}")

    async def show_trigger(self, call: Call) -> Reply:
        """Show one trigger."""
        return await self._show(await self._door.visit(call))

    async def fire_trigger(self, call: Call) -> Reply:
        """Fire a trigger, and lead to the record of it."""
        visit = await self._door.submit(call)
        try:
            payload = read_arguments(visit.form.text("payload").strip().encode())
            activation_id = await self._services.firing.fire(
                visit.identity, entity_of(visit), payload, headers={}, transaction_id=call.transaction_id
            )
        except IoRuntimeError as error:
            return await self._show(visit, refusal=str(error))
        if activation_id is None:
            return await self._show(visit, refusal="It has no active rule, so nothing was started.")
        return see_other(f"{home(visit.namespace)}/activations/{activation_id}")

    async def ask_delete(self, call: Call) -> Reply:
        """Ask whether a trigger is really to be deleted."""
        visit = await self._door.visit(call)
        path = entity_of(visit)
        page = f"{home(visit.namespace)}/triggers/{path.name}"
        return self._renderer.page(
            visit,
            "confirm.html",
            place="triggers",
            title=f"Delete the trigger {path.name}?",
            text="Its schedule ends. Its rules stay, and do nothing any more.",
            button="Delete",
            target=f"{page}/delete",
            back=page,
        )

    async def delete_trigger(self, call: Call) -> Reply:
        """Delete a trigger with its schedule."""
        visit = await self._door.submit(call)
        await self._triggers.delete(visit.identity, entity_of(visit))
        return see_other(f"{home(visit.namespace)}/triggers")

    async def _create(self, visit: Visit, path: EntityPath) -> None:
        feed, parameters = _schedule(visit)
        annotations = (Annotation(_FEED, f"/{SYSTEM_NAMESPACE}/{_PACKAGE}/{feed}"),) if feed else ()
        await self._triggers.put(visit.identity, path, TriggerPut(annotations=annotations), overwrite=False)
        if feed:
            refusal = await self._set_going(visit, path, feed, parameters)
            if refusal:
                await self._triggers.delete(visit.identity, path)
                raise InvalidError(refusal)

    async def _set_going(self, visit: Visit, path: EntityPath, feed: str, parameters: dict[str, Any]) -> str:
        """Ask the feed to fire the trigger, as every client does; return why it does not, or nothing."""
        given = {"lifecycleEvent": "CREATE", "triggerName": f"/{path}", "authKey": str(visit.identity.namespace.auth)}
        payload: Arguments = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in (given | parameters).items()}
        services = self._services
        resolved = await services.resolver.runnable(visit.identity, EntityPath(SYSTEM_NAMESPACE, feed, _PACKAGE))
        wait_ms = services.limits.blocking_wait_ms
        outcome = await services.invocations.invoke(
            visit.identity, resolved, payload, transaction_id=visit.call.transaction_id, wait_ms=wait_ms
        )
        if isinstance(outcome, Accepted) or outcome.success:
            return ""
        return str(msgspec.json.decode(outcome.result).get("error"))

    async def _list(self, visit: Visit, refusal: str | None = None) -> Reply:
        skip = whole(visit.call.query.get("skip", ""))
        found = await self._triggers.list(visit.identity, visit.namespace, skip=skip, limit=PAGE)
        rows = [(each, await self._services.alarms.of(each.path), await self._triggers.rules(each.path)) for each in found]
        return self._renderer.page(
            visit,
            "triggers.html",
            status=200 if refusal is None else 422,
            place="triggers",
            rows=rows,
            form=visit.form,
            skip=skip,
            step=PAGE,
            total=await self._triggers.count(visit.identity, visit.namespace),
            refusal=refusal,
        )

    async def _show(self, visit: Visit, refusal: str | None = None) -> Reply:
        trigger = await self._triggers.read(visit.identity, entity_of(visit))
        alarm = await self._services.alarms.of(trigger.path)
        return self._renderer.page(
            visit,
            "trigger.html",
            status=200 if refusal is None else 422,
            place="triggers",
            trigger=trigger,
            page=f"{home(visit.namespace)}/triggers/{trigger.path.name}",
            alarm=alarm,
            upcoming=upcoming_ms(alarm, most=_UPCOMING) if alarm else (),
            rules=await self._triggers.rules(trigger.path),
            parameters=pairs.parameter_rows(trigger.parameters),
            payload=visit.form.text("payload", "{}"),
            refusal=refusal,
        )


def _schedule(visit: Visit) -> tuple[str, dict[str, Any]]:
    """Return which feed of the alarms fires the trigger, and how; no feed when only events and people do."""
    form = visit.form
    match form.text("schedule"):
        case "interval":
            return "interval", {"minutes": form.whole("minutes", "The minutes")}
        case "cron":
            return "alarm", {"cron": form.text("cron").strip()}
        case _:
            return "", {}
