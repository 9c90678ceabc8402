"""Compositions on a real server: with real sandboxes, and when the server ends in their middle."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ioruntime.testing.server import Server, ServerClient, actions, eventually, running_server

pytestmark = pytest.mark.timeout(60)  # each start is a process
QUICK = {"IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default", "IORUNTIME_INVOKER__PREWARM": "1"}
SLEEPER = "const main = ({ms, n = 0}) => new Promise((done) => setTimeout(() => done({ms, n: n + 1}), ms))"
CONDUCTOR = "const main = ({ms, n = 0}) => n < 2 ? {action: 'sleeper', params: {ms, n}} : {n}"
INTERRUPTED = "The activation was interrupted: the platform stopped before it ended."
COMPOSED = pytest.mark.parametrize("name", ["sequence", "conductor"])


def provide(client: ServerClient) -> None:
    """Two compositions that run the sleeper twice."""
    client.put_action("sleeper", SLEEPER)
    client.put_action("conductor", CONDUCTOR, annotations=[{"key": "conductor", "value": True}])
    sequence = {"exec": {"kind": "sequence", "components": ["/_/sleeper", "/_/sleeper"]}}
    assert client.request("PUT", actions("sequence"), sequence).status == 200


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "data", environment=QUICK | {"IORUNTIME_GRACE_S": "4"}) as server:
        provide(server.guest)
        yield server


def records(client: ServerClient, name: str) -> list[Any]:
    answer = client.request("GET", f"/api/v1/namespaces/_/activations?docs=true&name={name}")
    return answer.json()


def second_step(server: Server, name: str) -> None:
    """Wait until a composition's first component has ended; the second then runs for its whole time."""
    ended = {"sequence": 1, "conductor": 2}[name]
    parts = [each for each in ("sleeper", name) if each != "sequence"]
    eventually(lambda: sum(len(records(server.guest, each)) for each in parts) >= ended, within_s=15)


@COMPOSED
def test_it_runs(server: Server, space: ServerClient, name: str) -> None:
    provide(space)
    answer = space.invoke(name, {"ms": 20})
    record = space.ended(answer.json()["activationId"])
    assert (answer.status, answer.json()["response"]["result"]["n"]) == (200, 2)
    parts = [space.ended(each) for each in record["logs"]]
    assert record["duration"] == sum(part["duration"] for part in parts) >= 40
    assert {part["cause"] for part in parts} == {record["activationId"]}


@COMPOSED
def test_what_ends_within_the_grace_time_is_answered(starting: Server, name: str) -> None:
    with ThreadPoolExecutor() as threads:
        blocking = threads.submit(starting.guest.invoke, name, {"ms": 800})
        second_step(starting, name)
        assert starting.stop() == 0
        answer = blocking.result()
    assert (answer.status, answer.json()["response"]["result"]["n"]) == (200, 2)


@COMPOSED
def test_what_takes_longer_is_recorded_as_interrupted(starting: Server, name: str) -> None:
    with ThreadPoolExecutor() as threads:
        blocking = threads.submit(starting.guest.invoke, name, {"ms": 5_000})
        accepted = starting.guest.start(name, {"ms": 100_000})
        eventually(lambda: b"ioruntime_activations_in_flight 2.0" in starting.guest.request("GET", "/metrics").body, within_s=10)
        assert starting.stop() == 0
        answer = blocking.result()
    assert (answer.status, answer.json()["response"]["result"]) == (500, {"error": INTERRUPTED})
    with running_server(starting.data_dir, environment=QUICK) as server:
        for id_ in (accepted, answer.json()["activationId"]):
            record = server.guest.record(id_)
            assert (record["response"]["result"], record["name"]) == ({"error": INTERRUPTED}, name)


@COMPOSED
def test_what_was_accepted_survives_a_kill_as_interrupted(starting: Server, name: str) -> None:
    accepted = starting.guest.start(name, {"ms": 100_000})
    eventually(lambda: b"ioruntime_activations_in_flight 1.0" in starting.guest.request("GET", "/metrics").body, within_s=10)
    starting.kill()
    with running_server(starting.data_dir, environment=QUICK) as server:
        record = server.guest.record(accepted)
    response = record["response"]
    assert (response["status"], response["result"]) == ("whisk internal error", {"error": INTERRUPTED})
    notes = {each["key"]: each["value"] for each in record["annotations"]}
    assert (notes["kind"], notes["topmost"], notes.get("conductor")) == ("sequence", True, True if name == "conductor" else None)
