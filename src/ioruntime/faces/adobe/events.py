"""Event registrations over HTTP: register, update, switch, delete.

`X-Ams-Consumer-Id` and `X-Ams-Application-Id` say the path's organization and integration once more, and must. Every answer
is the whole registration, that of a deletion too; there is no operation here that lists or reads them (see `faces/events`).
"""

import msgspec

from ioruntime.core.events.registering.registration import RegistrationPut
from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import ForbiddenError, InvalidError
from ioruntime.model.event import EventOfInterest, Registration
from ioruntime.model.identity import Identity

_BODY_BYTES = 1024 * 1024


class EventForm(msgspec.Struct, frozen=True, kw_only=True):
    """A registration as clients send it; null and empty are as good as left out."""

    id: str | int | None = None
    name: str | None = None
    description: str | None = None
    client_id: str | None = None
    type: str | None = None
    integration_status: str | None = None
    delivery_type: str | None = None
    webhook_url: str | None = None
    events_of_interest: tuple[EventOfInterest, ...] | None = None
    runtime_action: str | None = None
    registration_id: str | None = None

    def put(self, client_id: str) -> RegistrationPut:
        """Say it in the core's words.

        Args:
            client_id: whose it is when the form does not say.
        """
        return RegistrationPut(
            id="" if self.id is None else str(self.id),
            name=self.name or "",
            description=self.description or "",
            client_id=self.client_id or client_id,
            type=self.type or "USER",
            status=self.integration_status or "",
            delivery_type=self.delivery_type or "WEBHOOK",
            webhook_url=self.webhook_url or "",
            events_of_interest=self.events_of_interest or (),
            runtime_action=self.runtime_action or "",
            registration_id=self.registration_id or "",
        )


class EventDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A registration; what it has not is empty."""

    id: str
    name: str
    description: str
    client_id: str
    type: str
    integration_status: str
    delivery_type: str
    webhook_url: str
    events_of_interest: tuple[EventOfInterest, ...]
    runtime_action: str
    registration_id: str


class EventHandlers:
    """Handlers of `/runtime/namespaces/{orgId}/{intId}/handleEvent…`."""

    def __init__(self, registrations: Registrations, gatekeeper: Gatekeeper) -> None:
        self._registrations = registrations
        self._gatekeeper = gatekeeper

    async def register_event(self, call: Call) -> Reply:
        """Register for events, and name the action or webhook that they go to."""
        identity = await self._identity(call)
        form: EventForm = await call.json(EventForm, limit_bytes=_BODY_BYTES)
        put = form.put(call.header(b"x-api-key") or "")
        return Reply.json(event_document(await self._registrations.register(identity, put)))

    async def update_event(self, call: Call) -> Reply:
        """Replace a registration; its ids stay, and its status unless the body has one."""
        identity = await self._identity(call)
        client_id = call.params["clientId"]
        form: EventForm = await call.json(EventForm, limit_bytes=_BODY_BYTES)
        put = form.put(client_id)
        if put.client_id != client_id:
            raise InvalidError("The field 'client_id' is another than the path's.")
        return Reply.json(event_document(await self._registrations.change(identity, call.params["registrationId"], put)))

    async def switch_event(self, call: Call) -> Reply:
        """Switch the delivery of a registration's events on (ENABLED) or off (DISABLED)."""
        identity = await self._identity(call)
        client_id, registration_id = call.params["clientId"], call.params["registrationId"]
        found = await self._registrations.switch(identity, client_id, registration_id, call.params["status"])
        return Reply.json(event_document(found))

    async def delete_event(self, call: Call) -> Reply:
        """Delete a registration, and show what it was."""
        identity = await self._identity(call)
        client_id, registration_id = call.params["clientId"], call.params["registrationId"]
        return Reply.json(event_document(await self._registrations.unregister(identity, registration_id, client_id=client_id)))

    async def _identity(self, call: Call) -> Identity:
        identity = await self._gatekeeper.identity(call)
        check_ams(call)
        return identity


def event_document(registration: Registration) -> EventDocument:
    """Describe a registration."""
    return EventDocument(
        id=registration.id,
        name=registration.name,
        description=registration.description,
        client_id=registration.client_id,
        type=registration.type,
        integration_status=registration.status,
        delivery_type=registration.delivery_type.upper(),
        webhook_url=registration.webhook_url or "",
        events_of_interest=registration.events_of_interest,
        runtime_action=registration.runtime_action or "",
        registration_id=registration.registration_id,
    )


def check_ams(call: Call) -> None:
    """Let pass a request whose headers say the same owner as its path.

    Raises:
        InvalidError: a header is missing.
        ForbiddenError: a header says another one.
    """
    for header, name in (("X-Ams-Consumer-Id", "orgId"), ("X-Ams-Application-Id", "intId")):
        value = call.header(header.lower().encode())
        if not value:
            raise InvalidError(f"The header '{header}' is required.")
        if value != call.params[name]:
            raise ForbiddenError(f"The header '{header}' is another than the path's {name}.")
