"""`ioruntime activation` and `ioruntime logs`: what ran, what came of it, and what it said."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import App, Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.remote import entities
from ioruntime.cli.remote.entities import Limit, Skip, page
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.usage import Json

if TYPE_CHECKING:
    from ioruntime.client.api import Api

app = App(name="activation", help="Show activations, their results and logs.", version_flags=[])

Id = Annotated[str, Parameter(help="Activation id.")]
Action = Annotated[str | None, Parameter(help="Only those of an action.")]
_POLL_S = 0.5
_REMEMBERED = 2_000
"""Ids of activations that were shown; more than one look can bring again."""


@app.command(name="list")
def list_(action: Action = None, /, *, limit: Limit = 30, skip: Skip = 0, json: Json = False, reach: Reach = NEAREST) -> None:
    """List activations, the latest first."""
    query = page(limit, skip) | ({"name": action} if action else {})
    columns = ("STARTED", "ACTIVATION", "NAME", "STATUS", "DURATION")
    entities.list_rows(reach, entities.path("activations"), query, json=json, columns=columns, row=_row)


@app.command
def get(activation: Id, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print an activation's record."""
    entities.show(reach, "activations", activation, json=json)


@app.command
def result(activation: Id, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print the result of an activation."""
    del json  # a result is JSON for people too
    with reach.open() as api:
        print_json(api.call("GET", f"{entities.path('activations', activation)}/result").get("result"))


@app.command(name="logs")
def logs_of(activation: Id, /, *, json: Json = False, reach: Reach = NEAREST) -> None:
    """Print what an activation wrote."""
    with reach.open() as api:
        found = api.call("GET", f"{entities.path('activations', activation)}/logs")
    if json:
        print_json(found)
    else:
        for line in found["logs"]:
            print(line)


def logs(
    action: Action = None,
    /,
    *,
    follow: Annotated[bool, Parameter(negative="", help="Go on with what comes, until interrupted.")] = False,
    limit: Annotated[int, Parameter(help="Of how many activations; 10 by default.")] = 10,
    json: Json = False,
    reach: Reach = NEAREST,
) -> None:
    """Print the logs of the latest activations, the oldest first."""
    page(limit, 0)
    with reach.open() as api:
        feed = records(api, action, latest=limit, follow=follow)
        try:
            for record in feed:
                show_log(record, json=json)
        except KeyboardInterrupt:
            return


def records(api: "Api", action: str | None, *, latest: int, follow: bool) -> Iterator[Any]:
    """Yield the records of the latest activations, the oldest first; then those that come, if asked to follow.

    Args:
        latest: how many of the past.
    """
    seen: OrderedDict[str, None] = OrderedDict()
    query = {"docs": "true"} | ({"name": action} if action else {})
    wanted = entities.PAGE if follow else latest
    is_first_look = True
    while True:
        found: list[Any] = api.call("GET", entities.path("activations"), query=query | {"limit": str(wanted)})
        if is_first_look:
            # What was before is not news, but for the latest.
            seen.update(dict.fromkeys([record["activationId"] for record in found[latest:]]))
            found, is_first_look = found[:latest], False
        for record in reversed(found):
            if record["activationId"] not in seen:
                seen[record["activationId"]] = None
                yield record
        while len(seen) > _REMEMBERED:
            seen.popitem(last=False)
        if not follow:
            return
        # Each look reaches far back: a long activation is recorded after its successors.
        time.sleep(_POLL_S)


def show_log(record: Any, *, json: bool) -> None:
    """Print one activation with what it wrote; JSON is one record a line, so that it can be followed."""
    if json:
        import msgspec

        print(msgspec.json.encode(record).decode(), flush=True)
        return
    status = record["response"].get("status") or "success"
    lines = [f"{entities.day(record['start'])} {record['name']} {record['activationId']}: {status}"]
    lines += [f"  {line}" for line in cast("list[str]", record.get("logs") or [])]
    if not record["response"].get("success", True):
        lines.append(f"  {record['response'].get('result')}")
    print("\n".join(lines), flush=True)


def _row(activation: Any) -> tuple[str, str, str, str, str]:
    status = ("success", "application error", "developer error", "internal error")
    code: int = activation.get("statusCode", 0)
    took = f"{activation['duration']} ms" if "duration" in activation else ""
    name, number = str(activation["name"]), str(activation["activationId"])
    return entities.day(activation["start"]), number, name, status[code] if 0 <= code < 4 else str(code), took
