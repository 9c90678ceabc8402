"""Packages: the list, and one with its parameters and what is inside."""

import msgspec

from ioruntime.core.packages import PackagePut
from ioruntime.faces.console.pages import pairs
from ioruntime.faces.console.pages.actions import PAGE, whole
from ioruntime.faces.console.pages.targets import entity_of, home, page_of
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import InvalidError, IoRuntimeError
from ioruntime.model.names import EntityPath


class PackagePages:
    """The pages of packages."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._packages = services.packages
        self._door = door
        self._renderer = renderer

    async def list_packages(self, call: Call) -> Reply:
        """List the packages of a namespace."""
        return await self._list(await self._door.visit(call))

    async def create_package(self, call: Call) -> Reply:
        """Create a package, or a binding to one of another namespace."""
        visit = await self._door.submit(call)
        try:
            name = visit.form.text("name").strip()
            if not name:
                raise InvalidError("The package needs a name.")
            path = EntityPath.of(visit.namespace, name)
            await self._packages.put(visit.identity, path, PackagePut(binding=_binding(visit)), overwrite=False)
        except IoRuntimeError as error:
            return await self._list(visit, refusal=str(error))
        return see_other(f"{home(visit.namespace)}/packages/{path.name}")

    async def show_package(self, call: Call) -> Reply:
        """Show a package with what is inside."""
        return await self._show(await self._door.visit(call))

    async def save_package(self, call: Call) -> Reply:
        """Save a package's parameters and whether everybody may use it."""
        visit = await self._door.submit(call)
        put = PackagePut(parameters=pairs.read_parameters(visit.form), publish=visit.form.text("publish") == "yes")
        try:
            await self._packages.put(visit.identity, entity_of(visit), put, overwrite=True)
        except IoRuntimeError as error:
            return await self._show(visit, refusal=str(error))
        return see_other(f"{home(visit.namespace)}/packages/{entity_of(visit).name}?saved=1")

    async def ask_delete(self, call: Call) -> Reply:
        """Ask whether a package is really to be deleted, with what is inside."""
        visit = await self._door.visit(call)
        path = entity_of(visit)
        inside = await self._packages.actions(await self._packages.read(visit.identity, path))
        page = f"{home(visit.namespace)}/packages/{path.name}"
        what = "1 action" if len(inside) == 1 else f"{len(inside)} actions"
        return self._renderer.page(
            visit,
            "confirm.html",
            place="packages",
            title=f"Delete the package {path.name}?",
            text=f"With it go its parameters and the {what} inside." if inside else "Its parameters are lost.",
            button="Delete",
            target=f"{page}/delete",
            back=page,
        )

    async def delete_package(self, call: Call) -> Reply:
        """Delete a package with what is inside."""
        visit = await self._door.submit(call)
        await self._packages.delete(visit.identity, entity_of(visit), force=True)
        return see_other(f"{home(visit.namespace)}/packages")

    async def _list(self, visit: Visit, refusal: str | None = None) -> Reply:
        skip = whole(visit.call.query.get("skip", ""))
        return self._renderer.page(
            visit,
            "packages.html",
            status=200 if refusal is None else 422,
            place="packages",
            packages=await self._packages.list(visit.identity, visit.namespace, skip=skip, limit=PAGE),
            form=visit.form,
            skip=skip,
            step=PAGE,
            total=await self._packages.count(visit.identity, visit.namespace),
            refusal=refusal,
        )

    async def _show(self, visit: Visit, refusal: str | None = None) -> Reply:
        path = entity_of(visit)
        package = await self._packages.read(visit.identity, path)
        _, inside = await self._packages.view(visit.identity, path)
        return self._renderer.page(
            visit,
            "package.html",
            status=200 if refusal is None else 422,
            place="packages",
            package=package,
            page=f"{home(visit.namespace)}/packages/{path.name}",
            inside=[(each, page_of(EntityPath(path.namespace, each.path.name, path.name))) for each in inside[:PAGE]],
            more=max(0, len(inside) - PAGE),
            parameters=pairs.parameter_rows(package.parameters),
            saved=visit.call.query.get("saved") == "1",
            refusal=refusal,
        )


def _binding(visit: Visit) -> dict[str, str] | msgspec.UnsetType:
    text = visit.form.text("binding").strip()
    if not text:
        return msgspec.UNSET
    target = EntityPath.parse(text, own_namespace=visit.namespace)
    return {"namespace": target.namespace, "name": target.name}
