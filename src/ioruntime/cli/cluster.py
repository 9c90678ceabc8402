"""`ioruntime cluster`: many processes on one machine that work as one; and `ioruntime invoker`, for one of them."""

import asyncio
import os
import signal
import time
from typing import Annotated

from cyclopts import App, Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import ANYWHERE, Json, Place
from ioruntime.model.errors import UnavailableError

app = App(name="cluster", help="Run controllers and invokers on this machine that work as one.", help_format="plaintext")
invoker = App(name="invoker", help="Look after single invokers of a cluster.", help_format="plaintext")
_DOWN_S = 60.0


@app.command
async def up(
    *,
    controllers: Annotated[int, Parameter(help="Processes that answer clients.")] = 2,
    invokers: Annotated[int, Parameter(help="Processes that run actions.")] = 2,
    nats: Annotated[str | None, Parameter(help="URL of a NATS server; without it, one is started.")] = None,
    postgres: Annotated[str | None, Parameter(help="URL of a PostgreSQL database; without it, a server is started.")] = None,
    port: Annotated[int | None, Parameter(help="Port that all controllers share; 3233 by default.")] = None,
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Run a cluster until it is told to stop; what dies is started again."""
    given = {"port": port, "bus.url": nats, "store.url": postgres}
    settings = place.settings(**given)
    from ioruntime.app.cluster.up import Size, run_cluster

    def started(url: str) -> None:
        if json:
            print_json({"url": url})
        else:
            print(f"cluster ready on {url}", flush=True)

    await run_cluster(settings, Size(controllers=controllers, invokers=invokers), started)


@app.command
async def status(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """Tell which processes run, and how the invokers are."""
    settings = place.settings()
    from ioruntime.app.cluster.status import look_at, table_of

    found = await look_at(settings.data_dir)
    if json:
        print_json(found)
    else:
        print(table_of(found))


@app.command
async def down(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """End a cluster: what runs is finished, what was accepted is kept."""
    settings = place.settings()
    from ioruntime.app.cluster.up import read_state

    state = read_state(settings.data_dir)
    os.kill(state.supervisor, signal.SIGTERM)
    deadline_s = time.monotonic() + _DOWN_S
    while time.monotonic() < deadline_s:
        try:
            read_state(settings.data_dir)
        except UnavailableError:
            if json:
                print_json({"url": state.url})
            else:
                print(f"The cluster on {state.url} has ended.")
            return
        await asyncio.sleep(0.1)
    raise UnavailableError(f"The cluster did not end within {_DOWN_S:.0f} s.")


@invoker.command
async def drain(
    name: Annotated[str, Parameter(help="Of the invoker, as `ioruntime cluster status` tells it.")],
    /,
    *,
    nats: Annotated[str | None, Parameter(help="URL of the cluster's NATS server; by default that of the settings.")] = None,
    json: Json = False,
    place: Place = ANYWHERE,
) -> None:
    """Have an invoker take nothing more and finish what it has; it takes work again after a restart."""
    settings = place.settings(**{"bus.url": nats})
    from ioruntime.app.cluster.status import drain_invoker

    await drain_invoker(settings, name)
    if json:
        print_json({"invoker": name, "condition": "draining"})
    else:
        print(f"{name} takes no more work.")
