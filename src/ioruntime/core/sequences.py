"""Sequences: each component gets the result of the one before (OpenWhisk API contract, section 8)."""

from collections.abc import Sequence

import msgspec

from ioruntime.core.resolve import Resolved
from ioruntime.core.steps import Budget, Composition, End, LateError, fields_of
from ioruntime.model.activation import EMPTY_OBJECT, Activation, Status
from ioruntime.model.errors import ForbiddenError, NotFoundError, WrongCollectionError
from ioruntime.model.exec import SequenceExec
from ioruntime.model.names import EntityPath

TOO_MANY = "Too many actions in the sequence."
GONE = "Sequence component does not exist."
LATE = "Timeout reached when retrieving activation {id} for sequence component."


async def run_sequence(components: Sequence[str], payload: msgspec.Raw, composition: Composition) -> End:
    """Run the components in order; the first that does not succeed, or answers with an `error`, ends the sequence.

    An `error` in the payload itself stops nothing: only what a component answers counts.

    Raises:
        UnavailableError: the platform could not start a component.
    """
    arguments, end = payload, End(Status.SUCCESS, payload)
    for name in components:
        try:
            component = await composition.resolve(EntityPath.parse(name, own_namespace=composition.namespace))
        except (NotFoundError, ForbiddenError, WrongCollectionError):
            return End.application_error(GONE)
        if not _take(component, composition.budget):
            return End.application_error(TOO_MANY)
        try:
            activation = await composition.run(component, arguments)
        except LateError as error:
            return End.whisk_error(LATE.format(id=error.activation_id))
        end = End.of(activation)
        if _stops(activation):
            return end
        arguments = next_arguments(activation.result)
    return end


def next_arguments(result: msgspec.Raw) -> msgspec.Raw:
    """Turn a result into arguments: objects and arrays as they are, anything else is nothing (pure)."""
    return result if bytes(memoryview(result)[:64]).lstrip()[:1] in {b"{", b"["} else EMPTY_OBJECT


def _take(component: Resolved, budget: Budget) -> bool:
    """Count a component; False when there are too many. Of a sequence inside, its own actions count."""
    return budget.levels > 0 if isinstance(component.action.exec, SequenceExec) else budget.actions.take()


def _stops(activation: Activation) -> bool:
    """Tell whether nothing may follow; a conductor can succeed with an `error`."""
    return not activation.success or "error" in fields_of(activation.result)
