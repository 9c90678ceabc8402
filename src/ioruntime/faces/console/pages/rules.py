"""Rules: as a picture and as a list; made, switched and deleted."""

from ioruntime.core.rules import RulePut
from ioruntime.faces.console.pages.picture import picture_of
from ioruntime.faces.console.pages.targets import entity_of, home
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import InvalidError, IoRuntimeError
from ioruntime.model.names import EntityPath
from ioruntime.model.trigger import RuleStatus

SHOWN_MOST = 200


class RulePages:
    """The pages of rules."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._rules = services.rules
        self._triggers = services.triggers
        self._catalog = services.catalog
        self._door = door
        self._renderer = renderer

    async def list_rules(self, call: Call) -> Reply:
        """Show the rules of a namespace as a picture and as a list."""
        return await self._list(await self._door.visit(call))

    async def create_rule(self, call: Call) -> Reply:
        """Create an active rule."""
        visit = await self._door.submit(call)
        form = visit.form
        try:
            name, action = form.text("name").strip(), form.text("action").strip()
            if not name or not action:
                raise InvalidError("The rule needs a name and an action.")
            put = RulePut(
                trigger=f"/{visit.namespace}/{form.text('trigger')}",
                action=action if action.startswith("/") else f"/{visit.namespace}/{action}",
            )
            await self._rules.put(visit.identity, EntityPath.of(visit.namespace, name), put, overwrite=False)
        except IoRuntimeError as error:
            return await self._list(visit, refusal=str(error))
        return see_other(f"{home(visit.namespace)}/rules")

    async def switch_rule(self, call: Call) -> Reply:
        """Switch a rule on or off."""
        visit = await self._door.submit(call)
        status = RuleStatus.ACTIVE if visit.form.text("status") == RuleStatus.ACTIVE else RuleStatus.INACTIVE
        await self._rules.set_status(visit.identity, entity_of(visit), status)
        return see_other(f"{home(visit.namespace)}/rules")

    async def ask_delete(self, call: Call) -> Reply:
        """Ask whether a rule is really to be deleted."""
        visit = await self._door.visit(call)
        path = entity_of(visit)
        page = f"{home(visit.namespace)}/rules"
        return self._renderer.page(
            visit,
            "confirm.html",
            place="rules",
            title=f"Delete the rule {path.name}?",
            text="The trigger does not start the action any more. Both stay.",
            button="Delete",
            target=f"{page}/{path.name}/delete",
            back=page,
        )

    async def delete_rule(self, call: Call) -> Reply:
        """Delete a rule."""
        visit = await self._door.submit(call)
        await self._rules.delete(visit.identity, entity_of(visit))
        return see_other(f"{home(visit.namespace)}/rules")

    async def _list(self, visit: Visit, refusal: str | None = None) -> Reply:
        rules = await self._rules.list(visit.identity, visit.namespace, skip=0, limit=SHOWN_MOST)
        triggers = await self._triggers.list(visit.identity, visit.namespace, skip=0, limit=SHOWN_MOST)
        actions = await self._catalog.list(visit.identity, visit.namespace, package=None, skip=0, limit=SHOWN_MOST)
        return self._renderer.page(
            visit,
            "rules.html",
            status=200 if refusal is None else 422,
            place="rules",
            rules=rules,
            picture=picture_of(rules, visit.namespace),
            triggers=sorted(each.path.name for each in triggers),
            actions=sorted(each.path.key for each in actions),
            total=await self._rules.count(visit.identity, visit.namespace),
            form=visit.form,
            refusal=refusal,
        )
