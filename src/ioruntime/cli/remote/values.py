"""Parameters and annotations as they are typed: flags, files of JSON, and the pairs that the API wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter

from ioruntime.cli.usage import UsageError

Pairs: TypeAlias = Annotated[
    tuple[tuple[str, str], ...],
    Parameter(negative="", allow_leading_hyphen=True, consume_multiple=False, json_list=False, json_dict=False),
]
"""NAME VALUE, each after a flag of its own; the value is taken as it is typed."""


@Parameter(name="*")
@dataclass(frozen=True)
class Given:
    """Parameters on the command line; a later one wins over an earlier one, and a flag over a file."""

    param: Annotated[Pairs, Parameter(help="NAME VALUE; the value is JSON, or else text as it is. May be repeated.")] = ()
    param_file: Annotated[Path | None, Parameter(help="File with a JSON object of parameters.")] = None

    def values(self) -> dict[str, Any]:
        """Return the parameters by their names.

        Raises:
            UsageError: the file holds no JSON object.
        """
        return (read_object(self.param_file) if self.param_file is not None else {}) | read_pairs(self.param)

    def document(self) -> dict[str, Any]:
        """Return the field `parameters` of an entity, if any are given: without it, an update keeps what there is."""
        values = self.values()
        return {"parameters": as_pairs(values)} if values else {}


NOTHING = Given()


def read_pairs(pairs: Pairs) -> dict[str, Any]:
    return {name: read_value(text) for name, text in pairs}


def read_value(text: str) -> Any:
    """Read a value as JSON; what is no JSON is text, so that people need not quote words."""
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def read_object(file: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        UsageError: it holds something else.
    """
    import msgspec

    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise UsageError(f"{file} does not hold a JSON object: {error}") from error


def as_pairs(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return values as the API writes parameters and annotations."""
    return [{"key": key, "value": value} for key, value in values.items()]
