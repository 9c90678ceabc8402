"""Retries and dead letters as an action chooses them, on a real server that may be killed in between."""

from pathlib import Path
from typing import Any

import pytest

from ioruntime.testing.server import ServerClient, eventually, running_server

pytestmark = pytest.mark.timeout(120)  # two servers start in one test
FAILING = "main = ({n}) => ({error: `no ${n}`})"
KEEPING = "main = (letter) => letter"
QUICK = {"IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default", "IORUNTIME_INVOKER__PREWARM": "1"}
LIST = "/api/v1/namespaces/_/activations?docs=true&limit=200&name="


def records_of(client: ServerClient, name: str) -> list[Any]:
    """The records of an action, oldest first."""
    return list(reversed(client.request("GET", LIST + name).json()))


def at_least(client: ServerClient, name: str, count: int) -> list[Any]:
    def look() -> list[Any] | None:
        found = records_of(client, name)
        return found if len(found) >= count else None

    return eventually(look, within_s=60)


def notes(record: Any) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in record["annotations"]}


def handled(retry: Any = None, letter: Any = None) -> list[Any]:
    given = {"retry": retry, "dead-letter": letter}
    return [{"key": key, "value": value} for key, value in given.items() if value is not None]


def test_what_fails_is_tried_again_then_told_to_the_action_that_was_named(space: ServerClient) -> None:
    retry = {"attempts": 3, "backoff_s": 0.05, "on": ["application"]}
    space.put_action("keeper", KEEPING)
    space.put_action("failing", FAILING, annotations=handled(retry, {"action": "keeper"}))
    first = space.start("failing", {"n": 7})
    (letter,) = at_least(space, "keeper", 1)
    attempts = at_least(space, "failing", 3)
    assert len(attempts) == 3
    assert [notes(each)["attempt"] for each in attempts] == [1, 2, 3]
    assert [each.get("cause") for each in attempts] == [None, first, first]
    told = letter["response"]["result"]
    assert (told["activationId"], told["firstActivationId"]) == (attempts[-1]["activationId"], first)
    assert (told["attempts"], told["status"], told["result"]) == (3, "application error", {"error": "no 7"})
    assert told["arguments"] == {"n": 7}


def test_what_is_waited_for_or_fails_for_another_reason_is_not_tried_again(space: ServerClient) -> None:
    space.put_action("bell-action", KEEPING)
    for path, body in (("triggers/bell", {}), ("rules/ring", {"trigger": "/_/bell", "action": "/_/bell-action"})):
        assert space.request("PUT", f"/api/v1/namespaces/_/{path}", body).status == 200
    space.put_action("failing", FAILING, annotations=handled({"attempts": 3}, {"trigger": "bell"}))
    assert space.invoke("failing", {"n": 1}).status == 502
    accepted = space.start("failing", {"n": 2})
    (letter,) = at_least(space, "bell-action", 1)
    assert letter["response"]["result"]["activationId"] == accepted
    assert len(at_least(space, "failing", 2)) == 2


@pytest.mark.parametrize(
    ("annotations", "text"),
    [
        (handled({"attempts": 99}), "annotation 'retry'"),
        (handled(letter={"action": "/whisk.system/utils/echo"}), "annotation 'dead-letter'"),
    ],
)
def test_an_annotation_that_cannot_be_meant_is_refused(space: ServerClient, annotations: Any, text: str) -> None:
    body = {"exec": {"kind": "nodejs:default", "code": FAILING}, "annotations": annotations}
    answer = space.request("PUT", "/api/v1/namespaces/_/actions/a", body)
    assert (answer.status, text in answer.json()["error"]) == (400, True), answer.body


def test_an_attempt_that_was_to_come_comes_after_a_kill(tmp_path: Path) -> None:
    retry = {"attempts": 2, "backoff_s": 3, "on": ["application"]}
    with running_server(tmp_path / "data", environment=QUICK) as server:
        server.guest.put_action("failing", FAILING, annotations=handled(retry))
        first = server.guest.start("failing", {"n": 1})
        assert server.guest.ended(first)["response"]["result"] == {"error": "no 1"}
        server.kill()
    with running_server(tmp_path / "data", environment=QUICK) as server:
        again = at_least(server.guest, "failing", 2)[-1]
        assert (again["cause"], notes(again)["attempt"]) == (first, 2)
        assert again["response"]["result"] == {"error": "no 1"}


def test_what_was_interrupted_runs_again_when_its_action_says_so(tmp_path: Path) -> None:
    code = "main = ({ms}) => new Promise((done) => setTimeout(() => done({slept: ms}), ms))"
    with running_server(tmp_path / "data", environment=QUICK) as server:
        server.guest.put_action("sleeper", code, annotations=handled({"attempts": 2, "backoff_s": 0}))
        path = "/api/v1/namespaces/_/actions/sleeper"
        first = server.guest.request("POST", path, {"ms": 4_000}).json()["activationId"]
        eventually(lambda: b"ioruntime_activations_in_flight 1.0" in server.guest.request("GET", "/metrics").body, within_s=30)
        server.kill()
    with running_server(tmp_path / "data", environment=QUICK) as server:
        last = eventually(
            lambda: [r for r in records_of(server.guest, "sleeper") if r["response"]["success"]] or None, within_s=60
        )
        assert [each["response"]["result"] for each in last] == [{"slept": 4_000}]
        # Killed before it had begun, it is the first attempt that runs.
        assert (last[0]["activationId"] == first) or (last[0]["cause"] == first)
