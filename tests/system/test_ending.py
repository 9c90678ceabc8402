"""SIGTERM and SIGINT: what runs may finish within the grace time, the rest is recorded, and the exit code is 0."""

import http.client
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ioruntime.testing.server import Server, eventually, running_server

pytestmark = pytest.mark.timeout(180)  # each start and each command is a process
QUICK = {"IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default", "IORUNTIME_INVOKER__PREWARM": "1"}
SLEEPER = "const main = ({ms}) => new Promise((done) => { console.log('started'); setTimeout(() => done({slept: ms}), ms); })"
INTERRUPTED = "The activation was interrupted: the platform stopped before it ended."
BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


def in_flight(server: Server, count: int) -> None:
    """Wait until so many activations run."""
    wanted = f"\nioruntime_activations_in_flight {count}.0\n".encode()
    eventually(lambda: wanted in server.guest.request("GET", "/metrics").body, within_s=30)


def begins(server: Server, activation_id: str) -> None:
    """Wait until an accepted activation is marked as begun: before, a stop leaves it to the next start."""
    database = f"{(server.data_dir / 'ioruntime.db').resolve().as_uri()}?mode=ro"

    def has_begun() -> bool:
        with closing(sqlite3.connect(database, uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM begun WHERE activation_id = ?", (activation_id,)).fetchone()
        return found is not None

    eventually(has_begun, within_s=30)


@BOTH
def test_what_ends_within_the_grace_time_is_answered(tmp_path: Path, number: signal.Signals) -> None:
    with running_server(tmp_path / "data", environment=QUICK) as server, ThreadPoolExecutor() as threads:
        server.guest.put_action("sleeper", SLEEPER)
        blocking = threads.submit(server.guest.invoke, "sleeper", {"ms": 1500})
        accepted = server.guest.start("sleeper", {"ms": 1500})
        in_flight(server, 2)
        assert server.stop(number) == 0
        answer = blocking.result()
        assert (answer.status, answer.json()["response"]["result"]) == (200, {"slept": 1500})
    with running_server(tmp_path / "data", environment=QUICK) as server:
        records = [server.guest.record(id_) for id_ in (accepted, answer.json()["activationId"])]
        assert [record["response"]["result"] for record in records] == [{"slept": 1500}] * 2


@BOTH
def test_what_takes_longer_is_recorded_as_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    environment = QUICK | {"IORUNTIME_GRACE_S": "2"}
    with running_server(tmp_path / "data", environment=environment) as server, ThreadPoolExecutor() as threads:
        server.guest.put_action("sleeper", SLEEPER)
        blocking = threads.submit(server.guest.invoke, "sleeper", {"ms": 50_000})
        accepted = server.guest.start("sleeper", {"ms": 50_000})
        in_flight(server, 2)
        begins(server, accepted)
        started_s = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - started_s < 40
        answer = blocking.result()
    assert (answer.status, answer.json()["response"]["status"]) == (500, "whisk internal error")
    with running_server(tmp_path / "data", environment=QUICK) as server:
        for id_ in (accepted, answer.json()["activationId"]):
            response = server.guest.record(id_)["response"]
            assert (response["status"], response["result"]) == ("whisk internal error", {"error": INTERRUPTED})


def test_no_connection_is_accepted_while_it_drains(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=QUICK) as server, ThreadPoolExecutor() as threads:
        server.guest.put_action("sleeper", SLEEPER)
        blocking = threads.submit(server.guest.invoke, "sleeper", {"ms": 2500})
        in_flight(server, 1)
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: _is_refused(server), within_s=30)
        assert not blocking.done()
        assert blocking.result().status == 200
        assert server.wait() == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=QUICK) as server:
        server.guest.put_action("sleeper", SLEEPER)
        accepted = server.guest.start("sleeper", {"ms": 50_000})
        begins(server, accepted)
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: _is_refused(server), within_s=30)
        started_s = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started_s < 40
    with running_server(tmp_path / "data", environment=QUICK) as server:
        assert server.guest.record(accepted)["response"]["result"] == {"error": INTERRUPTED}


def test_what_waits_for_a_sandbox_at_the_end_runs_at_the_next_start(tmp_path: Path) -> None:
    environment = QUICK | {"IORUNTIME_GRACE_S": "0", "IORUNTIME_INVOKER__MEMORY_MB": "256"}
    with running_server(tmp_path / "data", environment=environment) as server:
        server.guest.put_action("sleeper", SLEEPER)
        begun = server.guest.start("sleeper", {"ms": 50_000})
        begins(server, begun)
        waiting = [server.guest.start("sleeper", {"ms": n}) for n in range(3)]
        assert server.stop() == 0
    with running_server(tmp_path / "data", environment=QUICK) as server:
        assert server.guest.ended(begun)["response"]["result"] == {"error": INTERRUPTED}
        assert [server.guest.ended(id_)["response"]["result"] for id_ in waiting] == [{"slept": n} for n in range(3)]


def test_an_idle_connection_does_not_delay_the_end(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=QUICK) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/ping")
        assert connection.getresponse().read() == b"pong"
        started_s = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started_s < 40
        connection.close()


def _is_refused(server: Server) -> bool:
    try:
        server.guest.request("GET", "/ping")
    except OSError:
        return True
    return False
