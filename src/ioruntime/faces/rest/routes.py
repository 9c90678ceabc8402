"""The OpenWhisk REST API: one row per operation.

Every row is there twice: below `/api/v1` for Basic credentials, and below `/runtime/api/v1`, where Adobe's deploying
clients come with a bearer token. The second is hidden in the API's description.
"""

from functools import partial
from typing import Any

import msgspec

from ioruntime.core.catalog import ActionPut
from ioruntime.core.packages import PackagePut
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.auth import basic_identity, deploying_identity
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import NOT_FOUND
from ioruntime.faces.http.operation import Operation, QueryParameter
from ioruntime.faces.rest.actions import ActionHandlers
from ioruntime.faces.rest.activations import ActivationHandlers
from ioruntime.faces.rest.documents import (
    AcceptedDocument,
    ActionDocument,
    ActionRow,
    ActivationDocument,
    ActivationRow,
    LimitsDocument,
    LogsDocument,
    PackageContents,
    PackageDocument,
    PackageRow,
    ResponseDocument,
)
from ioruntime.faces.rest.forwarding import forwarding_rows
from ioruntime.faces.rest.info import TITLE, ApiInfo, InfoHandlers, SystemInfo
from ioruntime.faces.rest.namespaces import NamespaceHandlers
from ioruntime.faces.rest.packages import PackageHandlers
from ioruntime.faces.rest.rules import RuleHandlers, rule_rows
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.triggers import TriggerHandlers, trigger_rows
from ioruntime.model.errors import NotFoundError
from ioruntime.model.limits import Limits
from ioruntime.model.params import Arguments

_BASIC = "/api/v1"
_DEPLOY = "/runtime/api/v1"
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"),
    (b"access-control-allow-methods", b"GET, DELETE, POST, PUT, HEAD"),
)
_BOOLEAN = {"type": "boolean", "default": False}


def face(services: RestServices) -> Face:
    """Build the face with all its rows."""
    basic: Identify = partial(basic_identity, services.authenticator)
    deploying: Identify = partial(deploying_identity, services.authenticator)

    async def unmatched(call: Call) -> Reply:
        """Ask for credentials before telling that there is nothing."""
        below_deploy = call.scope["path"].lstrip("/").startswith("runtime/")
        await (deploying if below_deploy else basic)(call)
        raise NotFoundError(NOT_FOUND)

    described = _operations(_BASIC, services, basic)
    info = InfoHandlers(services)
    shown = (*_info_rows(info), *described)
    info.describe(shown)
    deploy = (*_deploy_info_rows(info), *_operations(_DEPLOY, services, deploying), *forwarding_rows(services, deploying))
    return Face(
        title=TITLE,
        source=f"{_BASIC}/api-docs",
        prefixes=(_BASIC, _DEPLOY, "/runtime/runtime"),
        operations=(*shown, *(msgspec.structs.replace(row, hidden=True) for row in deploy)),
        headers=_CORS,
        unmatched=unmatched,
        options=True,
    )


def _info_rows(info: InfoHandlers) -> tuple[Operation, ...]:
    return (
        Operation(method="GET", path="/", handler=info.get_system_info, answer=SystemInfo, security="none"),
        Operation(method="GET", path=f"{_BASIC}[/]", handler=info.get_api_info, answer=ApiInfo, security="none"),
        Operation(method="GET", path=f"{_BASIC}/api-docs[/]", handler=info.get_api_docs, answer=dict[str, Any], security="none"),
    )


def _deploy_info_rows(info: InfoHandlers) -> tuple[Operation, ...]:
    return (
        Operation(method="GET", path="/runtime[/]", handler=info.get_system_info, security="none"),
        Operation(method="GET", path=f"{_DEPLOY}[/]", handler=info.get_api_info, security="none"),
        Operation(method="GET", path=f"{_DEPLOY}/api-docs[/]", handler=info.get_api_docs, security="none"),
    )


