"""The bodies of answers, as OpenWhisk's clients read them."""

import msgspec

from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.exec import CodeExec, Exec, ImageExec, NativeExec, SequenceExec
from ioruntime.model.limits import ActionLimits, Limits
from ioruntime.model.package import Binding, Package
from ioruntime.model.params import Annotation, Parameter, has_annotation

Unset = msgspec.UnsetType


class ExecDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What runs; which fields are there depends on the kind."""

    kind: str
    code: str | Unset = msgspec.UNSET
    """Source, or base64 when `binary`."""
    binary: bool | Unset = msgspec.UNSET
    main: str | Unset = msgspec.UNSET
    image: str | Unset = msgspec.UNSET
    components: tuple[str, ...] | Unset = msgspec.UNSET


class ExecRow(msgspec.Struct, frozen=True):
    """What a list tells of an action's code."""

    binary: bool


class ActionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An action as a whole."""

    namespace: str
    """`ns`, or `ns/package`."""
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    parameters: tuple[Parameter, ...]
    limits: ActionLimits
    exec: ExecDocument
    updated: int
    """Epoch milliseconds."""


class ActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An action in a list."""

    namespace: str
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    limits: ActionLimits
    exec: ExecRow
    updated: int


class PackageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A package in a list."""

    namespace: str
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    binding: bool | dict[str, str]
    """False, or the package that this one stands for."""
    updated: int


class PackageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A package."""

    namespace: str
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    parameters: tuple[Parameter, ...]
    binding: dict[str, str]
    """Empty, or the package that this one stands for."""
    updated: int


class PackagedAction(msgspec.Struct, frozen=True):
    """An action as its package tells of it."""

    name: str
    version: str
    annotations: tuple[Annotation, ...]


class PackageContents(PackageDocument, frozen=True, kw_only=True):
    """A package with what is in it."""

    actions: list[PackagedAction]
    feeds: list[PackagedAction]
    """Actions with an annotation `feed`; they are not among `actions`."""


class ResponseDocument(msgspec.Struct, frozen=True):
    """How an activation ended."""

    status: str
    success: bool
    result: msgspec.Raw
    size: int
    """Of the result, in bytes."""


class ActivationDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The record of an activation."""

    namespace: str
    name: str
    version: str
    subject: str
    activation_id: ActivationId
    start: int
    end: int | Unset = msgspec.UNSET
    duration: int | Unset = msgspec.UNSET
    cause: ActivationId | Unset = msgspec.UNSET
    response: ResponseDocument
    logs: tuple[str, ...]
    annotations: tuple[Annotation, ...]
    publish: bool = False


class ActivationRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An activation in a list."""

    namespace: str
    name: str
    version: str
    activation_id: ActivationId
    start: int
    end: int | Unset = msgspec.UNSET
    duration: int | Unset = msgspec.UNSET
    cause: ActivationId | Unset = msgspec.UNSET
    status_code: int
    annotations: tuple[Annotation, ...]
    publish: bool = False


class AcceptedDocument(msgspec.Struct, frozen=True, rename="camel"):
    """Where the outcome will be found."""

    activation_id: ActivationId


class LogsDocument(msgspec.Struct, frozen=True):
    """What an activation wrote."""

    logs: tuple[str, ...]


class LimitsDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a namespace may use. Memory and logs in MB, times in milliseconds."""

    invocations_per_minute: int
    concurrent_invocations: int
    fires_per_minute: int
    min_action_memory: int
    max_action_memory: int
    min_action_logs: int
    max_action_logs: int
    min_action_timeout: int
    max_action_timeout: int
    min_action_concurrency: int
    max_action_concurrency: int
    max_parameter_size: str
    max_action_instances: int
    allowed_kinds: tuple[str, ...] | Unset = msgspec.UNSET
    store_activations: bool | Unset = msgspec.UNSET
    max_payload_size: str | Unset = msgspec.UNSET
    """Bytes; of results too."""
    truncation_size: str | Unset = msgspec.UNSET
    """What is left of a result that is too large."""
    warmed_container_keeping_count: int | Unset = msgspec.UNSET
    warmed_container_keeping_timeout: str | Unset = msgspec.UNSET


def action_document(action: Action, code: str | None) -> ActionDocument:
    """Describe an action; without its code when that is None."""
    return ActionDocument(
        namespace=action.path.parent,
        name=action.path.name,
        version=action.version,
        publish=action.publish,
        annotations=action.annotations,
        parameters=action.parameters,
        limits=action.limits,
        exec=_exec_document(action.exec, msgspec.UNSET if code is None else code),
        updated=action.updated_ms,
    )


def action_row(action: Action) -> ActionRow:
    return ActionRow(
        namespace=action.path.parent,
        name=action.path.name,
        version=action.version,
        publish=action.publish,
        annotations=action.annotations,
        limits=action.limits,
        exec=ExecRow(isinstance(action.exec, CodeExec | ImageExec) and action.exec.binary),
        updated=action.updated_ms,
    )


def package_row(package: Package) -> PackageRow:
    return PackageRow(
        namespace=package.path.namespace,
        name=package.path.name,
        version=package.version,
        publish=package.publish,
        annotations=package.annotations,
        binding=_binding(package.binding) or False,
        updated=package.updated_ms,
    )


def package_document(package: Package) -> PackageDocument:
    return PackageDocument(
        namespace=package.path.namespace,
        name=package.path.name,
        version=package.version,
        publish=package.publish,
        annotations=package.annotations,
        parameters=package.parameters,
        binding=_binding(package.binding),
        updated=package.updated_ms,
    )


def package_contents(package: Package, inside: list[Action]) -> PackageContents:
    """Describe a package and the actions inside."""
    actions: list[PackagedAction] = []
    feeds: list[PackagedAction] = []
    for action in inside:
        rows = feeds if has_annotation(action.annotations, "feed") else actions
        rows.append(PackagedAction(action.path.name, action.version, action.annotations))
    return PackageContents(**msgspec.structs.asdict(package_document(package)), actions=actions, feeds=feeds)


def response_document(activation: Activation) -> ResponseDocument:
    return ResponseDocument(activation.status.text, activation.success, activation.result, len(activation.result))


def activation_document(activation: Activation, *, logs: tuple[str, ...]) -> ActivationDocument:
    """Write the record, with these logs."""
    return ActivationDocument(
        namespace=activation.namespace,
        name=activation.name,
        version=activation.version,
        subject=activation.subject,
        activation_id=activation.activation_id,
        start=activation.start_ms,
        end=_given(activation.end_ms),
        duration=_given(activation.duration_ms),
        cause=msgspec.UNSET if activation.cause is None else activation.cause,
        response=response_document(activation),
        logs=logs,
        annotations=activation.annotations,
    )


def activation_row(activation: Activation) -> ActivationRow:
    return ActivationRow(
        namespace=activation.namespace,
        name=activation.name,
        version=activation.version,
        activation_id=activation.activation_id,
        start=activation.start_ms,
        end=_given(activation.end_ms),
        duration=_given(activation.duration_ms),
        cause=msgspec.UNSET if activation.cause is None else activation.cause,
        status_code=activation.status,
        annotations=activation.annotations,
    )


def limits_document(limits: Limits, *, own: frozenset[str]) -> LimitsDocument:
    """Describe effective limits.

    Args:
        own: names of the limits that are the namespace's own; some of them are shown only then.
    """
    return LimitsDocument(
        invocations_per_minute=limits.invocations_per_minute,
        concurrent_invocations=limits.concurrent_invocations,
        fires_per_minute=limits.fires_per_minute,
        min_action_memory=limits.memory_mb.least,
        max_action_memory=limits.memory_mb.most,
        min_action_logs=limits.logs_mb.least,
        max_action_logs=limits.logs_mb.most,
        min_action_timeout=limits.timeout_ms.least,
        max_action_timeout=limits.timeout_ms.most,
        min_action_concurrency=limits.concurrency.least,
        max_action_concurrency=limits.concurrency.most,
        max_parameter_size=f"{limits.parameters_bytes} B",
        max_action_instances=limits.concurrent_invocations,
        allowed_kinds=limits.allowed_kinds if "allowedKinds" in own else msgspec.UNSET,
        store_activations=limits.store_activations if "storeActivations" in own else msgspec.UNSET,
        max_payload_size=f"{limits.payload_bytes} B" if "maxPayloadSize" in own else msgspec.UNSET,
        truncation_size=f"{limits.truncation_bytes} B" if "truncationSize" in own else msgspec.UNSET,
        warmed_container_keeping_count=limits.warm_count if "warmedContainerKeepingCount" in own else msgspec.UNSET,
        warmed_container_keeping_timeout=(
            f"{limits.warm_s} seconds" if "warmedContainerKeepingTimeout" in own else msgspec.UNSET
        ),
    )


def _exec_document(exec_: Exec, code: str | Unset) -> ExecDocument:
    match exec_:
        case CodeExec():
            return ExecDocument(kind=exec_.kind, code=code, binary=exec_.binary, main=exec_.main or msgspec.UNSET)
        case ImageExec():
            main = exec_.main or msgspec.UNSET
            return ExecDocument(kind=exec_.kind, image=exec_.image, code=code, binary=exec_.binary, main=main)
        case SequenceExec():
            return ExecDocument(kind=exec_.kind, components=exec_.components)
        case NativeExec():
            return ExecDocument(kind=exec_.kind, binary=False)


def _binding(binding: Binding | None) -> dict[str, str]:
    return {} if binding is None else {"namespace": binding.namespace, "name": binding.name}


def _given(value: int | None) -> int | Unset:
    return msgspec.UNSET if value is None else value
