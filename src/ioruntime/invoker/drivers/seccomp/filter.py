"""From a list of allowed system calls to the small program by which the kernel refuses all others (classic BPF).

Pure. The program finds a number by halves, so an allowed call costs eight comparisons, not three hundred. It answers
EPERM for what the profile does not name, ENOSYS for what is newer than the table of numbers or said to be absent, and
kills the caller of another architecture's system calls.
"""

import errno
import struct
from itertools import pairwise

import msgspec

from ioruntime.invoker.drivers.seccomp.profile import Profile, Rule, Test, numbers, profile

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*
_LOAD, _MASK, _EQUAL, _AT_LEAST, _JUMP, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x05, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT, _ARGUMENT_BYTES = 0, 4, 16, 8  # struct seccomp_data, little endian
_ALLOW, _KILL, _ERRNO = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_REFUSED, _ABSENT = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_LONGEST_HOP = 255


class _Span(msgspec.Struct, frozen=True):
    """Numbers from `first` up to the next span, answered by the same code."""

    first: int
    code: tuple[bytes, ...]


def program(machine: str) -> bytes | None:
    """The filter as `struct sock_filter[]`, or None for a machine whose system calls are not in the table."""
    known = numbers(machine)
    return None if known is None else compile_filter(profile(), known, architecture=_ARCHITECTURES[machine])


def compile_filter(allowed: Profile, known: dict[str, int], *, architecture: int) -> bytes:
    """Write the filter for one architecture.

    Args:
        allowed: calls that the architecture does not have are passed over.
        known: every call of the architecture.
        architecture: as the kernel tells it, `AUDIT_ARCH_*`.
    """
    code = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_EQUAL, architecture, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
        *_search(_spans(_answers(allowed, known), newest=max(known.values()))),
    ]
    return b"".join(code)


def _answers(allowed: Profile, known: dict[str, int]) -> dict[int, tuple[bytes, ...]]:
    answers = {known[name]: _return(_ALLOW) for group in allowed.groups.values() for name in group.calls if name in known}
    answers |= {known[name]: _return(_ABSENT) for name in allowed.absent.calls if name in known}
    return answers | {known[name]: _rule(rule) for name, rule in allowed.rules.items() if name in known}


def _spans(answers: dict[int, tuple[bytes, ...]], *, newest: int) -> list[_Span]:
    """Cover all numbers; the x32 calls of x86_64 lie above `newest` too."""
    every = [_Span(number, answers.get(number, _return(_REFUSED))) for number in range(newest + 1)]
    every.append(_Span(newest + 1, _return(_ABSENT)))
    return [every[0], *(span for before, span in pairwise(every) if span.code != before.code)]


def _search(spans: list[_Span]) -> list[bytes]:
    if len(spans) == 1:
        return list(spans[0].code)
    middle = len(spans) // 2
    lower, upper = _search(spans[:middle]), _search(spans[middle:])
    if len(lower) <= _LONGEST_HOP:
        return [_instruction(_AT_LEAST, spans[middle].first, yes=len(lower)), *lower, *upper]
    hop = [_instruction(_AT_LEAST, spans[middle].first, no=1), _instruction(_JUMP, len(lower))]
    return [*hop, *lower, *upper]


def _rule(rule: Rule) -> tuple[bytes, ...]:
    code: list[bytes] = []
    for line in rule.lines:
        rest = list(_return(_ALLOW))
        for test in reversed(line):  # from the end, as each test must know how far the next line is
            rest = [*_test(test, len(rest)), *rest]
        code += rest
    return (*code, *_return(_REFUSED))


def _test(test: Test, miss: int) -> list[bytes]:
    """Go on with what follows when the test holds, or skip `miss` instructions."""
    load = [_instruction(_LOAD, _ARGUMENTS_AT + _ARGUMENT_BYTES * test.argument), _instruction(_MASK, test.mask)]
    if test.unless:
        last = len(test.unless) - 1
        return [*load, *(_instruction(_EQUAL, value, yes=last - i + miss) for i, value in enumerate(test.unless))]
    last = len(test.values) - 1
    held = [_instruction(_EQUAL, value, yes=last - i, no=miss if i == last else 0) for i, value in enumerate(test.values)]
    return [*load, *held]


def _return(answer: int) -> tuple[bytes, ...]:
    return (_instruction(_RETURN, answer),)


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, operand)
