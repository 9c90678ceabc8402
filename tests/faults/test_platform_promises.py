"""What the platform promises, while its processes are killed, its memory is short, and its disk is full.

Actions report to the test that they started: their network is this machine's, and the test listens on it.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.faults.killing.rounds import descendants
from tests.faults.killing.starts import Starts

from ioruntime.testing.server import Server, ServerClient, eventually, running_server

pytestmark = pytest.mark.timeout(180)  # several servers start in one test
HOST_NETWORK = {"IORUNTIME_INVOKER__NETWORK": "host", "IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default"}
INTERRUPTED = "The activation was interrupted: the platform stopped before it ended."
REPORTER = """
const http = require('http');
const main = ({url, ms, hold}) => new Promise((done, fail) => {
  http.get(`${url}/${process.env.__OW_ACTIVATION_ID}`, (answer) => {
    answer.resume();
    answer.on('end', () => setTimeout(() => done({reported: true}), ms || 0));
  }).on('error', fail);
});
"""


@pytest.fixture
def starts() -> Iterator[Starts]:
    counter = Starts()
    yield counter
    counter.close()


def _all_records(client: ServerClient) -> list[Any]:
    records: list[Any] = []
    while page := client.request("GET", f"/api/v1/namespaces/_/activations?docs=true&limit=200&skip={len(records)}").json():
        records += page
    return records


def test_what_was_accepted_and_had_not_begun_runs_after_a_kill(tmp_path: Path, starts: Starts) -> None:
    crowded = HOST_NETWORK | {"IORUNTIME_INVOKER__MEMORY_MB": "256", "IORUNTIME_INVOKER__PREWARM": "0"}
    with running_server(tmp_path / "data", environment=crowded) as server:
        server.guest.put_action("report", REPORTER)
        begun = server.guest.start("report", {"url": starts.url, "ms": 60_000})
        eventually(lambda: starts.count[begun] > 0, within_s=30)
        waiting = [server.guest.start("report", {"url": starts.url}) for _ in range(5)]
        server.kill()
    with running_server(tmp_path / "data", environment=crowded) as server:
        assert server.guest.ended(begun)["response"]["result"] == {"error": INTERRUPTED}
        assert all(server.guest.ended(id_)["response"]["result"] == {"reported": True} for id_ in waiting)
    assert dict(starts.count) == dict.fromkeys((begun, *waiting), 1)


def test_an_id_that_was_promised_on_the_way_keeps_its_record_too(tmp_path: Path, starts: Starts) -> None:
    with running_server(tmp_path / "data", environment=HOST_NETWORK) as server:
        server.guest.put_action("report", REPORTER)
        path = "/api/v1/namespaces/_/actions/report?blocking=true&timeout=300"
        answer = server.guest.request("POST", path, {"url": starts.url, "ms": 30_000})
        assert answer.status == 202
        server.kill()
    with running_server(tmp_path / "data", environment=HOST_NETWORK) as server:
        record = server.guest.record(answer.json()["activationId"])
        assert record["response"]["result"] == {"error": INTERRUPTED}
    assert starts.count == {answer.json()["activationId"]: 1}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_sandbox_outlives_a_killed_server(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        server.guest.put_action("a", "const main = () => new Promise(() => 0)")
        server.guest.start("a")
        pids = eventually(lambda: descendants(server.process.pid) or None, within_s=5)
        server.kill()
    eventually(lambda: not any(map(is_alive, pids)), within_s=5)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with room for two sandboxes."""
    environment = HOST_NETWORK | {"IORUNTIME_INVOKER__MEMORY_MB": "512", "IORUNTIME_INVOKER__PREWARM": "1"}
    with running_server(tmp_path_factory.mktemp("small") / "data", environment=environment) as server:
        yield server


