"""Conductors: an action is run again and again and says each time what to run next (OpenWhisk API contract, section 9)."""

import msgspec

from ioruntime.core.resolve import is_conductor
from ioruntime.core.sequences import next_arguments
from ioruntime.core.steps import Composition, End, LateError, fields_of
from ioruntime.model.activation import EMPTY_OBJECT, error_result
from ioruntime.model.errors import ForbiddenError, InvalidError, IoRuntimeError, NotFoundError, WrongCollectionError
from ioruntime.model.names import OWN_NAMESPACE, EntityPath
from ioruntime.model.params import Arguments

TOO_MANY = "Too many actions in the composition."
FAILED = "Activation failure during composition."
LATE = "Timeout reached when retrieving activation {id} during composition."
NOT_A_NAME = "Failed to parse action name from json value {value} during composition."
NOT_FOUND = "Failed to resolve action with name '{name}' during composition."
FORBIDDEN = "Failed entitlement check for action with name '{name}' during composition."

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Step(msgspec.Struct, frozen=True):
    """What a conductor said."""

    action: msgspec.Raw | None = None
    """JSON of whatever kind; None ends the composition."""
    params: msgspec.Raw | None = None
    """Always an object."""
    state: Arguments = {}
    """For its next run only."""


async def run_conductor(payload: msgspec.Raw, composition: Composition) -> End:
    """Run a conductor until it names no next action; its own status is then that of the composition.

    What is wrong with the next action does not end the composition: the conductor is told, and may decide.
    """
    try:
        return await _conduct(payload, composition)
    except LateError as error:
        return End.whisk_error(LATE.format(id=error.activation_id))
    except IoRuntimeError:
        return End.whisk_error(FAILED)


async def _conduct(payload: msgspec.Raw, composition: Composition) -> End:
    arguments = payload
    while composition.budget.conducted.runs.take():
        activation = await composition.conduct(arguments)
        step = read_step(activation.result)
        if step.action is None:
            return End(activation.status, activation.result if step.params is None else step.params)
        result = await _take(step.action, step.params or EMPTY_OBJECT, composition)
        arguments = with_state(result, step.state)
    return End.application_error(TOO_MANY)


async def _take(action: msgspec.Raw, params: msgspec.Raw, composition: Composition) -> msgspec.Raw:
    """Run the component that a conductor named; return its result, or what was wrong with it."""
    path = component_path(action, composition.namespace)
    if path is None:
        return error_result(NOT_A_NAME.format(value=_compact(action)))
    components = composition.budget.conducted.components
    if not components.left:
        return error_result(TOO_MANY)
    try:
        component = await composition.resolve(path)
    except ForbiddenError:
        return error_result(FORBIDDEN.format(name=path))
    except (NotFoundError, WrongCollectionError):
        return error_result(NOT_FOUND.format(name=path))
    if not is_conductor(component.action):  # of a conductor inside, its runs and its own components count
        components.take()
    return (await composition.run(component, params)).result


def read_step(result: msgspec.Raw) -> Step:
    """Read what a conductor answered; what is no object names nothing (pure)."""
    fields = fields_of(result)
    params, state = fields.get("params"), fields.get("state")
    return Step(
        action=fields.get("action"),
        params=None if params is None else boxed(params, "value"),
        state={} if state is None else fields_of(boxed(state, "state")),
    )


def boxed(value: msgspec.Raw, key: str) -> msgspec.Raw:
    """Return an object as it is, anything else as the only value of one (pure)."""
    if bytes(memoryview(value)[:64]).lstrip().startswith(b"{"):
        return value
    return msgspec.Raw(msgspec.json.encode({key: value}))


def with_state(result: msgspec.Raw, state: Arguments) -> msgspec.Raw:
    """Overlay a result with the conductor's state, which wins (pure)."""
    if not state:
        return next_arguments(result)
    return msgspec.Raw(msgspec.json.encode(fields_of(boxed(result, "value")) | state))


def component_path(action: msgspec.Raw, namespace: str) -> EntityPath | None:
    """Read `name`, `pkg/name`, `/ns/name` or `/ns/pkg/name`; None when it is no name (pure)."""
    try:
        text = msgspec.json.decode(action, type=str)
        if text.startswith(("/", f"{OWN_NAMESPACE}/")):
            return EntityPath.parse(text, own_namespace=namespace)
        return EntityPath.of(namespace, *text.split("/"))
    except (*_UNREADABLE, InvalidError):
        return None


def _compact(value: msgspec.Raw) -> str:
    """Write JSON without the blanks between its parts."""
    try:
        return msgspec.json.format(bytes(value), indent=-1).decode()
    except _UNREADABLE:
        return bytes(value).decode(errors="replace")
