"""Actions over HTTP: create, update, read, delete, list, invoke."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgspec

from ioruntime.core.catalog import ActionPut, hides_code
from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.invocation import EXTRA_LOGGING, Accepted, Outcome
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import NOT_FOUND
from ioruntime.faces.http.express import Freshness, InvokeRecipe
from ioruntime.faces.http.paging import flag, read_page
from ioruntime.faces.rest.documents import AcceptedDocument, action_document, action_row, activation_document
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import action_path, namespace_of
from ioruntime.model.activation import Activation, Status
from ioruntime.model.errors import (
    CorruptError,
    ForbiddenError,
    InvalidError,
    MalformedBodyError,
    MalformedQueryError,
    NotFoundError,
)
from ioruntime.model.identity import Identity
from ioruntime.model.limits import limits_of
from ioruntime.model.params import Arguments, read_arguments

_STATUS = {Status.SUCCESS: 200, Status.APPLICATION_ERROR: 502, Status.DEVELOPER_ERROR: 502, Status.WHISK_ERROR: 500}
_EXTRA_LOGGING = EXTRA_LOGGING.encode()
_TIMEOUT = re.compile(r"[0-9]{1,9}", re.ASCII)
_encode: Callable[[object], bytes] = msgspec.json.Encoder().encode


class ActionHandlers:
    """Handlers of the `actions` collection."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._authenticator = services.authenticator
        self._catalog = services.catalog
        self._resolver = services.resolver
        self._invocations = services.invocations
        self._limits = services.limits

    async def list_actions(self, call: Call) -> Reply:
        """List the actions of the namespace, newest first."""
        return await self._list(call, await self._identify(call), package=None)

    async def list_package_actions(self, call: Call) -> Reply:
        """List the actions of a package, newest first."""
        return await self._list(call, await self._identify(call), package=call.params["package"])

    async def put_action(self, call: Call) -> Reply:
        """Create an action, or update it with `overwrite=true`."""
        identity = await self._identify(call)
        path = action_path(call, identity)
        check_own(identity, path)
        overwrite = flag(call, "overwrite")
        put: ActionPut = await call.json(ActionPut)
        action = await self._catalog.put(identity, path, put, overwrite=overwrite)
        return Reply.json(action_document(action, await self._catalog.code(action)))

    async def get_action(self, call: Call) -> Reply:
        """Read an action, with the parameters of its package merged in."""
        identity = await self._identify(call)
        path = action_path(call, identity)
        with_code = flag(call, "code", default=True)
        action = await self._catalog.read(identity, path)
        if with_code and "code" in call.query and hides_code(action):
            raise ForbiddenError(
                f"The code of the action '{action.path}' cannot be read: it has the annotation disable-download."
            )
        return Reply.json(action_document(action, await self._catalog.code(action) if with_code else None))

    async def delete_action(self, call: Call) -> Reply:
        """Delete an action and show what it was."""
        identity = await self._identify(call)
        action = await self._catalog.delete(identity, action_path(call, identity))
        code = None
        with suppress(NotFoundError, CorruptError):  # it is deleted, whatever became of its code
            code = await self._catalog.code(action)
        return Reply.json(action_document(action, code))

    async def delete_nothing(self, call: Call) -> Reply:
        """Refuse: a package is not deleted here."""
        await self._identify(call)
        raise NotFoundError(NOT_FOUND)

    async def invoke_action(self, call: Call) -> Reply:
        """Invoke an action with a JSON object, or with nothing."""
        freshness = Freshness.now(self._authenticator, self._resolver)
        identity = await self._identify(call)
        resolved = await self._resolver.runnable(identity, action_path(call, identity))
        wait_ms, result_only = _wait_ms(call, self._limits.blocking_wait_ms), flag(call, "result")
        payload_bytes = limits_of(self._limits, identity.namespace.overrides).payload_bytes
        payload, keep = await read_payload(call, payload_bytes), call.header(_EXTRA_LOGGING) == "on"
        outcome = await self._invocations.invoke(
            identity, resolved, payload, transaction_id=call.transaction_id, wait_ms=wait_ms, keep=keep
        )
        show = partial(outcome_reply, result_only=result_only)
        if wait_ms is not None:
            call.recipe = InvokeRecipe(
                invocations=self._invocations,
                freshness=freshness,
                identity=identity,
                resolved=resolved,
                wait_ms=wait_ms,
                payload_bytes=payload_bytes,
                show=show,
                keep=keep,
            )
        return show(outcome)

    async def _list(self, call: Call, identity: Identity, *, package: str | None) -> Reply:
        namespace = namespace_of(call, identity)
        if package is None:
            check_namespace(identity, namespace)
        page = read_page(call, "actions", self._limits)
        if page.count:
            count = await self._catalog.count(identity, namespace, package=package)
            return Reply.json({"actions": max(0, count - page.skip)})
        actions = await self._catalog.list(identity, namespace, package=package, skip=page.skip, limit=page.limit)
        return Reply.json([action_row(action) for action in actions])


def outcome_reply(outcome: Outcome, *, result_only: bool) -> Reply:
    """Answer with the record, the bare result, or the id of what goes on. A result that is an array always goes bare."""
    headers = ((b"x-openwhisk-activation-id", outcome.activation_id.encode()),)
    if isinstance(outcome, Accepted):
        return Reply.json(AcceptedDocument(outcome.activation_id), 202, headers)
    bare = result_only or _is_array(outcome)
    body = bytes(outcome.result) if bare else _encode(activation_document(outcome, logs=()))
    return Reply(_STATUS[outcome.status], body, headers=headers)


def _is_array(activation: Activation) -> bool:
    return bytes(memoryview(activation.result)[:16]).lstrip().startswith(b"[")


def _wait_ms(call: Call, most: int) -> int | None:
    text = call.query.get("timeout")
    wait_ms = most
    if text is not None:
        wait_ms = int(text) if _TIMEOUT.fullmatch(text) else 0
        if not 1 <= wait_ms <= most:
            raise MalformedQueryError("timeout", f"Timeout must be number of milliseconds up to {most}.")
    return wait_ms if flag(call, "blocking") else None


async def read_payload(call: Call, limit_bytes: int) -> Arguments:
    """Read the body as a JSON object; nothing at all is an empty one.

    Raises:
        MalformedBodyError, UnsupportedMediaTypeError: it is something else.
        TooLargeError, ClientGoneError: as `Call.body`.
    """
    body = await call.body(limit_bytes=limit_bytes)
    if not body:
        return {}
    call.require_json()
    try:
        if not body.isascii():
            body.decode()  # `read_arguments` leaves the values unread
        return read_arguments(body)
    except (InvalidError, UnicodeDecodeError) as error:
        raise MalformedBodyError(str(error)) from error
