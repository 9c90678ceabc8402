"""The I/O Runtime API: one row per operation."""

from functools import cache
from typing import Any

import msgspec

from ioruntime.faces.adobe.actions import ActionHandlers
from ioruntime.faces.adobe.documents import AcceptedDocument, ActionDocument, ActivationDocument, NamespaceDocument
from ioruntime.faces.adobe.errors import GatewayError, gateway_form
from ioruntime.faces.adobe.events import EventDocument, EventForm, EventHandlers
from ioruntime.faces.adobe.forms import ActionForm
from ioruntime.faces.adobe.gatekeeper import Gatekeeper
from ioruntime.faces.adobe.namespaces import NamespaceHandlers
from ioruntime.faces.adobe.services import AdobeServices
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import NOT_FOUND
from ioruntime.faces.http.openapi import Section, document
from ioruntime.faces.http.operation import Handler, Method, Operation, QueryParameter
from ioruntime.model.errors import NotFoundError

API_VERSION = "1"
PREFIXES = ("/runtime/admin", "/runtime/namespaces", "/runtime/system")
ADMIN = "/runtime/admin/namespaces/{orgId}/{intId}"
ACTIONS = "/runtime/namespaces/{orgId}/{intId}/actions"
NAMESPACE = "/runtime/namespaces/{orgId}/{intId}"
SYSTEM_ACTIONS = "/runtime/system/actions"
OPENAPI = "/runtime/openapi.json"
API_DOCS = "/runtime/api-docs"
TITLE = "I/O Runtime API"

_API_KEY = QueryParameter("X-Api-Key", {"type": "string"}, "The client that the token was issued to.")
_BLOCKING = QueryParameter("blocking", {"type": "boolean", "default": True}, "False: do not wait for the outcome.")
_AMS = (
    QueryParameter("X-Ams-Consumer-Id", {"type": "string"}, "The path's organization once more."),
    QueryParameter("X-Ams-Application-Id", {"type": "string"}, "The path's integration once more."),
)
_REFUSALS: dict[Method, tuple[int, ...]] = {"GET": (404,), "POST": (404, 409), "PUT": (404, 409), "DELETE": (404, 409)}
_PAGE = (
    QueryParameter("limit", {"type": "integer", "minimum": 0}, "How many at most; all, when it is left out."),
    QueryParameter("skip", {"type": "integer", "minimum": 0}, "How many to leave out first."),
)


def face(services: AdobeServices) -> Face:
    """Build the rows of the I/O Runtime API."""
    gatekeeper = Gatekeeper(services.authenticator)

    async def unmatched(call: Call) -> Reply:
        await gatekeeper.holder(call)
        raise NotFoundError(NOT_FOUND)

    operations = (*_namespaces(services, gatekeeper), *_actions(services, gatekeeper), *_events(services, gatekeeper))
    return Face(
        title=TITLE,
        source=OPENAPI,
        prefixes=PREFIXES,
        operations=(*operations, *_api_docs(operations)),
        error_form=gateway_form,
        error=GatewayError,
        unmatched=unmatched,
    )


def _namespaces(services: AdobeServices, gatekeeper: Gatekeeper) -> tuple[Operation, ...]:
    handlers = NamespaceHandlers(services.namespaces, gatekeeper, services.audit)
    return (
        _row("GET", ADMIN, handlers.get_namespace, answer=NamespaceDocument),
        _row("POST", ADMIN, handlers.create_namespace, answer=NamespaceDocument),
        _row("DELETE", ADMIN, handlers.delete_namespace, answer=NamespaceDocument),
        _row("POST", f"{ADMIN}/reset", handlers.reset_namespace, answer=NamespaceDocument),
    )


def _actions(services: AdobeServices, gatekeeper: Gatekeeper) -> tuple[Operation, ...]:
    handlers = ActionHandlers(services, gatekeeper)
    return (
        _row("GET", ACTIONS, handlers.list_actions, answer=list[ActionDocument], query=_PAGE),
        _row("POST", ACTIONS, handlers.create_action, answer=ActionDocument, body=ActionForm),
        *_action(handlers, f"{ACTIONS}/{{name}}"),
        *_action(handlers, f"{ACTIONS}/{{package}}/{{name}}"),
        _row("GET", SYSTEM_ACTIONS, handlers.list_system_actions, answer=list[ActionDocument], query=_PAGE),
    )


def _action(handlers: ActionHandlers, path: str) -> tuple[Operation, ...]:
    return (
        _row("GET", path, handlers.get_action, answer=ActionDocument),
        Operation(
            method="POST",
            path=path,
            handler=handlers.execute_action,
            answer=ActivationDocument,
            body=dict[str, Any],
            body_required=False,
            query=(_BLOCKING,),
            headers=(_API_KEY,),
            other_answers=((202, AcceptedDocument), (502, ActivationDocument)),
            other_statuses=(404, 429),
            security="bearer",
        ),
        _row("PUT", path, handlers.update_action, answer=ActionDocument, body=ActionForm),
        _row("DELETE", path, handlers.delete_action, answer=ActionDocument),
    )


def _events(services: AdobeServices, gatekeeper: Gatekeeper) -> tuple[Operation, ...]:
    handlers = EventHandlers(services.registrations, gatekeeper)
    registration = "{clientId}/{registrationId}"
    rows = (
        _row("POST", f"{NAMESPACE}/handleEventRegistration", handlers.register_event, answer=EventDocument, body=EventForm),
        _row("PUT", f"{NAMESPACE}/handleEventUpdate/{registration}", handlers.update_event, answer=EventDocument, body=EventForm),
        _row("POST", f"{NAMESPACE}/handleEventStatus/{registration}/{{status}}", handlers.switch_event, answer=EventDocument),
        _row("DELETE", f"{NAMESPACE}/handleEventDeletion/{registration}", handlers.delete_event, answer=EventDocument),
    )
    return tuple(msgspec.structs.replace(row, headers=(*row.headers, *_AMS)) for row in rows)


def _api_docs(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    @cache
    def written() -> Reply:
        sections = [Section(operations, error=GatewayError)]
        return Reply.json(document(title=TITLE, version=API_VERSION, sections=sections))

    async def api_docs(_: Call) -> Reply:
        """Describe this API in OpenAPI's form."""
        return written()

    return (
        Operation(method="GET", path=OPENAPI, handler=api_docs, security="none"),
        Operation(method="GET", path=API_DOCS, handler=api_docs, security="none", hidden=True),
    )


def _row(
    method: Method, path: str, handler: Handler, *, answer: object, body: object = None, query: tuple[QueryParameter, ...] = ()
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handler=handler,
        answer=answer,
        body=body,
        query=query,
        headers=(_API_KEY,),
        other_statuses=_REFUSALS[method],
        security="bearer",
    )
