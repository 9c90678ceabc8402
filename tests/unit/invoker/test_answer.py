"""From what a runtime answered to how the activation ended."""

import msgspec
import pytest

from ioruntime.invoker.answer import judge_init, judge_run, lost, timed_out
from ioruntime.invoker.proxy import ProxyReply
from ioruntime.model.activation import Status
from ioruntime.ports.sandbox import Ending

OK, APPLICATION, DEVELOPER = Status.SUCCESS, Status.APPLICATION_ERROR, Status.DEVELOPER_ERROR
NOT_JSON = "The action did not produce a valid JSON or JSON Array response: "


def reply(status: int, body: bytes) -> ProxyReply:
    return ProxyReply(status, body, len(body))


@pytest.mark.parametrize(
    ("status", "body", "ended", "result"),
    [
        pytest.param(200, b'{"a":1}', OK, {"a": 1}, id="object"),
        pytest.param(200, b'{"error":null}', APPLICATION, {"error": None}, id="object with the key error, whatever its value"),
        pytest.param(200, b"[1,2]", OK, [1, 2], id="array"),
        pytest.param(200, b"null", DEVELOPER, {"error": NOT_JSON + "null"}, id="null"),
        pytest.param(200, b'"text"', DEVELOPER, {"error": NOT_JSON + '"text"'}, id="text"),
        pytest.param(200, b"{broken", DEVELOPER, {"error": NOT_JSON + "{broken"}, id="not JSON"),
        pytest.param(200, b"\xff", DEVELOPER, {"error": NOT_JSON + "\ufffd"}, id="not UTF-8"),
        pytest.param(200, b'{"a":' * 5000, DEVELOPER, None, id="bottomless"),
        pytest.param(502, b'{"error":"bad"}', DEVELOPER, {"error": "bad"}, id="error with its text"),
        pytest.param(502, b'{"error":{"name":"E"},"more":1}', DEVELOPER, {"error": {"name": "E"}}, id="error of any value"),
        pytest.param(500, b"oops", DEVELOPER, {"error": NOT_JSON + "oops"}, id="error without JSON"),
    ],
)
def test_judge_run(status: int, body: bytes, ended: Status, result: object) -> None:
    answer = judge_run(reply(status, body), limit_bytes=1_000_000)
    assert answer.status is ended
    assert answer.spent is (ended is DEVELOPER)
    if result is not None:
        assert msgspec.json.decode(answer.result) == result


def test_a_result_over_the_limit_is_cut_to_an_application_error() -> None:
    answer = judge_run(ProxyReply(200, b'{"a":"' + b"x" * 20, 5000), limit_bytes=10)
    assert (answer.status, answer.spent) == (APPLICATION, False)
    assert msgspec.json.decode(answer.result) == {
        "error": "The action produced a response that exceeded the allowed length: 5000 > 10 bytes."
        ' The truncated response was: {"a":"xxxx'
    }


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(502, b'{"error":"no main"}', "no main", id="error with its text"),
        pytest.param(502, b"boom", "The action failed during initialization: boom", id="other body"),
    ],
)
def test_a_failed_init_is_a_developer_error(status: int, body: bytes, error: str) -> None:
    answer = judge_init(reply(status, body))
    assert answer is not None
    assert (answer.status, answer.spent, msgspec.json.decode(answer.result)) == (DEVELOPER, True, {"error": error})


def test_a_good_init_goes_on() -> None:
    assert judge_init(reply(200, b'{"ok":true}')) is None


@pytest.mark.parametrize(
    ("ending", "initialising", "error"),
    [
        (Ending.EXITED, True, "The action did not initialize and exited unexpectedly."),
        (Ending.EXITED, False, "The action did not produce a valid response and exited unexpectedly."),
        (Ending.OUT_OF_MEMORY, True, "The action exhausted its memory and was aborted."),
        (Ending.OUT_OF_MEMORY, False, "The action exhausted its memory and was aborted."),
    ],
)
def test_a_lost_runtime_is_a_developer_error(ending: Ending, *, initialising: bool, error: str) -> None:
    answer = lost(ending, initialising=initialising)
    assert (answer.status, answer.spent, msgspec.json.decode(answer.result)) == (DEVELOPER, True, {"error": error})


def test_of_a_result_that_is_too_large_so_much_is_left_as_is_said() -> None:
    answer = judge_run(reply(200, b'{"a":"' + b"x" * 90 + b'"}'), limit_bytes=50, truncation_bytes=8)
    assert answer.status is Status.APPLICATION_ERROR
    assert msgspec.json.decode(answer.result)["error"].endswith(': 98 > 50 bytes. The truncated response was: {"a":"xx')
    assert judge_run(reply(200, b"{}"), limit_bytes=50, truncation_bytes=0).status is Status.SUCCESS


def test_time_limits_are_named() -> None:
    assert msgspec.json.decode(timed_out(100, initialising=True).result) == {
        "error": "The action exceeded its time limits of 100 milliseconds during initialization."
    }
    assert timed_out(100, initialising=False).timed_out
