# Changes the name of the machine.
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
        ("sethostname", (170, b"intruder", 8)),
        ("setdomainname", (171, b"intruder", 8)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
