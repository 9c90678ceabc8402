"""`ioruntime migrate`: bring a store to this version's schema."""

from ioruntime.cli.output import print_json
from ioruntime.cli.usage import ANYWHERE, Json, Place


async def migrate(*, json: Json = False, place: Place = ANYWHERE) -> None:
    """Bring the store to this version's schema."""
    settings = place.settings()
    from ioruntime.app.admin import migrate_store

    before = await migrate_store(settings)
    if json:
        print_json({"before": before.current, "now": before.head})
    elif before.is_current:
        print(f"The store has this version's schema already: {before.head}.")
    else:
        print(f"The store's schema is {before.head} now; before it was {before.current or 'empty'}.")
