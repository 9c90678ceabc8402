"""Log lines of activations."""

import re

import pytest

from ioruntime.invoker.logs import SandboxLog, format_line
from ioruntime.model.activation import ActivationId
from ioruntime.ports.sandbox import Stream

A, B = ActivationId("a" * 32), ActivationId("b" * 32)


def texts(lines: tuple[str, ...]) -> list[str]:
    return [line[31:] for line in lines]


def test_a_line_has_thirty_characters_of_time_then_the_stream() -> None:
    line = format_line(1_542_234_180_002_000_000, Stream.STDOUT, "text")
    assert line == "2018-11-14T22:23:00.002000000Z stdout: text"
    assert re.fullmatch(r".{30} stdout: text", line)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([b"one\ntwo\n"], ["stdout: one", "stdout: two"], id="lines"),
        pytest.param([b"on", b"e\ntw", b"o"], ["stdout: one", "stdout: two"], id="pieces of lines"),
        pytest.param([b"\n\n"], ["stdout: ", "stdout: "], id="empty lines"),
        pytest.param([b"\xff\xfe\n"], ["stdout: \ufffd\ufffd"], id="not UTF-8"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_lines(chunks: list[bytes], expected: list[str]) -> None:
    log = SandboxLog()
    log.begin(A, 1000)
    for chunk in chunks:
        log(Stream.STDOUT, chunk)
    assert texts(log.end(A)) == expected


def test_lines_sort_as_text_in_the_order_they_came() -> None:
    log = SandboxLog()
    log.begin(A, 100_000)
    log(Stream.STDOUT, b"".join(b"%d\n" % i for i in range(500)))
    lines = log.end(A)
    assert sorted(lines) == list(lines)


def test_over_the_limit_the_rest_is_cut_and_said_so() -> None:
    log = SandboxLog()
    log.begin(A, 10)
    for _ in range(100):
        log(Stream.STDOUT, b"123456\n")
    assert texts(log.end(A)) == [
        "stdout: 123456",
        "stdout: 1234",
        "stderr: Logs were truncated because the total bytes size exceeds the limit of 10 bytes.",
    ]


def test_a_limit_of_zero_keeps_no_line() -> None:
    log = SandboxLog()
    log.begin(A, 0)
    log(Stream.STDOUT, b"x\n")
    assert texts(log.end(A)) == ["stderr: Logs were truncated because the total bytes size exceeds the limit of 0 bytes."]


def test_an_endless_line_does_not_grow_without_end() -> None:
    log = SandboxLog()
    log.begin(A, 1000)
    for _ in range(64):
        log(Stream.STDOUT, b"x" * 65536)
    assert sum(map(len, log._partial.values())) <= 1024 * 1024
    assert len(log.end(A)) == 2


def test_tagged_lines_go_to_their_activation() -> None:
    log = SandboxLog()
    log.tagged = True
    log.begin(A, 1000)
    log.begin(B, 1000)
    log(Stream.STDOUT, f"\x1d{B}\x1dhers\n\x1d{A}\x1dmine\nnobody's\n".encode())
    assert texts(log.end(B)) == ["stdout: hers"]
    assert texts(log.end(A)) == ["stdout: mine", "stdout: nobody's"]


def test_what_comes_between_activations_is_dropped() -> None:
    log = SandboxLog()
    log(Stream.STDERR, b"starting up\n")
    log.begin(A, 1000)
    assert log.end(A) == ()
