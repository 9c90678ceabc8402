"""`ioruntime version`."""

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import Json


def installed() -> str:
    """Return the version of the installed package."""
    from importlib import metadata

    return metadata.version("ioruntime")


def version(*, json: Json = False) -> None:
    """Print the version of the platform."""
    if json:
        print_json({"version": installed()})
    else:
        print(installed())
