"""What a server looks at before it opens its store: that no restore was cut off, and that the file is whole."""

import structlog

from ioruntime.app.keeping.places import Places
from ioruntime.app.settings import Settings
from ioruntime.model.errors import ConflictError
from ioruntime.stores.sql.snapshot import check_whole, sqlite_file

log = structlog.stdlib.get_logger()


def check_store(settings: Settings) -> None:
    """Refuse a store that must not be opened; a missing one is fine, and PostgreSQL looks after itself.

    Raises:
        ConflictError: a restore has not come to its end.
        DamagedError: the file is not whole.
        UnavailableError: it cannot be read.
    """
    if not settings.store_url().startswith("sqlite"):
        return
    places = Places(settings.data_dir, sqlite_file(settings.store_url()))
    if places.unfinished.exists():
        raise ConflictError(
            f"a restore of {settings.data_dir} was cut off: run `ioruntime restore FILE --overwrite` again, "
            f"or delete {places.unfinished} if what is there is what you want"
        )
    if not settings.store.check_s or not places.database.exists() or not places.database.stat().st_size:
        return
    if not check_whole(places.database, within_s=settings.store.check_s):
        log.warning("store_check_incomplete", file=str(places.database), check_s=settings.store.check_s)
