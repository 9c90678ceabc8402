"""Who may come in, as the faces of events see it."""

from typing import Protocol

from ioruntime.faces.http.call import Call
from ioruntime.model.identity import Identity
from ioruntime.ports.tokens import Claims


class Gate(Protocol):
    """Lets requests pass that bring an API key and a token that belong together."""

    async def holder(self, call: Call) -> Claims:
        """Return what the request's token says.

        Raises:
            IoRuntimeError: there is none, or it is not valid.
        """
        ...

    async def identity(self, call: Call) -> Identity:
        """Return who acts in the namespace of the path's `orgId` and `intId`.

        Raises:
            IoRuntimeError: as `holder`, or the token does not reach it.
        """
        ...
