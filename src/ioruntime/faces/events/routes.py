"""The I/O Events API: one row per operation."""

from typing import Any

from ioruntime.faces.events.documents import EventMetadataDocument, ProviderDocument, RegistrationDocument
from ioruntime.faces.events.errors import naming_conflicts
from ioruntime.faces.events.forms import EventMetadataForm, ProviderForm, RegistrationForm
from ioruntime.faces.events.management import PAGE_DEFAULT, RegistrationHandlers
from ioruntime.faces.events.providers import ProviderHandlers
from ioruntime.faces.events.services import EventServices
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import NOT_FOUND
from ioruntime.faces.http.operation import Handler, Method, Operation, QueryParameter
from ioruntime.model.errors import NotFoundError

PREFIX = "/events"
INTEGRATION = "/events/organizations/{orgId}/integrations/{intId}"
WORKSPACE = "/events/{orgId}/{projectId}/{intId}"
"""`intId` is what the management API calls the workspace."""
TITLE = "I/O Events API"

_API_KEY = QueryParameter("X-Api-Key", {"type": "string"}, "The client that the token was issued to.")
_EVENTS = QueryParameter("eventmetadata", {"type": "boolean", "default": False}, "True: with the sorts of event.")
_WHICH = (
    QueryParameter("providerMetadataId", {"type": "string"}, "Only providers of this sort."),
    QueryParameter("instanceId", {"type": "string"}, "Only the provider of this instance."),
)
_PAGE = (
    QueryParameter("page", {"type": "integer", "minimum": 0, "default": 0}, "Which page."),
    QueryParameter("size", {"type": "integer", "minimum": 1, "default": PAGE_DEFAULT}, "How many on a page."),
)
_REFUSALS: dict[str, tuple[int, ...]] = {"GET": (404,), "POST": (404, 409), "PUT": (404, 409), "DELETE": (404, 409)}


def face(services: EventServices) -> Face:
    """Build the rows of the I/O Events API."""

    async def unmatched(call: Call) -> Reply:
        await services.gate.holder(call)
        raise NotFoundError(NOT_FOUND)

    return Face(
        title=TITLE,
        prefixes=(PREFIX,),
        operations=(*_registrations(services), *_providers(services)),
        error_form=naming_conflicts(services.error_form),
        error=services.error,
        unmatched=unmatched,
    )


def _registrations(services: EventServices) -> tuple[Operation, ...]:
    handlers = RegistrationHandlers(services.registrations, services.gate, services.base_url)
    many, one, body = dict[str, Any], RegistrationDocument, RegistrationForm
    kept = f"{WORKSPACE}/registrations"
    return (
        _row("GET", f"{INTEGRATION}/registrations", handlers.list_registrations, answer=many),
        _row("GET", f"{INTEGRATION}/registrations/{{registrationId}}", handlers.get_registration, answer=one),
        _row("GET", "/events/{orgId}/registrations", handlers.list_of_organization, answer=many, query=_PAGE),
        _row("GET", kept, handlers.list_registrations, answer=many),
        _row("POST", kept, handlers.create_registration, answer=one, body=body, status=201),
        _row("GET", f"{kept}/{{registrationId}}", handlers.get_registration, answer=one),
        _row("PUT", f"{kept}/{{registrationId}}", handlers.update_registration, answer=one, body=body),
        _row("DELETE", f"{kept}/{{registrationId}}", handlers.delete_registration, status=204),
    )


def _providers(services: EventServices) -> tuple[Operation, ...]:
    handlers = ProviderHandlers(services.providers, services.gate, services.base_url)
    many, one, seen, kept = dict[str, Any], ProviderDocument, "/events/providers/{providerId}", f"{WORKSPACE}/providers"
    own = f"{kept}/{{providerId}}"
    event, body = EventMetadataDocument, EventMetadataForm
    return (
        _row("GET", "/events/providermetadata", handlers.list_sorts, answer=many),
        _row("GET", "/events/{orgId}/providers", handlers.list_providers, answer=many, query=(*_WHICH, _EVENTS)),
        _row("GET", seen, handlers.get_provider, answer=one, query=(_EVENTS,)),
        _row("GET", f"{seen}/eventmetadata", handlers.list_events, answer=many),
        _row("GET", f"{seen}/eventmetadata/{{eventCode}}", handlers.get_event, answer=event),
        _row("POST", kept, handlers.create_provider, answer=one, body=ProviderForm, status=201),
        _row("PUT", own, handlers.update_provider, answer=one, body=ProviderForm),
        _row("DELETE", own, handlers.delete_provider, status=204),
        _row("POST", f"{own}/eventmetadata", handlers.create_event, answer=event, body=body, status=201),
        _row("DELETE", f"{own}/eventmetadata", handlers.delete_events, status=204),
        _row("PUT", f"{own}/eventmetadata/{{eventCode}}", handlers.update_event, answer=event, body=body),
        _row("DELETE", f"{own}/eventmetadata/{{eventCode}}", handlers.delete_event, status=204),
    )


def _row(
    method: Method,
    path: str,
    handler: Handler,
    *,
    answer: object = None,
    body: object = None,
    query: tuple[QueryParameter, ...] = (),
    status: int = 200,
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handler=handler,
        answer=answer,
        body=body,
        query=query,
        status=status,
        headers=(_API_KEY,),
        other_statuses=_REFUSALS[method],
        security="bearer",
    )
