"""`ioruntime secrets`: the keys that parameters are encrypted with."""

from cyclopts import App

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import ANYWHERE, Json, Place

app = App(name="secrets", help="The keys that the store is encrypted with.", version_flags=[])


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
