"""`ioruntime secrets`: the keys that parameters are encrypted with, and webhooks are signed with."""

import asyncio

from cyclopts import App

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import ANYWHERE, Json, Place

app = App(name="secrets", help="The keys that the store is encrypted with, and webhooks are signed with.", version_flags=[])


@app.command
async def rotate_signing(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """Make a new key for the signatures of webhooks; the newest of before goes on to sign beside it."""
    settings = place.settings()
    from ioruntime.app.admin import rotate_event_keys

    path = await asyncio.to_thread(rotate_event_keys, settings)
    if json:
        print_json({"path": path})
    else:
        print(f"Webhooks are signed with {path} too, within a second.")


@app.command
async def rotate(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """Make a new key, and encrypt everything in the store with it; the old keys stay readable."""
    settings = place.settings()
    from ioruntime.app.admin import rotate_secrets

    key_id, count = await rotate_secrets(settings)
    if json:
        print_json({"key": key_id, "documents": count})
    else:
        print(f"The key in use is {key_id} now; {count} documents were encrypted with it.")
