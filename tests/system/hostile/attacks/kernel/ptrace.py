# Traces its parent, and reads or writes the memory of others by system calls.
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
        ("attach", (101, 16, 1, 0, 0)),
        ("seize", (101, 0x4206, 1, 0, 0)),
        ("traceme", (101, 0, 0, 0, 0)),
        ("read memory", (310, 1, 0, 0, 0, 0, 0)),
        ("write memory", (311, 1, 0, 0, 0, 0, 0)),
        ("compare", (312, 1, 1, 0, 0, 0)),
        ("take a descriptor", (438, 0, 0, 0)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
