"""Which server and namespace a command speaks to: the flags, and the opened API."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ioruntime.cli.usage import UsageError

if TYPE_CHECKING:
    from ioruntime.client.api import Api


@Parameter(name="*")
@dataclass(frozen=True)
class Reach:
    """Flags of every command that speaks to a server."""

    apihost: Annotated[str | None, Parameter(help="Where the API is; http://127.0.0.1:3233 if nothing else says so.")] = None
    auth: Annotated[str | None, Parameter(help="Key uuid:key of the namespace.")] = None
    data_dir: Annotated[Path | None, Parameter(help="Data directory of a server, whose credentials.json is used.")] = None

    def open(self) -> "Api":
        """Return the API with the nearest credentials.

        Raises:
            UnauthenticatedError: there are none.
            UsageError: a host or a key that is none.
        """
        from ioruntime.client.api import Api
        from ioruntime.client.credentials import Found, find
        from ioruntime.model.errors import InvalidError

        flags = Found("--auth", self.apihost, self.auth)
        try:
            return Api(find(flags, os.environ, Path.cwd(), self.data_dir))
        except InvalidError as error:
            raise UsageError(str(error)) from error


NEAREST = Reach()
"""No flag given: environment and files say where."""
