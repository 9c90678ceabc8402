"""Action code as files named by their digest: written once, complete or not at all."""

import asyncio
import errno
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ioruntime.model.errors import CorruptError, NotFoundError, UnavailableError

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_INCOMING = "incoming"
_ABANDONED_S = 3600.0
"""A file that has been incoming for longer belongs to a process that was killed."""
_REASONS = {
    errno.ENOSPC: "The disk for action code is full.",
    errno.EDQUOT: "The disk for action code is full.",
    errno.EROFS: "The disk for action code is read-only.",
}


class FileBlobs:
    """The `BlobStore` of one directory, which several processes may share: `ROOT/ab/cdef...` holds digest `abcdef...`.

    Use it as a context manager, or call `close`, to end its threads.
    """

    def __init__(self, root: Path, *, threads: int = 2) -> None:
        self._root = root
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blobs")

    def __repr__(self) -> str:
        return f"<FileBlobs {self._root}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def keeping(self) -> Generator[None]:
        """Let no process delete a blob while the context lasts; blocks until a deletion in progress has ended."""
        with self._guarding_from_sweep(fcntl.LOCK_SH):
            yield

    def file(self, digest: str) -> Path:
        """Return where a blob is, or would be."""
        return self._path(digest)

    def close(self) -> None:
        """Take no more work; what is being written gets finished."""
        self._threads.shutdown(wait=False)

    async def put(self, content: bytes) -> str:
        """Do as the port says; a damaged blob of this digest is repaired.

        Raises:
            UnavailableError: the disk is full, read-only or broken.
        """
        return await self._in_thread(partial(self._put, content))

    async def get(self, digest: str) -> bytes:
        return await self._in_thread(partial(self._get, digest))

    async def sweep(self, keep: set[str], *, older_than_s: float) -> int:
        now_s = time.time()
        return await self._in_thread(partial(self._sweep, frozenset(keep), now_s=now_s, older_than_s=older_than_s))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with _translated():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _put(self, content: bytes) -> str:
        digest = sha256(content).hexdigest()
        path = self._path(digest)
        if not self._renew(path, content):
            self._write(path, content)
        _sync_directory(path.parent)
        _sync_directory(self._root)
        return digest

    def _renew(self, path: Path, content: bytes) -> bool:
        """Make what is stored count as new; False when it is not there or not whole."""
        with suppress(FileNotFoundError), self._guarding_from_sweep(fcntl.LOCK_SH):
            if path.read_bytes() == content:
                os.utime(path)
                return True
        return False

    def _write(self, path: Path, content: bytes) -> None:
        incoming = self._root / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=incoming)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _get(self, digest: str) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise NotFoundError
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError from error
        if sha256(content).hexdigest() != digest:
            raise CorruptError
        return content

    def _sweep(self, keep: frozenset[str], *, now_s: float, older_than_s: float) -> int:
        self._sweep_incoming(now_s)
        return sum(
            self._remove(path, put_before_s=now_s - older_than_s) for path in self._blobs() if _digest_of(path) not in keep
        )

    def _remove(self, path: Path, *, put_before_s: float) -> bool:
        with suppress(FileNotFoundError), self._guarding_from_sweep(fcntl.LOCK_EX):
            if path.stat().st_mtime <= put_before_s:
                path.unlink()
                return True
        return False

    def _sweep_incoming(self, now_s: float) -> None:
        for path in (self._root / _INCOMING).glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < now_s - _ABANDONED_S:
                    path.unlink()

    def _blobs(self) -> Iterator[Path]:
        return (path for path in self._root.glob("??/*") if _DIGEST.fullmatch(_digest_of(path)))

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    @contextmanager
    def _guarding_from_sweep(self, mode: int) -> Generator[None]:
        """Keep a blob from being looked at by one process and deleted by another in between."""
        self._root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._root / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, mode)
            yield
        finally:
            os.close(descriptor)


def _digest_of(path: Path) -> str:
    return path.parent.name + path.name


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"Action code cannot be stored or read now: {error.strerror}.")
        raise UnavailableError(reason) from error
