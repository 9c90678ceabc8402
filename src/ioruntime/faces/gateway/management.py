"""Creating, showing and deleting APIs, at the URLs where OpenWhisk's clients look for web actions that do it.

They are operations, not actions: a web action runs in the name of its owner, but these must act for whoever calls.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec

from ioruntime.core.apis.apis import Api
from ioruntime.core.apis.documents import Swagger
from ioruntime.faces.gateway.services import GatewayServices
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import InvalidError, MalformedQueryError
from ioruntime.model.identity import Identity

Identify: TypeAlias = Callable[[Call], Awaitable[Identity]]

_BODY_BYTES = 1024 * 1024
_ABSENT = "undefined"
"""What clients in JavaScript write for a filter that was not given."""


class ApiValue(msgspec.Struct, frozen=True, rename="camel"):
    """An API, as clients read it."""

    namespace: str
    gw_api_url: str
    apidoc: Swagger
    gw_api_activated: bool = True


class ApiRow(msgspec.Struct, frozen=True):
    """An API in a list."""

    id: str
    key: str
    value: ApiValue


class ApiList(msgspec.Struct, frozen=True):
    """The APIs of a namespace."""

    apis: list[ApiRow]


class ApiPut(msgspec.Struct, frozen=True):
    """A route, or `{"swagger": document or its text}`; the text of either will do."""

    apidoc: dict[str, Any] | str | msgspec.UnsetType = msgspec.UNSET


class ManagementHandlers:
    """Handlers of one mount."""

    def __init__(self, services: GatewayServices, identify: Identify) -> None:
        self._apis = services.apis
        self._identify = identify

    async def create_api(self, call: Call) -> Reply:
        """Add an operation to an API, or replace an API by a Swagger document."""
        identity = await self._identify(call)
        put: ApiPut = await call.json(ApiPut, limit_bytes=_BODY_BYTES)
        if put.apidoc is msgspec.UNSET:
            raise InvalidError("The body must have the field apidoc.")
        api = await self._apis.create(identity, put.apidoc, response_type=_given(call, "responsetype"))
        return Reply.json(self._value(api))

    async def get_api(self, call: Call) -> Reply:
        """Show the caller's APIs."""
        identity = await self._identify(call)
        skip, limit = _number(call, "skip"), _number(call, "limit")
        found = await self._apis.find(
            identity, base_path=_base_path(call), path=_given(call, "relpath"), verb=_given(call, "operation")
        )
        page = found[skip:][: limit or None]
        return Reply.json(ApiList([self._row(api) for api in page]))

    async def delete_api(self, call: Call) -> Reply:
        """Delete an API, one of its paths, or one operation."""
        identity = await self._identify(call)
        base_path = _base_path(call)
        if base_path is None:
            raise InvalidError("The query must name the API in basepath.")
        await self._apis.delete(identity, base_path, path=_given(call, "relpath"), verb=_given(call, "operation"))
        return Reply.empty()

    def _row(self, api: Api) -> ApiRow:
        return ApiRow(f"API:{api.namespace}:{api.base_path}", api.namespace, self._value(api))

    def _value(self, api: Api) -> ApiValue:
        return ApiValue(namespace=api.namespace, gw_api_url=self._apis.url_of(api), apidoc=api.swagger)


def _base_path(call: Call) -> str | None:
    return _given(call, "basepath") or _given(call, "name")


def _given(call: Call, name: str) -> str | None:
    value = call.query.get(name)
    return None if value in {None, "", _ABSENT} else value


def _number(call: Call, name: str) -> int:
    text = _given(call, name) or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise MalformedQueryError(name, f"'{text}' is not a whole number.")
    return int(text)
