"""Who uses a data directory: a server alone, or a command that replaces what is in it."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ioruntime.model.errors import ConflictError

_FILE = "server.lock"


class OccupiedError(ConflictError):
    """Another process uses the data directory."""

    def __init__(self, data_dir: Path, holder: str) -> None:
        who = f"process {holder}" if holder else "another process"
        super().__init__(f"The data directory {data_dir} is in use by {who}.")


@contextmanager
def occupying(data_dir: Path) -> Generator[None]:
    """Have the directory for oneself while the context lasts; the system gives it free when the process is killed.

    Raises:
        OccupiedError: another process has it.
    """
    # Never deleted: who waits on a file that is gone would share it with nobody.
    descriptor = os.open(data_dir / _FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OccupiedError(data_dir, os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
