"""Triggers, and the rules that tie them to actions (OpenWhisk API contract, sections 11 and 12)."""

from enum import StrEnum

import msgspec

from ioruntime.model.action import FIRST_VERSION
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Parameter


class RuleStatus(StrEnum):
    """Whether a rule passes events on."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Trigger(msgspec.Struct, frozen=True, kw_only=True, tag="trigger"):
    """A stored trigger."""

    path: EntityPath
    version: str = FIRST_VERSION
    publish: bool = False
    parameters: tuple[Parameter, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    updated_ms: int = 0
    revision: int = 0


class Rule(msgspec.Struct, frozen=True, kw_only=True, tag="rule"):
    """A stored rule: when the trigger fires, the action is invoked.

    Its status counts only while its trigger exists; deleting a trigger makes its rules inactive.
    """

    path: EntityPath
    trigger: EntityPath
    action: EntityPath
    status: RuleStatus = RuleStatus.ACTIVE
    version: str = FIRST_VERSION
    publish: bool = False
    annotations: tuple[Annotation, ...] = ()
    updated_ms: int = 0
    revision: int = 0
