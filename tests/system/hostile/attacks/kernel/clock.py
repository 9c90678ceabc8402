# Changes the clock of the machine.
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
        ("settimeofday", (164, 0, 0)),
        ("clock_settime", (227, 0, b"\0" * 16)),
        ("adjtimex", (159, b"\0" * 208)),
        ("clock_adjtime", (305, 0, b"\0" * 208)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
