"""`ioruntime limits`: what a namespace may use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from ioruntime.cli.output import print_json, print_rows
from ioruntime.cli.usage import ANYWHERE, Json, Place, UsageError

if TYPE_CHECKING:
    from ioruntime.model.identity import Namespace
    from ioruntime.model.limits import Limits

app = App(name="limits", help="Show and change what a namespace may use.", version_flags=[])

Name = Annotated[str, Parameter(help="Name of the namespace.")]


@app.command(name="get")
async def get_(namespace: Name, /, *, json: Json = False, place: Place = ANYWHERE) -> None:
    """Show what a namespace may use."""
    settings = place.settings()
    from ioruntime.app.admin import open_admin

    async with open_admin(settings) as admin:
        _show(await admin.namespaces.named(namespace), admin.limits, json=json)


@app.command(name="set")
async def set_(
    namespace: Name,
    /,
    *changes: Annotated[str, Parameter(help="name=value, such as invocationsPerMinute=100.")],
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Give a namespace limits of its own."""
    wanted = parse_changes(changes)
    settings = place.settings()
    from ioruntime.app.admin import open_admin

    async with open_admin(settings) as admin:
        _show(await admin.namespaces.set_limits(namespace, wanted), admin.limits, json=json)


@app.command
async def clear(namespace: Name, /, *, json: Json = False, place: Place = ANYWHERE) -> None:
    """Give a namespace the platform's limits again."""
    settings = place.settings()
    from ioruntime.app.admin import open_admin

    async with open_admin(settings) as admin:
        _show(await admin.namespaces.clear_limits(namespace), admin.limits, json=json)


def parse_changes(texts: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` of each text.

    Raises:
        UsageError: nothing to change, a limit that does not exist, or a value that it cannot have.
    """
    from ioruntime.model.errors import InvalidError
    from ioruntime.model.limits import check_override

    if not texts:
        raise UsageError("Say what to change: name=value, such as invocationsPerMinute=100.")
    changes: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"A limit is changed by name=value, not by '{text}'.")
        try:
            changes[name] = check_override(name, _parse(name, value))
        except InvalidError as error:
            raise UsageError(str(error)) from error
    return changes


def _parse(name: str, text: str) -> Any:
    """Read a value by the limit's type; what cannot be read stays text, which no limit takes."""
    if name == "allowedKinds":
        return [part.strip() for part in text.split(",") if part.strip()]
    if name == "storeActivations":
        return {"true": True, "false": False}.get(text.lower(), text)
    return int(text) if text.isascii() and text.isdigit() else text


def _show(namespace: "Namespace", system: "Limits", *, json: bool) -> None:
    values = _values(namespace, system)
    if json:
        print_json(values)
        return
    own = namespace.overrides
    print_rows([(name, _text(value), "of its own" if name in own else "") for name, value in values.items()])


def _values(namespace: "Namespace", system: "Limits") -> dict[str, Any]:
    from ioruntime.model.limits import OVERRIDES, effective

    allowed = effective(system, namespace.overrides)
    values: dict[str, Any] = {}
    for name, (field, side) in OVERRIDES.items():
        value = getattr(allowed, field)
        values[name] = getattr(value, side) if side else value
    return values


def _text(value: "int | bool | str | tuple[str, ...]") -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value or "as the platform's"
    return str(value) if isinstance(value, int) else ",".join(value) or "all"
