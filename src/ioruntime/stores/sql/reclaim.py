"""Give disk space back to the file system, in steps so small that nobody waits for them."""

from ioruntime.stores.sql.engine import SqlEngine

_STEP_PAGES = 256
_STEPS = 256


async def reclaim(engine: SqlEngine) -> None:
    """Shorten the file by at most 256 MiB of free pages; PostgreSQL does the like by itself.

    Raises:
        UnavailableError: the file cannot be written.
    """
    if not engine.is_sqlite:
        return
    for _ in range(_STEPS):
        if not await _free_step(engine):
            break
    async with engine.maintaining() as connection:
        # The file gets shorter only when the log is carried over; this kind waits for no reader.
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


async def _free_step(engine: SqlEngine) -> bool:
    """Free some pages in a transaction of their own; False when there are none."""
    async with engine.maintaining() as connection:
        free = await connection.exec_driver_sql("PRAGMA freelist_count")
        if not free.scalar_one():
            return False
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        # Each step of the statement frees one page, and only a script is stepped to its end: others stop at the first.
        await driver.executescript(f"PRAGMA incremental_vacuum({_STEP_PAGES})")
        return True
