"""Write docs/reference/operations.md from the tables of operations: `.venv/bin/python scripts/write_reference.py`."""

import asyncio
import tempfile
from pathlib import Path

from ioruntime.app.settings import InvokerSettings, Settings
from ioruntime.app.wiring import open_platform
from ioruntime.faces.docs.reference import operations_reference

PLACE = Path(__file__).parents[1] / "docs" / "reference" / "operations.md"


async def operations() -> str:
    """Ask a platform that runs nothing."""
    with tempfile.TemporaryDirectory(prefix="ioruntime-reference-") as folder:
        settings = Settings(data_dir=Path(folder), invoker=InvokerSettings(driver="process", prewarm=0))
        async with open_platform(settings, "http://localhost") as platform:
            return operations_reference(platform.application.faces)


if __name__ == "__main__":
    PLACE.write_text(asyncio.run(operations()))
