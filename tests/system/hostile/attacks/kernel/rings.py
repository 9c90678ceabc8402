# Uses interfaces that kernels were broken with: io_uring, userfaultfd, vmsplice.
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
        ("io_uring_setup", (425, 1, 0)),
        ("io_uring_enter", (426, 0, 0, 0, 0, 0, 0)),
        ("io_uring_register", (427, 0, 0, 0, 0)),
        ("userfaultfd", (323, 0)),
        ("vmsplice", (278, 1, 0, 0, 0)),
        ("modify_ldt", (154, 0, 0, 0)),
        ("memfd_secret", (447, 0)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
