"""Triggers over HTTP: create, update, read, delete, list, fire."""

from collections.abc import Sequence

from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.triggers import TriggerPut
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation, QueryParameter
from ioruntime.faces.http.paging import flag, read_page
from ioruntime.faces.rest.actions import read_payload
from ioruntime.faces.rest.documents import AcceptedDocument
from ioruntime.faces.rest.documents_triggers import TriggerDocument, TriggerRow, trigger_document, trigger_row
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import entity_path, namespace_of
from ioruntime.model.limits import limits_of
from ioruntime.model.params import Arguments

_KEPT_BACK = frozenset({"authorization", "x-api-key"})
"""Credentials: the action of a rule may be somebody else's."""


class TriggerHandlers:
    """Handlers of the `triggers` collection."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._triggers = services.triggers
        self._firing = services.firing
        self._limits = services.limits

    async def list_triggers(self, call: Call) -> Reply:
        """List the triggers of the namespace, newest first."""
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        check_namespace(identity, namespace)
        page = read_page(call, "triggers", self._limits)
        if page.count:
            return Reply.json({"triggers": max(0, await self._triggers.count(identity, namespace) - page.skip)})
        triggers = await self._triggers.list(identity, namespace, skip=page.skip, limit=page.limit)
        return Reply.json([trigger_row(trigger) for trigger in triggers])

    async def put_trigger(self, call: Call) -> Reply:
        """Create a trigger, or update it with `overwrite=true`."""
        identity = await self._identify(call)
        path = entity_path(call, identity)
        check_own(identity, path)
        overwrite = flag(call, "overwrite")
        put: TriggerPut = await call.json(TriggerPut)
        trigger = await self._triggers.put(identity, path, put, overwrite=overwrite)
        return Reply.json(trigger_document(trigger, await self._triggers.rules(path)))

    async def get_trigger(self, call: Call) -> Reply:
        """Read a trigger, with its rules."""
        identity = await self._identify(call)
        path = entity_path(call, identity)
        trigger = await self._triggers.read(identity, path)
        return Reply.json(trigger_document(trigger, await self._triggers.rules(path)))

    async def delete_trigger(self, call: Call) -> Reply:
        """Delete a trigger and show what it was; its rules stay, inactive."""
        identity = await self._identify(call)
        trigger = await self._triggers.delete(identity, entity_path(call, identity))
        return Reply.json(trigger_document(trigger, ()))

    async def fire_trigger(self, call: Call) -> Reply:
        """Fire a trigger with a JSON object, or with nothing: the actions of its active rules start."""
        identity = await self._identify(call)
        path = entity_path(call, identity)
        check_own(identity, path)
        payload = await read_payload(call, limits_of(self._limits, identity.namespace.overrides).payload_bytes)
        activation_id = await self._firing.fire(
            identity, path, payload, headers=_headers(call), transaction_id=call.transaction_id
        )
        if activation_id is None:
            return Reply.empty(204)
        headers = ((b"x-openwhisk-activation-id", activation_id.encode()),)
        return Reply.json(AcceptedDocument(activation_id), 202, headers)


def _headers(call: Call) -> dict[str, str]:
    """Return the request's headers but its credentials; of a repeated one the last."""
    decoded = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in call.scope["headers"])
    return {name: value for name, value in decoded if name not in _KEPT_BACK}


def trigger_rows(at: str, triggers: TriggerHandlers, paging: Sequence[QueryParameter]) -> tuple[Operation, ...]:
    """Rows of the collection at this path."""
    one, gone = f"{at}/{{name}}", (404, 409)
    rows = (list[TriggerRow], dict[str, int])
    overwrite = QueryParameter("overwrite", {"type": "boolean", "default": False})
    return (
        Operation(method="GET", path=f"{at}[/]", handler=triggers.list_triggers, answer=rows, query=tuple(paging)),
        Operation(
            method="PUT",
            path=one,
            handler=triggers.put_trigger,
            body=TriggerPut,
            query=(overwrite,),
            answer=TriggerDocument,
            other_statuses=gone,
        ),
        Operation(method="GET", path=one, handler=triggers.get_trigger, answer=TriggerDocument, other_statuses=gone),
        Operation(method="DELETE", path=one, handler=triggers.delete_trigger, answer=TriggerDocument, other_statuses=gone),
        Operation(
            method="POST",
            path=one,
            handler=triggers.fire_trigger,
            body=Arguments,
            body_required=False,
            answer=AcceptedDocument,
            status=202,
            other_answers=((204, None),),
            other_statuses=(404, 409, 429),
        ),
    )
