# Takes keys from the kernel or leaves some for others.
# expect: denied
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"


def refused(*arguments):
    """Whether the filter said no; numbers are those of x86_64."""
    ctypes.set_errno(0)
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return libc.syscall(*wide) == -1 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS)


def main(args):
    calls = [
        ("add_key", (248, b"user", b"x", b"y", 1, -3)),
        ("request_key", (249, b"user", b"x", 0, -3)),
        ("keyctl", (250, 0, -3, 0, 0, 0)),
        ("join a session", (250, 1, b"x")),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
