"""Namespaces over HTTP, for whoever may administer an organization's integration.

A namespace that does not exist is 404 for GET, DELETE and reset; POST creates it, or answers the one that is there.
"""

from ioruntime.core.namespaces import Namespaces
from ioruntime.faces.adobe.documents import namespace_document
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.http.call import Call, Reply


class NamespaceHandlers:
    """Handlers of `/runtime/admin/namespaces`."""

    def __init__(self, namespaces: Namespaces, gatekeeper: Gatekeeper) -> None:
        self._namespaces = namespaces
        self._gatekeeper = gatekeeper

    async def get_namespace(self, call: Call) -> Reply:
        """Return the namespace of an organization's integration, and the key to it."""
        owner = await self._gatekeeper.administered(call)
        return Reply.json(namespace_document(await self._namespaces.read(owner)))

    async def create_namespace(self, call: Call) -> Reply:
        """Create the namespace, or return the one that is there."""
        owner = await self._gatekeeper.administered(call)
        return Reply.json(namespace_document(await self._namespaces.create(owner)))

    async def delete_namespace(self, call: Call) -> Reply:
        """Delete the namespace with everything in it, and show what it was."""
        owner = await self._gatekeeper.administered(call)
        return Reply.json(namespace_document(await self._namespaces.delete(owner)))

    async def reset_namespace(self, call: Call) -> Reply:
        """Give the namespace a new key; the old one is worth nothing at once, or after the operator's time of grace."""
        owner = await self._gatekeeper.administered(call)
        return Reply.json(namespace_document(await self._namespaces.rotate_key(owner)))
