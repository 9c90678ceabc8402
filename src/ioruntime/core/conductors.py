"""Conductors: an action is run again and again and says each time what to run next (OpenWhisk API contract, section 9)."""

from typing import Any

import msgspec

from ioruntime.core.sequences import next_arguments
from ioruntime.core.steps import Component, End, Timing
from ioruntime.model.activation import EMPTY_OBJECT, Activation, Status, error_result
from ioruntime.model.errors import ForbiddenError, InvalidError, NotFoundError, UnavailableError, WrongCollectionError
from ioruntime.model.names import OWN_NAMESPACE, EntityPath

TOO_MANY = "Too many actions in the composition."
FAILED = "Activation failure during composition."
LATE = "Timeout reached when retrieving activation {id} during composition."
NOT_A_NAME = "Failed to parse action name from json value {value} during composition."
NOT_FOUND = "Failed to resolve action with name '{name}' during composition."
FORBIDDEN = "Failed entitlement check for action with name '{name}' during composition."


class Step(msgspec.Struct, frozen=True):
    """What a conductor said."""

    has_action: bool
    action: Any = None
    params: msgspec.Raw | None = None
    """As the conductor gave them; not an object: boxed as `{"value": ...}`."""
    state: dict[str, msgspec.Raw] = {}
    """For its next run only."""


async def run_conductor(conductor: EntityPath, payload: msgspec.Raw, run: Component, timing: Timing) -> End:
    """Run a conductor until it names no next action.

    What is wrong with the next action does not end the composition: the conductor is told, and may decide.
    """
    arguments = payload
    while True:
        if not run.budget.take_conductor_run():
            return End.application_error(TOO_MANY)
        activation = await _run(run, conductor, arguments, as_code=True)
        if isinstance(activation, End):
            return activation
        timing.add(activation)
        if activation.status != Status.SUCCESS:
            return End.of(activation)
        step = read_step(activation.result)
        if not step.has_action:
            return End(Status.SUCCESS, activation.result if step.params is None else step.params)
        outcome = await _take(step, run)
        if isinstance(outcome, End):
            return outcome
        if isinstance(outcome, Activation):
            timing.add(outcome)
            outcome = outcome.result
        arguments = with_state(outcome, step.state)


async def _take(step: Step, run: Component) -> "Activation | msgspec.Raw | End":
    """Run the component that a step names; a problem with it becomes the next arguments of the conductor."""
    name = None
    if isinstance(step.action, str):
        name = _component_path(step.action, run.namespace)
    if name is None:
        return error_result(NOT_A_NAME.format(value=msgspec.json.encode(step.action).decode()))
    try:
        await run.check(name)
    except ForbiddenError:
        return error_result(FORBIDDEN.format(name=name))
    except (NotFoundError, WrongCollectionError):
        return error_result(NOT_FOUND.format(name=name))
    if not run.budget.take_component():
        return error_result(TOO_MANY)
    return await _run(run, name, step.params or EMPTY_OBJECT, as_code=False)


async def _run(run: Component, path: EntityPath, arguments: msgspec.Raw, *, as_code: bool) -> "Activation | End":
    try:
        return await run.run(path, arguments, as_code=as_code)
    except TimeoutError as error:
        return End.whisk_error(LATE.format(id=error))
    except (UnavailableError, NotFoundError, ForbiddenError, WrongCollectionError):
        return End.whisk_error(FAILED)


def read_step(result: msgspec.Raw) -> Step:
    """Read what a conductor answered (pure)."""
    try:
        fields = msgspec.json.decode(result, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return Step(has_action=False)
    params = fields.get("params")
    state = fields.get("state")
    return Step(
        has_action="action" in fields,
        action=msgspec.json.decode(fields["action"]) if "action" in fields else None,
        params=None if params is None else boxed(params, "value"),
        state={} if state is None else msgspec.json.decode(boxed(state, "state"), type=dict[str, msgspec.Raw]),
    )


def boxed(value: msgspec.Raw, key: str) -> msgspec.Raw:
    """Return an object as it is, anything else as the only value of one (pure)."""
    if bytes(memoryview(value)[:64]).lstrip().startswith(b"{"):
        return value
    return msgspec.Raw(msgspec.json.encode({key: value}))


def with_state(result: msgspec.Raw, state: dict[str, msgspec.Raw]) -> msgspec.Raw:
    """Overlay a result with the conductor's state, which wins (pure)."""
    if not state:
        return next_arguments(result)
    fields = msgspec.json.decode(boxed(result, "value"), type=dict[str, msgspec.Raw])
    return msgspec.Raw(msgspec.json.encode(fields | state))


def _component_path(text: str, namespace: str) -> EntityPath | None:
    """Read `name`, `pkg/name`, `/ns/name` or `/ns/pkg/name`; None when it is no name."""
    try:
        if text.startswith("/"):
            return EntityPath.parse(text, own_namespace=namespace)
        segments = text.split("/")
        if segments[0] == OWN_NAMESPACE:
            return EntityPath.parse(text, own_namespace=namespace)
        return EntityPath.of(namespace, *segments)
    except InvalidError:
        return None