def _operations(prefix: str, services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    return (
        *_namespace_rows(prefix, services, identify),
        *_action_rows(prefix, services, identify),
        *_package_rows(prefix, services, identify),
        *_activation_rows(prefix, services, identify),
        *_event_rows(prefix, services, identify),
    )


def _namespace_rows(prefix: str, services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    namespaces = NamespaceHandlers(services, identify)
    at = f"{prefix}/namespaces/{{ns}}"
    return (
        Operation(method="GET", path=f"{prefix}/namespaces[/]", handler=namespaces.list_namespaces, answer=list[str]),
        Operation(method="GET", path=f"{at}/limits[/]", handler=namespaces.get_limits, answer=LimitsDocument),
        Operation(method="GET", path=f"{at}/limits/{{name}}", handler=namespaces.get_one_limit, hidden=True),
    )


def _action_rows(prefix: str, services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    actions = ActionHandlers(services, identify)
    at = f"{prefix}/namespaces/{{ns}}/actions"
    paging = _paging(services.limits)
    rows = (list[ActionRow], dict[str, int])

    return (
        Operation(method="GET", path=f"{at}[/]", handler=actions.list_actions, answer=rows, query=paging),
        *_one_action_rows(f"{at}/{{name}}", actions, services.limits),
        Operation(
            method="GET",
            path=f"{at}/{{package}}/",
            handler=actions.list_package_actions,
            answer=rows,
            query=paging,
            other_statuses=(404, 409),
        ),
        Operation(method="DELETE", path=f"{at}/{{package}}/", handler=actions.delete_nothing, hidden=True),
        *_one_action_rows(f"{at}/{{package}}/{{name}}", actions, services.limits),
    )


def _one_action_rows(path: str, actions: ActionHandlers, limits: Limits) -> tuple[Operation, ...]:
    """Rows of an action's own path."""
    gone = (404, 409)
    return (
        Operation(
            method="PUT",
            path=path,
            handler=actions.put_action,
            body=ActionPut,
            example={"exec": {"kind": "nodejs:default", "code": "function main(p) { return {hello: p.name} }"}},
            query=(QueryParameter("overwrite", _BOOLEAN),),
            answer=ActionDocument,
            other_statuses=gone,
        ),
        Operation(
            method="GET",
            path=path,
            handler=actions.get_action,
            query=(QueryParameter("code", {"type": "boolean", "default": True}),),
            answer=ActionDocument,
            other_statuses=gone,
        ),
        Operation(method="DELETE", path=path, handler=actions.delete_action, answer=ActionDocument, other_statuses=gone),
        Operation(
            method="POST",
            path=path,
            handler=actions.invoke_action,
            body=Arguments,
            body_required=False,
            example={"name": "Ada"},
            query=_invoke_query(limits),
            answer=Any,
            other_answers=((202, AcceptedDocument), (500, Any), (502, Any)),
            other_statuses=(404, 409, 429),
        ),
    )


def _package_rows(prefix: str, services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    packages = PackageHandlers(services, identify)
    at = f"{prefix}/namespaces/{{ns}}/packages"
    paging = _paging(services.limits)
    one = f"{at}/{{package}}"
    overwrite, force = (QueryParameter(name, _BOOLEAN) for name in ("overwrite", "force"))
    gone = (404, 409)
    return (
        Operation(
            method="GET",
            path=f"{at}[/]",
            handler=packages.list_packages,
            answer=(list[PackageRow], dict[str, int]),
            query=paging,
        ),
        Operation(
            method="PUT",
            path=one,
            handler=packages.put_package,
            body=PackagePut,
            query=(overwrite,),
            answer=PackageDocument,
            other_statuses=gone,
        ),
        Operation(method="GET", path=one, handler=packages.get_package, answer=PackageContents, other_statuses=gone),
        Operation(
            method="DELETE",
            path=one,
            handler=packages.delete_package,
            query=(force,),
            answer=PackageDocument,
            other_statuses=gone,
        ),
    )


def _activation_rows(prefix: str, services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    activations = ActivationHandlers(services, identify)
    at = f"{prefix}/namespaces/{{ns}}/activations"
    query = (
        *_paging(services.limits),
        QueryParameter("name", {"type": "string"}, "`action` in whatever package, or `package/action`."),
        QueryParameter("since", {"type": "integer"}, "Earliest start, epoch milliseconds."),
        QueryParameter("upto", {"type": "integer"}, "Latest start, epoch milliseconds."),
        QueryParameter("docs", _BOOLEAN, "Whole records; not together with `count`."),
    )
    rows = (list[ActivationRow], list[ActivationDocument], dict[str, int])
    one = f"{at}/{{id}}"
    return (
        Operation(method="GET", path=f"{at}[/]", handler=activations.list_activations, answer=rows, query=query),
        Operation(method="GET", path=one, handler=activations.get_activation, answer=ActivationDocument, other_statuses=(404,)),
        Operation(
            method="GET",
            path=f"{one}/result",
            handler=activations.get_result,
            answer=ResponseDocument,
            other_statuses=(404,),
        ),
        Operation(
            method="GET",
            path=f"{one}/logs",
            handler=activations.get_logs,
            answer=LogsDocument,
            query=(
                QueryParameter("follow", _BOOLEAN, "As server-sent events while it runs: `log`, and `activation` at the end."),
            ),
            other_statuses=(404,),
        ),
        Operation(method="GET", path=f"{prefix}/namespaces/{{ns}}/logs", handler=activations.follow_logs),
    )


def _event_rows(prefix: str, services: RestServices, identify: Identify) -> tuple[Operation, ...]:
    at, paging = f"{prefix}/namespaces/{{ns}}", _paging(services.limits)
    return (
        *trigger_rows(f"{at}/triggers", TriggerHandlers(services, identify), paging),
        *rule_rows(f"{at}/rules", RuleHandlers(services, identify), paging),
    )


def _paging(limits: Limits) -> tuple[QueryParameter, ...]:
    page = {"type": "integer", "minimum": 0, "maximum": limits.page_most, "default": limits.page_default}
    return (
        QueryParameter("limit", page, "0 means the most."),
        QueryParameter("skip", {"type": "integer", "minimum": 0, "default": 0}),
        QueryParameter("count", _BOOLEAN, "Only how many there are."),
    )


def _invoke_query(limits: Limits) -> tuple[QueryParameter, ...]:
    wait = {"type": "integer", "minimum": 1, "maximum": limits.blocking_wait_ms, "default": limits.blocking_wait_ms}
    return (
        QueryParameter("blocking", _BOOLEAN, "Wait for the outcome."),
        QueryParameter("result", _BOOLEAN, "Answer only with the result."),
        QueryParameter("timeout", wait, "How long to wait, in milliseconds; the action itself goes on."),
    )
