# Loads programs and modules into the kernel, or another kernel.
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
        ("bpf", (321, 0, 0, 0)),
        ("init_module", (175, 0, 0, b"")),
        ("finit_module", (313, 0, b"", 0)),
        ("delete_module", (176, b"x", 0)),
        ("kexec_load", (246, 0, 0, 0, 0)),
        ("kexec_file_load", (320, 0, 0, 0, 0, 0)),
        ("perf", (298, 0, 0, -1, -1, 0)),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
