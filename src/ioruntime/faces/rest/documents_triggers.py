"""The bodies of answers about triggers and rules, as OpenWhisk's clients read them."""

from collections.abc import Sequence

import msgspec

from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Parameter
from ioruntime.model.trigger import Rule, RuleStatus, Trigger


class NamedDocument(msgspec.Struct, frozen=True):
    """Another entity, by where it is."""

    path: str
    """`ns`, or `ns/package`."""
    name: str


class TriggerRuleDocument(msgspec.Struct, frozen=True):
    """A rule as its trigger tells of it."""

    action: NamedDocument
    status: RuleStatus


class TriggerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger in a list."""

    namespace: str
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    updated: int
    """Epoch milliseconds."""


class TriggerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger."""

    namespace: str
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    parameters: tuple[Parameter, ...]
    limits: dict[str, int]
    """Empty: triggers have none."""
    rules: dict[str, TriggerRuleDocument] | msgspec.UnsetType = msgspec.UNSET
    """By `ns/rule`; absent when there are none."""
    updated: int


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in a list; only the rule itself tells its status."""

    namespace: str
    name: str
    version: str
    publish: bool
    annotations: tuple[Annotation, ...]
    trigger: NamedDocument
    action: NamedDocument
    updated: int


class RuleDocument(RuleRow, frozen=True, kw_only=True):
    """A rule."""

    status: RuleStatus


class RuleStatusPut(msgspec.Struct, frozen=True):
    """Whether a rule is to pass events on."""

    status: RuleStatus


def trigger_row(trigger: Trigger) -> TriggerRow:
    return TriggerRow(
        namespace=trigger.path.namespace,
        name=trigger.path.name,
        version=trigger.version,
        publish=trigger.publish,
        annotations=trigger.annotations,
        updated=trigger.updated_ms,
    )


def trigger_document(trigger: Trigger, rules: Sequence[Rule]) -> TriggerDocument:
    """Describe a trigger with its rules."""
    described = {str(rule.path): TriggerRuleDocument(_named(rule.action), rule.status) for rule in rules}
    return TriggerDocument(
        namespace=trigger.path.namespace,
        name=trigger.path.name,
        version=trigger.version,
        publish=trigger.publish,
        annotations=trigger.annotations,
        parameters=trigger.parameters,
        limits={},
        rules=described or msgspec.UNSET,
        updated=trigger.updated_ms,
    )


def rule_row(rule: Rule) -> RuleRow:
    return RuleRow(
        namespace=rule.path.namespace,
        name=rule.path.name,
        version=rule.version,
        publish=rule.publish,
        annotations=rule.annotations,
        trigger=_named(rule.trigger),
        action=_named(rule.action),
        updated=rule.updated_ms,
    )


def rule_document(rule: Rule) -> RuleDocument:
    return RuleDocument(
        namespace=rule.path.namespace,
        name=rule.path.name,
        version=rule.version,
        publish=rule.publish,
        annotations=rule.annotations,
        trigger=_named(rule.trigger),
        action=_named(rule.action),
        status=rule.status,
        updated=rule.updated_ms,
    )


def _named(path: EntityPath) -> NamedDocument:
    return NamedDocument(path.parent, path.name)
