"""Packages over HTTP: create, update, read, delete, list."""

from ioruntime.core.entitlement import check_own
from ioruntime.core.packages import PackagePut
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.paging import flag, read_page
from ioruntime.faces.rest.documents import package_contents, package_document, package_row
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import namespace_of, package_path


class PackageHandlers:
    """Handlers of the `packages` collection."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._packages = services.packages
        self._limits = services.limits

    async def list_packages(self, call: Call) -> Reply:
        """List packages, newest first; of another namespace only what is public."""
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        page = read_page(call, "packages", self._limits)
        if page.count:
            return Reply.json({"packages": max(0, await self._packages.count(identity, namespace) - page.skip)})
        packages = await self._packages.list(identity, namespace, skip=page.skip, limit=page.limit)
        return Reply.json([package_row(package) for package in packages])

    async def put_package(self, call: Call) -> Reply:
        """Create a package, or update it with `overwrite=true`."""
        identity = await self._identify(call)
        path = package_path(call, identity)
        check_own(identity, path)
        overwrite = flag(call, "overwrite")
        put: PackagePut = await call.json(PackagePut)
        return Reply.json(package_document(await self._packages.put(identity, path, put, overwrite=overwrite)))

    async def get_package(self, call: Call) -> Reply:
        """Read a package, with the names of the actions inside."""
        identity = await self._identify(call)
        package, actions = await self._packages.view(identity, package_path(call, identity))
        return Reply.json(package_contents(package, list(actions)))

    async def delete_package(self, call: Call) -> Reply:
        """Delete an empty package, or with `force=true` one with everything inside; show what it was."""
        identity = await self._identify(call)
        path = package_path(call, identity)
        check_own(identity, path)
        return Reply.json(package_document(await self._packages.delete(identity, path, force=flag(call, "force"))))
