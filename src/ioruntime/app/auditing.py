"""Who changed what an administrator can change: a line of the log each, and a line of a file where one is set."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from ioruntime.faces.adobe.audit import AdminChange

_MODE = 0o600


class Auditor:
    """Writes the lines. Of keys and tokens they hold nothing."""

    def __init__(self, file: Path | None) -> None:
        """Write to `file`, which is made if need be and only ever added to."""
        self._file = file
        self._log = structlog.get_logger()

    def changed(self, change: AdminChange) -> None:
        """Tell of a change that was made. A file that cannot be written is told in the log, and undoes nothing."""
        facts = msgspec.structs.asdict(change)
        self._log.info("audit", **facts)
        if self._file is not None:
            try:
                self._add(self._file, {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts})
            except OSError as error:
                self._log.error("audit_file_failed", file=str(self._file), reason=str(error))

    @staticmethod
    def _add(file: Path, facts: dict[str, str]) -> None:
        # One write to a file opened for adding: lines of several processes do not mix.
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            os.write(descriptor, msgspec.json.encode(facts) + b"\n")
        finally:
            os.close(descriptor)
