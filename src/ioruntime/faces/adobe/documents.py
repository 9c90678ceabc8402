"""The bodies of answers, in the shapes of the I/O Runtime API.

An action in a package is named `package/name`, so that the document can be sent back as it is; `namespace` is the
namespace alone. Parameters are the action's own, without those of its package, for the same reason. `code` is empty
where there is none (sequences).
"""

from urllib.parse import quote

import msgspec

from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.exec import CodeExec, Exec, ImageExec, SequenceExec
from ioruntime.model.identity import Namespace
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import DEFAULT_PACKAGE, EntityPath
from ioruntime.model.params import Annotation, Parameter, annotation

_URL_SAFE = "@"


class NamespaceDocument(msgspec.Struct, frozen=True):
    """A namespace and the key to it."""

    name: str
    auth: str
    """OpenWhisk's credential, `uuid:key`."""


class LimitsDocument(msgspec.Struct, frozen=True):
    """What an action may use, as text: milliseconds, MB, MB."""

    timeout: str
    memory: str
    logs: str


class ExecDocument(msgspec.Struct, frozen=True):
    """How an action runs."""

    kind: str
    binary: bool
    """True when `code` is base64."""
    components: tuple[str, ...]
    """The actions of a sequence."""


class ActionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An action."""

    name: str
    code: str
    namespace: str
    version: str
    params: tuple[Parameter, ...]
    annotations: tuple[Annotation, ...]
    limits: LimitsDocument
    exec: ExecDocument
    url: str
    """Where it is invoked: its web URL when it has one, else its resource in the OpenWhisk API."""


class ResponseDocument(msgspec.Struct, frozen=True, rename="camel"):
    """How an activation ended."""

    status: str
    status_code: int
    success: bool
    result: msgspec.Raw


class ActivationDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The outcome of an invocation."""

    name: str
    namespace: str
    activation_id: ActivationId
    annotations: tuple[Annotation, ...]
    duration: int
    """Milliseconds."""
    version: str
    response: ResponseDocument


class AcceptedDocument(msgspec.Struct, frozen=True, rename="camel"):
    """The activation goes on."""

    activation_id: ActivationId


def namespace_document(namespace: Namespace) -> NamespaceDocument:
    return NamespaceDocument(namespace.name, str(namespace.auth))


def action_document(action: Action, code: str | None, *, base_url: str) -> ActionDocument:
    """Describe an action with its code; `base_url` has no slash at its end."""
    return ActionDocument(
        name=action.path.key,
        code=code or "",
        namespace=action.path.namespace,
        version=action.version,
        params=action.parameters,
        annotations=action.annotations,
        limits=_limits(action.limits),
        exec=_exec(action.exec),
        url=base_url + _location(action),
    )


def activation_document(activation: Activation) -> ActivationDocument:
    """Describe how an invocation ended."""
    return ActivationDocument(
        name=activation.name,
        namespace=activation.namespace,
        activation_id=activation.activation_id,
        annotations=activation.annotations,
        duration=activation.duration_ms or 0,
        version=activation.version,
        response=ResponseDocument(activation.status.text, activation.status, activation.success, activation.result),
    )


def _limits(limits: ActionLimits) -> LimitsDocument:
    return LimitsDocument(str(limits.timeout_ms), str(limits.memory_mb), str(limits.logs_mb))


def _exec(exec_: Exec) -> ExecDocument:
    if isinstance(exec_, SequenceExec):
        return ExecDocument(exec_.kind, binary=False, components=exec_.components)
    return ExecDocument(exec_.kind, binary=isinstance(exec_, CodeExec | ImageExec) and exec_.binary, components=())


def _location(action: Action) -> str:
    path: EntityPath = action.path
    namespace, name = quote(path.namespace, _URL_SAFE), quote(path.name, _URL_SAFE)
    if annotation(action.annotations, "web-export") is True:
        return f"/api/v1/web/{namespace}/{quote(path.package or DEFAULT_PACKAGE, _URL_SAFE)}/{name}"
    inside = f"{quote(path.package, _URL_SAFE)}/" if path.package else ""
    return f"/api/v1/namespaces/{namespace}/actions/{inside}{name}"
