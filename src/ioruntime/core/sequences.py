"""Sequences: each component gets the result of the one before (OpenWhisk API contract, section 8)."""

from collections.abc import Sequence

import msgspec

from ioruntime.core.steps import Component, End, Timing
from ioruntime.model.activation import EMPTY_OBJECT, Status
from ioruntime.model.errors import ForbiddenError, NotFoundError, UnavailableError, WrongCollectionError
from ioruntime.model.exec import SequenceExec
from ioruntime.model.names import EntityPath

TOO_MANY = "Too many actions in the sequence."
GONE = "Sequence component does not exist."
LATE = "Timeout reached when retrieving activation {id} for sequence component."


async def run_sequence(components: Sequence[str], payload: msgspec.Raw, run: Component, timing: Timing) -> End:
    """Run the components in order; the first that does not succeed ends the sequence with its response.

    An `error` in the payload itself stops nothing: only what a component answers counts.
    """
    arguments, end = payload, End(Status.SUCCESS, payload)
    for name in components:
        path = EntityPath.parse(name, own_namespace=run.namespace)
        try:
            is_sequence = isinstance((await run.check(path)).action.exec, SequenceExec)
            # The actions inside of a nested sequence count, the sequence itself does not.
            if not is_sequence and not run.budget.take_component():
                return End.application_error(TOO_MANY)
            activation = await run.run(path, arguments)
        except (NotFoundError, ForbiddenError, WrongCollectionError):
            return End.application_error(GONE)
        except UnavailableError as error:
            return End.whisk_error(str(error))
        except TimeoutError as error:
            return End.whisk_error(LATE.format(id=error))
        timing.add(activation)
        end = End.of(activation)
        if not activation.success:
            return end
        arguments = next_arguments(activation.result)
    return end


def next_arguments(result: msgspec.Raw) -> msgspec.Raw:
    """Turn a result into arguments: objects and arrays as they are, anything else is nothing."""
    return result if bytes(memoryview(result)[:64]).lstrip()[:1] in {b"{", b"["} else EMPTY_OBJECT
