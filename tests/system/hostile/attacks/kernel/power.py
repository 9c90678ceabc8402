# Restarts the machine, takes its swap, its accounting and its log.
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
        ("reboot", (169, 0xFEE1DEAD, 672274793, 0x1234567, 0)),
        ("swapon", (167, b"/tmp/x", 0)),
        ("swapoff", (168, b"/tmp/x")),
        ("acct", (163, 0)),
        ("syslog", (103, 2, b"\0" * 64, 64)),
        ("quotactl", (179, 0, 0, 0, 0)),
        ("iopl", (172, 3)),
        ("ioperm", (173, 0, 1, 1)),
        ("vhangup", (153)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
