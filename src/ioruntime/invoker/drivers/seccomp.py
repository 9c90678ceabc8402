"""System calls that no action needs and that kernels have been broken with: refused by a small BPF program.

Pure: a table and an assembler. The program answers EPERM for what is denied, ENOSYS for `clone3` (its flags lie in
memory where a filter cannot look; libc falls back to `clone`), EAFNOSUPPORT for exotic sockets, and kills the caller
of another architecture's system calls.
"""

import errno
import struct

_NUMBERS: dict[str, tuple[int, int]] = {  # x86_64, aarch64
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*
_X32_BIT = 0x4000_0000
_NEW_NAMESPACES = 0x7E02_0000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_SOCKET_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink; vsock and others know no network namespace

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # struct seccomp_data, little endian
_ALLOW, _KILL, _ERRNO = 0x7FFF_0000, 0x8000_0000, 0x0005_0000


def program(machine: str) -> bytes | None:
    """The filter as `struct sock_filter[]`, or None for a machine whose system calls are not in the table."""
    arch = _MACHINES.get(machine)
    if arch is None:
        return None
    column = list(_MACHINES).index(machine)
    code = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_EQUAL, arch, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
        *_answer_if(_AT_LEAST, _X32_BIT, _ERRNO | errno.ENOSYS),
        *_answer_if(_EQUAL, _CLONE3[column], _ERRNO | errno.ENOSYS),
    ]
    for numbers in _NUMBERS.values():
        code += _answer_if(_EQUAL, numbers[column], _ERRNO | errno.EPERM)
    code += _only_plain_clone(_CLONE[column]) + _only_known_families(_SOCKET[column])
    return b"".join([*code, _instruction(_RETURN, _ALLOW)])


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, operand)


def _answer_if(test: int, operand: int, answer: int) -> list[bytes]:
    return [_instruction(test, operand, no=1), _instruction(_RETURN, answer)]


def _only_plain_clone(number: int) -> list[bytes]:
    body = [
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
        *_answer_if(_ANY_BIT, _NEW_NAMESPACES, _ERRNO | errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return [_instruction(_EQUAL, number, no=len(body)), *body]


def _only_known_families(number: int) -> list[bytes]:
    body = [_instruction(_LOAD, _FIRST_ARGUMENT_AT)]
    for family in _SOCKET_FAMILIES:
        body += _answer_if(_EQUAL, family, _ALLOW)
    body.append(_instruction(_RETURN, _ERRNO | errno.EAFNOSUPPORT))
    return [_instruction(_EQUAL, number, no=len(body)), *body]
