"""Sockets in another network namespace: how the platform reaches a container that has no network.

A socket belongs for life to the namespace that its thread was in when it was made. One thread steps into the
container's namespace, makes the socket and steps back; all else happens on the event loop.
"""

import ctypes
import os
import socket
from pathlib import Path

_CLONE_NEWNET = 0x40000000


def socket_of(pid: int) -> socket.socket:
    """Make a TCP socket in the network namespace of a process. Needs root; call it on a thread of your own.

    Raises:
        OSError: the process is gone, it has no namespace of its own, or this process may not enter it.
    """
    theirs = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _made_inside(theirs, ours)
        finally:
            os.close(ours)
    finally:
        os.close(theirs)


def can_enter() -> bool:
    """Whether this process has the rights that `socket_of` needs."""
    return os.geteuid() == 0 and Path("/proc/thread-self/ns/net").exists()


def _made_inside(theirs: int, ours: int) -> socket.socket:
    # A process that took over the number of one that is gone could be any; what is dialled must never be this machine.
    if os.path.sameopenfile(theirs, ours):
        raise ProcessLookupError("the process has no network namespace of its own")
    _enter(theirs)
    try:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    finally:
        _enter(ours)
    made.setblocking(False)
    return made


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