def test_sandboxes_that_are_killed_while_they_run_cost_only_their_activations(small: Server, starts: Starts) -> None:
    client = small.namespace("killed")
    client.put_action("report", REPORTER)
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(client.invoke, "report", {"url": starts.url, "ms": 15_000}) for _ in range(2)]
        eventually(lambda: len(starts.count) == 2, within_s=10)
        for pid in descendants(small.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        responses = [call.result().json()["response"] for call in calls]
    text = "The action did not produce a valid response and exited unexpectedly."
    assert [(each["status"], each["result"]) for each in responses] == [("action developer error", {"error": text})] * 2
    again = client.invoke("report", {"url": starts.url})
    assert again.json()["response"]["result"] == {"reported": True}
    assert set(starts.count.values()) == {1}


def test_a_flood_of_one_namespace_does_not_starve_another(small: Server) -> None:
    flood, guest = small.namespace("flood"), small.namespace("quiet")
    flood.put_action("slow", "const main = () => new Promise((done) => setTimeout(() => done({}), 150))")
    guest.put_action("quick", "main = () => ({})")
    with ThreadPoolExecutor(8) as threads:
        ids = [each.result() for each in [threads.submit(flood.start, "slow") for _ in range(60)]]
        waits = [threads.submit(guest.invoke, "quick") for _ in range(3)]
        assert {wait.result().status for wait in waits} == {200}
    ended = sum(flood.record(id_) is not None for id_ in ids)
    assert ended < 40, "the quiet namespace waited for the flood"
    assert all(flood.ended(id_)["response"]["success"] for id_ in ids)


def test_what_waits_for_a_sandbox_never_starts_once_its_namespace_is_deleted(small: Server, starts: Starts) -> None:
    client = small.namespace("doomed")
    client.put_action("report", REPORTER)
    ids = [client.start("report", {"url": starts.url, "ms": 5_000}) for _ in range(6)]
    eventually(lambda: len(starts.count) == 2, within_s=10)
    assert small.operator.request("DELETE", "/runtime/admin/namespaces/doomed/tests").status in {200, 204}
    other = small.namespace("survivor")
    other.put_action("quick", "main = () => ({})")
    assert other.invoke("quick").status == 200
    assert len(starts.count) == 2
    assert set(starts.count) <= set(ids)


def test_writes_are_read_at_once(small: Server) -> None:
    client = small.namespace("writer")
    for number in range(30):
        client.put_action("a", f"main = () => ({{n: {number}}})", overwrite=number > 0)
        action = client.request("GET", "/api/v1/namespaces/_/actions/a").json()
        assert (action["version"], action["exec"]["code"]) == (f"0.0.{number + 1}", f"main = () => ({{n: {number}}})")
        id_ = client.invoke("a").json()["activationId"]
        assert client.record(id_)["response"]["result"] == {"n": number}
        listed = client.request("GET", "/api/v1/namespaces/_/activations?limit=1").json()
        assert [each["activationId"] for each in listed] == [id_]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a file system of a known size cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place: Path) -> Path:
    """Write a file until nothing more fits; return it."""
    ballast = place / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as sink:
        while True:
            sink.write(bytes(4096))
    return ballast


def test_a_full_disk_refuses_with_503_and_is_overcome(small_disk: Path) -> None:
    environment = {"IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default"}
    with running_server(small_disk / "data", environment=environment) as server:
        client = server.guest
        client.put_action("a", "main = () => ({fine: true})")
        assert client.invoke("a").status == 200
        ballast = fill(small_disk)
        body = {"exec": {"kind": "nodejs:default", "code": "main = () => ({}) //" + "x" * 200_000}}
        assert client.request("PUT", "/api/v1/namespaces/_/actions/b", body).status == 503
        kept = _accepted_until_refused(client)
        waited = client.invoke("a")
        assert waited.status in {200, 503}
        kept += [waited.json()["activationId"]] if waited.status == 200 else []
        ballast.unlink()
        accepted = eventually(lambda: _accepted(client), within_s=10)
        assert client.ended(accepted)["response"]["success"]
        assert client.request("PUT", "/api/v1/namespaces/_/actions/b", body).status == 200
        assert all(client.ended(id_)["response"]["success"] for id_ in kept)
        assert server.stop() == 0
    with running_server(small_disk / "data", environment=environment) as server:
        assert {each["activationId"] for each in _all_records(server.guest)} >= {accepted, *kept}


def _accepted_until_refused(client: ServerClient) -> list[str]:
    """Invoke with large payloads; return the ids that were accepted (the store reuses its own space) before the first 503."""
    kept: list[str] = []
    while (answer := client.request("POST", "/api/v1/namespaces/_/actions/a", {"large": "x" * 500_000})).status == 202:
        kept.append(answer.json()["activationId"])
    assert (answer.status, answer.json()["error"].endswith(".")) == (503, True), answer.body
    return kept


def _accepted(client: ServerClient) -> str | None:
    answer = client.request("POST", "/api/v1/namespaces/_/actions/a")
    return answer.json()["activationId"] if answer.status == 202 else None
