"""`ioruntime runtimes`: the kinds of actions, and the interpreters that run them."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from ioruntime.cli.output import print_json, print_rows
from ioruntime.cli.usage import ANYWHERE, Json, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ioruntime.model.kinds import Kind, Kinds
    from ioruntime.ports.sandbox import Interpreter

app = App(name="runtimes", help="Show, install and remove the interpreters of actions.", version_flags=[])

KindName = Annotated[str, Parameter(help="Such as nodejs:22.")]


@app.command(name="list")
def list_(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """List the kinds of actions, and what runs each on this machine."""
    settings = place.settings()
    from ioruntime.app.settings import runtimes_directory
    from ioruntime.invoker.interpreters import discover, load_families
    from ioruntime.model.kinds import Kinds

    found = discover(runtimes_directory(settings))
    kinds = Kinds.of(load_families(), found)
    rows = [(kind, _runner_of(kind.name, kinds, found)) for kind in kinds.listed()]
    if json:
        print_json([_facts(kind, runner) for kind, runner in rows])
    else:
        print_rows([("KIND", "RUN BY", ""), *(_cells(kind, runner) for kind, runner in rows)])


@app.command
def install(kind: KindName, /, *, json: Json = False, place: Place = ANYWHERE) -> None:
    """Fetch the interpreter of a kind."""
    settings = place.settings()
    from ioruntime.app.settings import runtimes_directory
    from ioruntime.invoker import interpreter_install
    from ioruntime.invoker.interpreters import load_families
    from ioruntime.model.kinds import Kinds

    name = Kinds.of(load_families()).accept(kind)
    installed = interpreter_install.install(name, runtimes_directory(settings))
    if json:
        print_json({"kind": installed.kind, "version": installed.version})
    else:
        print(f"{installed.kind} is run by version {installed.version}; a running server sees it at its next start.")


@app.command
def remove(kind: KindName, /, *, json: Json = False, place: Place = ANYWHERE) -> None:
    """Delete the interpreter that was fetched for a kind."""
    settings = place.settings()
    from ioruntime.app.settings import runtimes_directory
    from ioruntime.invoker import interpreter_install
    from ioruntime.invoker.interpreters import load_families
    from ioruntime.model.errors import NotFoundError
    from ioruntime.model.kinds import Kinds

    name = Kinds.of(load_families()).accept(kind)
    if not interpreter_install.remove(name, runtimes_directory(settings)):
        raise NotFoundError(f"No interpreter was installed for {name}.")
    if json:
        print_json({"kind": name})
    else:
        print(f"The interpreter of {name} is deleted.")


def _runner_of(kind: str, kinds: "Kinds", found: "Mapping[str, Interpreter]") -> "Interpreter | None":
    from ioruntime.model.kinds import NoInterpreterError

    try:
        return found[kinds.runs_as(kind)]
    except NoInterpreterError:
        return None


def _facts(kind: "Kind", runner: "Interpreter | None") -> "dict[str, str | bool | None]":
    run_by, version = (runner.kind, runner.version) if runner is not None else (None, None)
    return {"kind": kind.name, "runBy": run_by, "version": version, "default": kind.default}


def _cells(kind: "Kind", runner: "Interpreter | None") -> tuple[str, str, str]:
    shown = f"{runner.kind} ({runner.version})" if runner is not None else "nothing installed"
    return kind.name, shown, "default" if kind.default else ""
