"""Namespaces over HTTP, for whoever may administer an organization's integration.

A namespace that does not exist is 404 for GET, DELETE and reset; POST creates it, or answers the one that is there.
"""

from ioruntime.core.namespaces import Namespaces
from ioruntime.faces.adobe.audit import AdminChange, AuditLog
from ioruntime.faces.adobe.documents import namespace_document
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.identity import Namespace
from ioruntime.ports.tokens import Claims


class NamespaceHandlers:
    """Handlers of `/runtime/admin/namespaces`."""

    def __init__(self, namespaces: Namespaces, gatekeeper: Gatekeeper, audit: AuditLog) -> None:
        self._namespaces = namespaces
        self._audit = audit
        self._gatekeeper = gatekeeper

    async def get_namespace(self, call: Call) -> Reply:
        """Return the namespace of an organization's integration, and the key to it."""
        owner = await self._gatekeeper.administered(call)
        return Reply.json(namespace_document(await self._namespaces.read(owner)))

    async def create_namespace(self, call: Call) -> Reply:
        """Create the namespace, or return the one that is there."""
        claims, owner = await self._gatekeeper.administrator(call)
        return self._done(call, claims, "namespace asked for", await self._namespaces.create(owner))

    async def delete_namespace(self, call: Call) -> Reply:
        """Delete the namespace with everything in it, and show what it was."""
        claims, owner = await self._gatekeeper.administrator(call)
        return self._done(call, claims, "namespace deleted", await self._namespaces.delete(owner))

    async def reset_namespace(self, call: Call) -> Reply:
        """Give the namespace a new key; the old one is worth nothing at once, or after the operator's time of grace."""
        claims, owner = await self._gatekeeper.administrator(call)
        return self._done(call, claims, "key replaced", await self._namespaces.rotate_key(owner))

    def _done(self, call: Call, claims: Claims, what: str, namespace: Namespace) -> Reply:
        self._audit.changed(
            AdminChange(
                what=what,
                namespace=namespace.name,
                who=claims.subject,
                client=claims.client_id,
                transaction=call.transaction_id,
            )
        )
        return Reply.json(namespace_document(namespace))
