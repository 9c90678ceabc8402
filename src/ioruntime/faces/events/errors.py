"""Refusals of what is taken name what has it in `x-conflicting-id`."""

import msgspec

from ioruntime.core.events.registering.refusals import TakenError
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import ErrorForm, Failure


def naming_conflicts(form: ErrorForm) -> ErrorForm:
    """Add the id of what is in the way to the refusals of a form."""

    def answer(call: Call, failure: Failure) -> Reply:
        reply = form(call, failure)
        if not isinstance(failure.error, TakenError):
            return reply
        conflicting = failure.error.conflicting_id.encode("ascii", "backslashreplace")
        return msgspec.structs.replace(reply, headers=(*reply.headers, (b"x-conflicting-id", conflicting)))

    return answer
