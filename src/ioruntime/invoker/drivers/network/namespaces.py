"""Network namespaces, made and entered by one thread of this process: the others never leave the host's."""

import asyncio
import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

_NEWNET = 0x4000_0000
_OWN = "/proc/thread-self/ns/net"
_T = TypeVar("_T")

_libc = ctypes.CDLL(None, use_errno=True)


class NetworkThread:
    """The thread in which network namespaces are made; work given to it runs one after the other."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="network")

    def call(self, work: Callable[[], _T]) -> _T:
        """Wait for `work`, outside an event loop or when it is short."""
        return self._executor.submit(work).result()

    async def run(self, work: Callable[[], _T], *, give_back: Callable[[_T], None]) -> _T:
        """Wait for `work`; what it makes for a caller who gave up meanwhile goes to `give_back`."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: done.exception() or give_back(done.result()))
            raise
        return future.result()

    def close(self) -> None:
        self._executor.shutdown()


def make() -> int:
    """Put the calling thread into a new network namespace, and return a descriptor that keeps it alive.

    Raises:
        OSError: this process may not.
    """
    _call(_libc.unshare, _NEWNET)
    return os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)


def enter(fd: int) -> None:
    """Put the calling thread into the namespace of a descriptor."""
    _call(_libc.setns, fd, _NEWNET)


def set_kernel(name: str, value: str) -> None:
    """Set `net.NAME` in the calling thread's namespace; a kernel without that setting has nothing to be switched off."""
    path = Path("/proc/sys/net", *name.split("."))
    if path.exists():
        path.write_text(value)


def _call(function: "ctypes._NamedFuncPointer", *arguments: int) -> None:
    if function(*arguments):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
