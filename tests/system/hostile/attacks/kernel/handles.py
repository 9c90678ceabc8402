# Watches and opens what lies outside, by handles and notifications.
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
        ("name_to_handle_at", (303, -100, b"/", 0, 0, 0)),
        ("open_by_handle_at", (304, -100, 0, 0)),
        ("fanotify_init", (300, 0, 0)),
        ("fanotify_mark", (301, 0, 0, 0, 0, 0)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
