"""Words and flags that every command shares."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter

from ioruntime.model.errors import IoRuntimeError

if TYPE_CHECKING:
    from ioruntime.app.settings import Settings

Json: TypeAlias = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a text for people.")]


class UsageError(IoRuntimeError):
    """The command cannot mean anything as it was written."""


@Parameter(name="*")
@dataclass(frozen=True)
class Place:
    """Where the platform keeps its things, and what its settings are."""

    data_dir: Annotated[Path | None, Parameter(help="Data directory; .ioruntime in the current folder by default.")] = None
    config: Annotated[Path | None, Parameter(help="Settings file in TOML.")] = None

    def settings(self, **overrides: Any) -> "Settings":
        """Read the settings, with what the command line says on top.

        Raises:
            UsageError: a setting that does not exist, or a value that it cannot have.
        """
        from ioruntime.app.settings import SettingsError, load

        try:
            return load(self.config, os.environ, {"data_dir": self.data_dir, **overrides})
        except SettingsError as error:
            raise UsageError(str(error)) from error


ANYWHERE = Place()
"""No flag given: environment and defaults say where."""
