"""Firing a trigger: its active rules' actions start, and a record tells which (OpenWhisk API contract, section 11)."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.invocation import EXTRA_LOGGING, Invocations
from ioruntime.core.resolve import Resolved, Resolver
from ioruntime.core.triggers import Triggers
from ioruntime.model.activation import Activation, ActivationId, Status, new_activation_id
from ioruntime.model.errors import CorruptError, IoRuntimeError, UnavailableError
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Arguments
from ioruntime.model.trigger import Rule, RuleStatus, Trigger
from ioruntime.ports.clock import Clock

_Started: TypeAlias = ActivationId | IoRuntimeError
"""What became of a rule: the activation of its action, or why there is none."""


class Firing:
    """Fires triggers in their namespace's name, for clients and schedules alike."""

    def __init__(
        self,
        *,
        triggers: Triggers,
        resolver: Resolver,
        invocations: Invocations,
        recorder: Recorder,
        admission: Admission,
        clock: Clock,
    ) -> None:
        self._triggers = triggers
        self._resolver = resolver
        self._invocations = invocations
        self._recorder = recorder
        self._admission = admission
        self._clock = clock

    async def fire(
        self, identity: Identity, path: EntityPath, payload: Arguments, *, headers: Mapping[str, str], transaction_id: str
    ) -> ActivationId | None:
        """Start the actions of the trigger's active rules, without waiting for them; None when it has no active rule.

        When this returns an id, the trigger's record and the requests of its actions are on stable storage. An action
        that cannot be started, or is over the namespace's limits, is a line in the record, not a failure.

        Args:
            headers: of the request that fires, by lower-case name; the actions get them as `__ow_headers`.

        Raises:
            ForbiddenError, NotFoundError, WrongCollectionError: the caller has no such trigger.
            ThrottledError: the namespace fires too often.
            UnavailableError: it cannot be stored; actions may have started all the same.
        """
        trigger = await self._triggers.remembered(identity, path)
        self._recorder.check_room()
        self._admission.fire(identity)
        rules = await self._triggers.rules(path)
        if not any(rule.status is RuleStatus.ACTIVE for rule in rules):
            return None
        start_ms, keep = self._clock.now_ms(), headers.get(EXTRA_LOGGING) == "on"
        started = await self._start(identity, rules, _arguments(trigger, headers, payload), transaction_id, keep=keep)
        record = _record(identity, trigger, payload, start_ms, [_line(rule, started[rule.path]) for rule in rules])
        if not keep and not self._admission.limits_of(identity).store_activations:
            return record.activation_id
        self._recorder.record(record)
        await self._recorder.flushed()
        if self._recorder.find(identity.name, record.activation_id) is not None:
            raise UnavailableError
        return record.activation_id

    async def _start(
        self, identity: Identity, rules: Sequence[Rule], arguments: Arguments, transaction_id: str, *, keep: bool
    ) -> dict[EntityPath, _Started]:
        started: dict[EntityPath, _Started] = {}
        resolved: dict[EntityPath, Resolved] = {}
        for rule in rules:
            found = await self._resolve(identity, rule)
            if isinstance(found, Resolved):
                resolved[rule.path] = found
            else:
                started[rule.path] = found
        ids = await self._invocations.accept_many(
            identity, list(resolved.values()), arguments, transaction_id=transaction_id, keep=keep
        )
        return started | dict(zip(resolved, ids, strict=True))

    async def _resolve(self, identity: Identity, rule: Rule) -> Resolved | IoRuntimeError:
        if rule.status is not RuleStatus.ACTIVE:
            return IoRuntimeError(f"Rule '{rule.path}' is inactive, action '{rule.action}' was not activated.")
        try:
            return await self._resolver.runnable(identity, rule.action)
        except IoRuntimeError as error:
            return error


def _arguments(trigger: Trigger, headers: Mapping[str, str], payload: Arguments) -> Arguments:
    parameters = {parameter.key: _encoded(parameter.value) for parameter in trigger.parameters}
    return parameters | {"__ow_headers": _encoded(headers)} | payload


def _encoded(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _record(identity: Identity, trigger: Trigger, payload: Arguments, start_ms: int, logs: Sequence[str]) -> Activation:
    return Activation(
        activation_id=new_activation_id(),
        namespace=identity.name,
        name=trigger.path.name,
        version=trigger.version,
        subject=identity.subject,
        start_ms=start_ms,
        result=_encoded(payload),
        logs=tuple(logs),
    )


def _line(rule: Rule, started: _Started) -> str:
    """Write the line of one rule in the record's logs: JSON in a string."""
    line: dict[str, object] = {"rule": str(rule.path), "action": str(rule.action)}
    if isinstance(started, IoRuntimeError):
        failed = isinstance(started, UnavailableError | CorruptError)
        status = Status.WHISK_ERROR if failed else Status.APPLICATION_ERROR
        line |= {"statusCode": status, "success": False, "error": str(started)}
    else:
        line |= {"statusCode": Status.SUCCESS, "success": True, "activationId": started}
    return msgspec.json.encode(line).decode()
