"""The API gateway: its management as OpenWhisk's clients find it, and the APIs themselves."""

from functools import partial

import msgspec

from ioruntime.faces.gateway.errors import GatewayRefusal, gateway_form
from ioruntime.faces.gateway.management import ApiList, ApiPut, ApiValue, Identify, ManagementHandlers
from ioruntime.faces.gateway.services import GatewayServices
from ioruntime.faces.gateway.serving import ServingHandler
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.auth import basic_identity, deploying_identity
from ioruntime.faces.http.operation import Operation, QueryParameter

_BASIC = "/api/v1/web/whisk.system/apimgmt"
_DEPLOY = "/runtime/api/v1/web/whisk.system/apimgmt"
_CORS = ((b"access-control-allow-origin", b"*"),)
_TEXT = {"type": "string"}
_FILTER = (
    QueryParameter("basepath", _TEXT, "Base path or name of the API."),
    QueryParameter("relpath", _TEXT, "Only this path."),
    QueryParameter("operation", _TEXT, "Only this method."),
)


def management_face(services: GatewayServices) -> Face:
    """Build the rows that create, show and delete APIs, below both mounts of the OpenWhisk API."""
    basic = _rows(_BASIC, services, partial(basic_identity, services.authenticator))
    deploy = _rows(_DEPLOY, services, partial(deploying_identity, services.authenticator))
    hidden = (msgspec.structs.replace(row, hidden=True) for row in (*_aliases(basic), *deploy, *_aliases(deploy)))
    return Face(prefixes=(_BASIC, _DEPLOY), operations=(*basic, *hidden), title="API management", headers=_CORS, options=True)


def serving_face(services: GatewayServices) -> Face:
    """Build the face of the APIs: no rows, since any path may follow."""
    handler = ServingHandler(services).serve
    return Face(prefixes=("/apis", "/api"), operations=(), error_form=gateway_form, error=GatewayRefusal, unmatched=handler)


def _rows(prefix: str, services: GatewayServices, identify: Identify) -> tuple[Operation, ...]:
    handlers = ManagementHandlers(services, identify)
    paging = tuple(QueryParameter(name, {"type": "integer"}) for name in ("limit", "skip"))
    response_type = QueryParameter("responsetype", _TEXT, "Extension by which the action is asked: json, http, html, svg, text.")
    return (
        Operation(
            method="POST",
            path=f"{prefix}/createApi",
            handler=handlers.create_api,
            body=ApiPut,
            query=(response_type,),
            answer=ApiValue,
            other_statuses=(409,),
        ),
        Operation(method="GET", path=f"{prefix}/getApi", handler=handlers.get_api, query=(*_FILTER, *paging), answer=ApiList),
        Operation(
            method="DELETE",
            path=f"{prefix}/deleteApi",
            handler=handlers.delete_api,
            query=_FILTER,
            status=204,
            other_statuses=(404, 409),
        ),
    )


def _aliases(rows: tuple[Operation, ...]) -> list[Operation]:
    """Some clients ask as they would a web action, with an extension."""
    return [msgspec.structs.replace(row, path=f"{row.path}.{ending}") for row in rows for ending in ("http", "json")]
