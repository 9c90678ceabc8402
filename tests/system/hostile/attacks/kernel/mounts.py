# Mounts, unmounts and moves file systems, by the old and the new interface.
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
        ("mount", (165, b"none", b"/tmp", b"tmpfs", 0, 0)),
        ("umount", (166, b"/tmp", 2)),
        ("pivot_root", (155, b"/tmp", b"/tmp")),
        ("open_tree", (428, -100, b"/", 1)),
        ("move_mount", (429, -1, b"", -1, b"", 0)),
        ("fsopen", (430, b"tmpfs", 0)),
        ("fsconfig", (431, 0, 0, 0, 0, 0)),
        ("fsmount", (432, 0, 0, 0)),
        ("mount_setattr", (442, -100, b"/", 0, 0, 0)),
        ("chroot", (161, b"/tmp")),
    ]
    return {
        "breaches": [
            name
            for name, arguments in calls
            if X86 and not refused(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        ]
    }
