"""Registrations over HTTP: lists and single ones of an integration, and the management API that keeps them.

The management API names a workspace by organization, project and workspace: the workspace is the integration, and the project
may be called anything.
"""

import re
from collections.abc import Sequence
from math import ceil

from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.faces.events.documents import hal, hal_list, registration_document
from ioruntime.faces.events.forms import RegistrationForm
from ioruntime.faces.events.gate import Gate
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.origin import origin
from ioruntime.model.errors import ForbiddenError, InvalidError, MalformedQueryError
from ioruntime.model.event import Registration
from ioruntime.ports.tokens import Claims

BODY_BYTES = 1024 * 1024
PAGE_DEFAULT = 10
_PAGE_MOST = 2500
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)


class RegistrationHandlers:
    """Handlers of `…/registrations`."""

    def __init__(self, registrations: Registrations, gate: Gate, base_url: str | None) -> None:
        self._registrations = registrations
        self._gate = gate
        self._base_url = base_url

    async def list_registrations(self, call: Call) -> Reply:
        """List the registrations of an integration, oldest first."""
        identity = await self._gate.identity(call)
        return self._list(call, await self._registrations.of_namespace(identity.name))

    async def list_of_organization(self, call: Call) -> Reply:
        """List the registrations of an organization that the token reaches, page by page."""
        claims, org_id = await organization(self._gate, call)
        everything = await self._registrations.of_org(org_id)
        reached = [each for each in everything if claims.reaches(org_id, each.owner.int_id)]
        number, size = _whole(call, "page", 0), _whole(call, "size", PAGE_DEFAULT)
        if not 1 <= size <= _PAGE_MOST:
            raise MalformedQueryError("size", f"The value '{size}' is not in the range of 1 to {_PAGE_MOST} for registrations.")
        pages = ceil(len(reached) / size)
        page = {"size": size, "number": number, "totalElements": len(reached), "totalPages": pages}
        return self._list(call, reached[number * size : (number + 1) * size], page=page)

    async def get_registration(self, call: Call) -> Reply:
        """Return a registration."""
        identity = await self._gate.identity(call)
        return self._reply(call, await self._registrations.read(identity.name, call.params["registrationId"]))

    async def create_registration(self, call: Call) -> Reply:
        """Create a registration."""
        identity = await self._gate.identity(call)
        form: RegistrationForm = await call.json(RegistrationForm, limit_bytes=BODY_BYTES)
        put = form.put(call.header(b"x-api-key") or "")
        return self._reply(call, await self._registrations.register(identity, put), status=201)

    async def update_registration(self, call: Call) -> Reply:
        """Replace a registration; `enabled` switches it, and left out changes nothing."""
        identity = await self._gate.identity(call)
        registration_id = call.params["registrationId"]
        form: RegistrationForm = await call.json(RegistrationForm, limit_bytes=BODY_BYTES)
        existing = await self._registrations.read(identity.name, registration_id)
        put = form.put(existing.client_id)
        if put.client_id != existing.client_id:
            raise InvalidError("The field 'client_id' is another than the registration's.")
        return self._reply(call, await self._registrations.change(identity, registration_id, put))

    async def delete_registration(self, call: Call) -> Reply:
        """Delete a registration with its journal."""
        identity = await self._gate.identity(call)
        await self._registrations.unregister(identity, call.params["registrationId"])
        return Reply.empty(204)

    def _reply(self, call: Call, registration: Registration, *, status: int = 200) -> Reply:
        return hal(registration_document(registration, self._base(call), call.params.get("projectId")), status)

    def _list(self, call: Call, registrations: Sequence[Registration], **others: object) -> Reply:
        base_url, project_id = self._base(call), call.params.get("projectId")
        documents = [registration_document(each, base_url, project_id) for each in registrations]
        return hal_list("registrations", documents, base_url + call.scope["path"], **others)

    def _base(self, call: Call) -> str:
        return self._base_url or origin(call)


async def organization(gate: Gate, call: Call) -> tuple[Claims, str]:
    """Return what the token says, and the path's organization, which it reaches.

    Raises:
        ForbiddenError: it does not.
        IoRuntimeError: as `Gate.holder`.
    """
    claims, org_id = await gate.holder(call), call.params["orgId"]
    if not claims.orgs & {org_id, "*"}:
        raise ForbiddenError.to(org_id)
    return claims, org_id


def _whole(call: Call, name: str, default: int) -> int:
    value = call.query.get(name)
    if not value:
        return default
    if not _WHOLE.fullmatch(value):
        raise MalformedQueryError(name, f"The value '{value}' is not an integer for registrations.")
    return int(value)
