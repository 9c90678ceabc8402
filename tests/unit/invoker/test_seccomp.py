"""The filter of system calls, run by a small interpreter of the kernel's filter language."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ioruntime.invoker.drivers.seccomp.filter import program
from ioruntime.invoker.drivers.seccomp.profile import numbers, profile

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x80000000
X86_64, AARCH64 = 0xC000003E, 0xC00000B7
Decide = Callable[..., int]


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def known(machine: str) -> dict[str, int]:
    found = numbers(machine)
    assert found
    return found


@pytest.fixture
def decide(machine: str, known: dict[str, int]) -> Decide:
    code = program(machine)
    assert code
    architecture = {"x86_64": X86_64, "aarch64": AARCH64}[machine]

    def answer(name: str, *arguments: int) -> int:
        return _run(code, known[name], architecture, arguments)

    return answer


def test_every_call_is_answered_as_the_profile_says(decide: Decide, known: dict[str, int]) -> None:
    allowed = {name for group in profile().groups.values() for name in group.calls}
    for name in known.keys() - profile().rules.keys():
        expected = ALLOW if name in allowed else ENOSYS if name == "clone3" else EPERM
        assert decide(name) == expected, name


@pytest.mark.parametrize(
    "name",
    [
        "mount",
        "umount2",
        "pivot_root",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "bpf",
        "keyctl",
        "add_key",
        "request_key",
        "userfaultfd",
        "perf_event_open",
        "kexec_load",
        "kexec_file_load",
        "init_module",
        "finit_module",
        "delete_module",
        "unshare",
        "setns",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "open_by_handle_at",
        "chroot",
        "reboot",
        "swapon",
        "acct",
        "clock_settime",
        "settimeofday",
        "syslog",
        "quotactl",
        "pidfd_getfd",
        "open_tree",
        "move_mount",
        "fsopen",
        "fsconfig",
        "fsmount",
        "sethostname",
        "vmsplice",
    ],
)
def test_what_breaks_kernels_is_refused(decide: Decide, name: str) -> None:
    assert decide(name) == EPERM


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        pytest.param("clone", (0x3D0F00,), ALLOW, id="a thread"),
        pytest.param("clone", (0x1200011,), ALLOW, id="a child"),
        pytest.param("clone", (0x10000011,), EPERM, id="a user namespace"),
        pytest.param("clone", (0x40000000,), EPERM, id="a network namespace"),
        pytest.param("clone", (0x00020000,), EPERM, id="a mount namespace"),
        pytest.param("clone", (0xFFFFFFFF_10000011,), EPERM, id="a namespace behind bits that the kernel overlooks"),
        pytest.param("socket", (1, 0x80001, 0), ALLOW, id="unix"),
        pytest.param("socket", (2, 0x80801, 6), ALLOW, id="tcp"),
        pytest.param("socket", (10, 2, 17), ALLOW, id="udp"),
        pytest.param("socket", (16, 0x80003, 0), ALLOW, id="routes"),
        pytest.param("socket", (16, 3, 12), EPERM, id="netfilter"),
        pytest.param("socket", (2, 3, 1), EPERM, id="raw"),
        pytest.param("socket", (2, 2, 1), EPERM, id="ping"),
        pytest.param("socket", (2, 1, 132), EPERM, id="sctp"),
        pytest.param("socket", (17, 3, 0x300), EPERM, id="packets"),
        pytest.param("socket", (40, 1, 0), EPERM, id="hypervisor"),
        pytest.param("socket", (38, 5, 0), EPERM, id="kernel crypto"),
        pytest.param("socketpair", (1, 1, 0), ALLOW, id="pair"),
        pytest.param("socketpair", (16, 1, 0), EPERM, id="pair of another kind"),
        pytest.param("ioctl", (0, 0x5413), ALLOW, id="size of a terminal"),
        pytest.param("ioctl", (0, 0x5412), EPERM, id="typing for others"),
        pytest.param("ioctl", (0, 0xFFFFFFFF_00005412), EPERM, id="typing behind bits that the kernel overlooks"),
        pytest.param("personality", (0xFFFFFFFF,), ALLOW, id="asking"),
        pytest.param("personality", (0x0040000,), EPERM, id="no randomisation"),
        pytest.param("mknodat", (-100 & 0xFFFFFFFF, 0, 0o10644), ALLOW, id="a pipe with a name"),
        pytest.param("mknodat", (-100 & 0xFFFFFFFF, 0, 0o60644), EPERM, id="a disk"),
    ],
)
def test_rules(decide: Decide, name: str, arguments: tuple[int, ...], expected: int) -> None:
    assert decide(name, *arguments) == expected


def test_newer_and_foreign_calls() -> None:
    code = program("x86_64")
    assert code
    assert _run(code, 9999, X86_64, ()) == ENOSYS
    assert _run(code, 39 | 0x40000000, X86_64, ()) == ENOSYS  # x32
    assert _run(code, 39, 0x40000003, ()) == KILL  # i386
    assert program("riscv64") is None


def test_the_profile_names_real_calls_and_gives_reasons() -> None:
    either = (numbers("x86_64") or {}).keys() | (numbers("aarch64") or {}).keys()
    for group in (*profile().groups.values(), profile().absent):
        assert group.reason.endswith(".")
        assert set(group.calls) <= either
    assert profile().rules.keys() <= either


def test_numbers_are_those_of_the_kernel(known: dict[str, int], machine: str) -> None:
    assert (known["read"], known["clone3"]) == ({"x86_64": 0, "aarch64": 63}[machine], 435)
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if machine == "x86_64" and header.exists():
        told = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
        shared = {name: number for name, number in known.items() if f"__NR_{name}" in told}
        assert shared == {name: int(told[f"__NR_{name}"]) for name in shared}


def test_an_allowed_call_costs_few_steps(known: dict[str, int], machine: str) -> None:
    code = program(machine)
    assert code
    architecture = {"x86_64": X86_64, "aarch64": AARCH64}[machine]
    steps = [len(list(_trace(code, known[name], architecture, ()))) for name in ("read", "write", "futex", "epoll_ctl")]
    assert max(steps) <= 14


def _run(code: bytes, number: int, architecture: int, arguments: tuple[int, ...]) -> int:
    return list(_trace(code, number, architecture, arguments))[-1]


def _trace(code: bytes, number: int, architecture: int, arguments: tuple[int, ...]) -> Iterator[int]:
    """Yield the accumulator of each step, and the answer at last."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *(0,) * (6 - len(arguments)))
    instructions = list(struct.iter_unpack("<HBBI", code))
    at = held = 0
    while True:
        kind, yes, no, operand = instructions[at]
        at += 1
        match kind:
            case 0x20:
                held = struct.unpack_from("<I", data, operand)[0]
            case 0x54:
                held &= operand
            case 0x15:
                at += yes if held == operand else no
            case 0x35:
                at += yes if held >= operand else no
            case 0x05:
                at += operand
            case _:
                assert kind == 0x06
                yield operand
                return
        yield held
