"""The actions of a namespace: the list, and making a new one."""

from ioruntime.core.catalog import ActionPut, ExecPut
from ioruntime.faces.console.form import Form
from ioruntime.faces.console.pages.pairs import web_of
from ioruntime.faces.console.pages.samples import sample
from ioruntime.faces.console.pages.targets import page_of
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import InvalidError, IoRuntimeError
from ioruntime.model.names import EntityPath

PAGE = 50
PACKAGES_MOST = 200
SEQUENCE = "sequence"


class ActionListPages:
    """The list, and the form for a new one."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._catalog = services.catalog
        self._packages = services.packages
        self._kinds = services.kinds
        self._door = door
        self._renderer = renderer

    async def list_actions(self, call: Call) -> Reply:
        """List the actions of a namespace, or of one package, newest first."""
        visit = await self._door.visit(call)
        package, skip = call.query.get("package") or None, whole(call.query.get("skip", ""))
        found = await self._catalog.list(visit.identity, visit.namespace, package=package, skip=skip, limit=PAGE)
        total = await self._catalog.count(visit.identity, visit.namespace, package=package)
        return self._renderer.page(
            visit,
            "actions.html",
            place="actions",
            actions=[(each, page_of(each.path), web_of(each.annotations)) for each in found],
            package=package,
            packages=await self._package_names(visit),
            skip=skip,
            step=PAGE,
            total=total,
        )

    async def ask_new(self, call: Call) -> Reply:
        """Ask what a new action is to be."""
        visit = await self._door.visit(call)
        return await self._ask(visit, Form({"package": [call.query.get("package", "")]}))

    async def create_action(self, call: Call) -> Reply:
        """Create an action with code to begin with, or a sequence."""
        visit = await self._door.submit(call)
        try:
            path = _path(visit)
            await self._catalog.put(visit.identity, path, ActionPut(exec=_exec(visit.form)), overwrite=False)
        except IoRuntimeError as error:
            return await self._ask(visit, visit.form, error)
        return see_other(page_of(path))

    async def _ask(self, visit: Visit, form: Form, refusal: Exception | None = None) -> Reply:
        return self._renderer.page(
            visit,
            "action_new.html",
            status=200 if refusal is None else 422,
            place="actions",
            form=form,
            packages=await self._package_names(visit),
            kinds=list(self._kinds.listed()),
            first=next((kind.name for kind in self._kinds.listed() if kind.default), ""),
            refusal=None if refusal is None else str(refusal),
        )

    async def _package_names(self, visit: Visit) -> list[str]:
        found = await self._packages.list(visit.identity, visit.namespace, skip=0, limit=PACKAGES_MOST)
        return sorted(each.path.name for each in found if each.binding is None)


def whole(text: str) -> int:
    """Return how much is skipped; nothing for what is no number."""
    return int(text) if text.isdecimal() and len(text) <= 9 else 0


def _path(visit: Visit) -> EntityPath:
    name, package = visit.form.text("name").strip(), visit.form.text("package")
    if not name:
        raise InvalidError("The action needs a name.")
    return EntityPath.of(visit.namespace, *([package] if package else []), name)


def _exec(form: Form) -> ExecPut:
    kind = form.text("kind")
    if kind == SEQUENCE:
        return ExecPut(kind=SEQUENCE, components=read_components(form))
    return ExecPut(kind=kind, code=form.text("code") or sample(kind))


def read_components(form: Form) -> tuple[str, ...]:
    """Read the components of a sequence, one a line; a name alone is one of the own namespace.

    Raises:
        InvalidError: there are none.
    """
    lines = [line.strip() for line in form.text("components").splitlines() if line.strip()]
    if not lines:
        raise InvalidError("A sequence needs at least one action, one a line.")
    return tuple(line if line.startswith("/") else f"/_/{line}" for line in lines)
