"""What a cluster promises while its processes and servers are killed and stopped: real NATS, PostgreSQL, sandboxes.

Actions report to the test that they started: their network is this machine's, and the test listens on it.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import pytest
from tests.faults.killing.starts import REPORTER, Starts

from ioruntime.testing.engines.cluster import RunningCluster, running_cluster
from ioruntime.testing.server import ServerClient, actions, eventually

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.timeout(600)]

SEED = int(os.environ.get("IORUNTIME_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
ENVIRONMENT = {
    "IORUNTIME_INVOKER__NETWORK": "host",
    "IORUNTIME_INVOKER__PREWARM": "1",
    "IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default",
    "IORUNTIME_LIMITS__INVOCATIONS_PER_MINUTE": "1000000",
    "IORUNTIME_LIMITS__CONCURRENT_INVOCATIONS": "10000",
}


@pytest.fixture(scope="module")
def whole() -> Iterator[RunningCluster]:
    with running_cluster(environment=ENVIRONMENT) as running:
        yield running


@pytest.fixture
def cluster(whole: RunningCluster) -> RunningCluster:
    """The cluster of this file, as soon as all of it works again after the test before."""

    def works() -> bool:
        with suppress(OSError, HTTPException):
            body = {"exec": {"kind": "nodejs:default", "code": REPORTER}}
            if whole.guest.request("PUT", f"{actions('reporter')}?overwrite=true", body).status == 200:
                return True
        time.sleep(0.1)
        return False

    eventually(works, within_s=120)
    return whole


@pytest.fixture
def starts() -> Iterator[Starts]:
    counting = Starts()
    yield counting
    counting.close()


def answer_of(client: ServerClient, starts: Starts) -> Any:
    """Invoke until there is an answer: a process that was killed may have had the first ones."""

    def attempt() -> Any:
        with suppress(OSError, HTTPException):
            answer = client.invoke("reporter", {"url": starts.url})
            if answer.status == 200:
                return answer.json()["response"]["result"]
        time.sleep(0.1)
        return None

    return eventually(attempt, within_s=120)


def accept_until(client: ServerClient, url: str, enough: threading.Event, accepted: list[str]) -> None:
    """Start activations that nobody waits for; keep the ids that were promised."""
    while not enough.is_set():
        with suppress(OSError, HTTPException):
            answer = client.request("POST", actions("reporter"), {"url": url, "ms": 20})
            if answer.status == 202:
                accepted.append(answer.json()["activationId"])
                continue
        time.sleep(0.05)


def more(accepted: list[str], count: int) -> None:
    wanted = len(accepted) + count
    eventually(lambda: len(accepted) >= wanted or None, within_s=120)


def record_of(client: ServerClient, activation_id: str) -> Any:
    """Return a record as soon as there is one; a store that comes back may refuse for a while."""

    def look() -> Any:
        with suppress(OSError, HTTPException):
            answer = client.request("GET", f"/api/v1/namespaces/_/activations/{activation_id}")
            if answer.status == 200:
                return answer.json()
        time.sleep(0.1)
        return None

    return eventually(look, within_s=120)


def test_what_was_accepted_is_recorded_once_whoever_is_killed(cluster: RunningCluster, starts: Starts) -> None:
    guest, chance, accepted, enough = cluster.guest, random.Random(SEED), list[str](), threading.Event()
    answer_of(guest, starts)
    victims = ["invoker-1", "controller-2", "nats", "postgres", "invoker-2", "controller-1", "deliverer-1"]
    chance.shuffle(victims)
    with ThreadPoolExecutor(4) as clients:
        for _ in range(4):
            clients.submit(accept_until, guest, starts.url, enough, accepted)
        try:
            for victim in victims:
                more(accepted, 10)
                before = cluster.starts(victim)
                cluster.kill(victim)
                cluster.restarted(victim, starts=before)
            more(accepted, 20)
        finally:
            enough.set()
    records = {activation_id: record_of(guest, activation_id) for activation_id in accepted}
    assert len(records) == len(accepted), f"seed {SEED}"
    twice = {activation_id: count for activation_id, count in starts.count.items() if count > 1}
    assert twice == {}, f"seed {SEED}"
    for activation_id, record in records.items():
        if record["response"]["success"]:
            assert starts.count[activation_id] == 1, f"seed {SEED}"
    assert {activation_id: record_of(guest, activation_id) for activation_id in accepted} == records, f"seed {SEED}"


def test_work_of_a_killed_invoker_is_told_and_others_go_on(cluster: RunningCluster, starts: Starts) -> None:
    guest = cluster.guest
    answer_of(guest, starts)
    before = {name: cluster.starts(name) for name in ("invoker-1", "invoker-2")}
    lasting = [guest.start("reporter", {"url": starts.url, "ms": 30_000}) for _ in range(3)]
    eventually(lambda: all(starts.count[each] for each in lasting) or None, within_s=120)
    for name in before:
        cluster.kill(name)
    for activation_id in lasting:
        record = record_of(guest, activation_id)
        assert record["response"]["status"] == "whisk internal error"
        assert "interrupted" in record["response"]["result"]["error"]
    for name, count in before.items():
        cluster.restarted(name, starts=count)
    answer_of(guest, starts)
    assert {starts.count[each] for each in lasting} == {1}


def test_stopped_invoker_is_left_out_and_comes_back(cluster: RunningCluster, starts: Starts) -> None:
    guest = cluster.guest
    answer_of(guest, starts)
    cluster.kill("invoker-1", signal.SIGSTOP)
    try:
        accepted = [guest.start("reporter", {"url": starts.url}) for _ in range(20)]
        for activation_id in accepted:
            assert record_of(guest, activation_id)["activationId"] == activation_id
    finally:
        cluster.kill("invoker-1", signal.SIGCONT)
    assert max(starts.count[each] for each in accepted) <= 1
    answer_of(guest, starts)


def test_every_controller_sees_what_any_of_them_changed(cluster: RunningCluster) -> None:
    """Each request is a connection of its own, which the kernel gives to either controller."""
    guest = cluster.guest
    for version in range(10):
        guest.put_action("version", f"const main = () => ({{version: {version}}})", overwrite=True)
        answers = [guest.invoke("version") for _ in range(6)]
        assert [answer.json()["response"]["result"]["version"] for answer in answers] == [version] * 6
        for answer in answers:
            assert guest.record(answer.json()["activationId"]) is not None
    assert guest.request("DELETE", actions("version")).status == 200
    assert [guest.invoke("version").status for _ in range(6)] == [404] * 6


def test_drained_invoker_takes_nothing_more(cluster: RunningCluster) -> None:
    guest, before = cluster.guest, cluster.starts("invoker-2")
    guest.put_action("hello", "const main = () => ({hello: true})", overwrite=True)
    done = cluster.cli("invoker", "drain", "invoker-2")
    assert done.returncode == 0, done.stderr
    try:
        eventually(lambda: "draining" in cluster.cli("cluster", "status").stdout or None, within_s=120)
        for _ in range(5):
            assert guest.invoke("hello").status == 200
    finally:
        cluster.kill("invoker-2")
        cluster.restarted("invoker-2", starts=before)
