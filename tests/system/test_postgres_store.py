"""The platform on PostgreSQL: the same answers, and nothing accepted is lost when either of the two is killed."""

from collections.abc import Iterator
from pathlib import Path

import anyio.from_thread
import pytest

from ioruntime.testing.engines.postgres import RunningPostgres, new_database, running_postgres
from ioruntime.testing.server import Server, StartFailedError, eventually, running_server

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

HELLO = "const main = ({name}) => { console.log('said'); return {greeting: `Hello ${name}`}; }"
SLOW = "const main = () => new Promise((done) => setTimeout(() => done({slow: true}), 1500));"


@pytest.fixture
def url(postgres: RunningPostgres) -> Iterator[str]:
    """Of an empty database on the server that all tests share."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(new_database(postgres.server)) as made,
    ):
        yield made


def settings(url: str, **more: str) -> dict[str, str]:
    return {"IORUNTIME_STORE__URL": url, "IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default"} | more


def test_actions_are_stored_run_and_recorded(url: str, tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=settings(url)) as server:
        server.guest.put_action("hello", HELLO)
        answer = server.guest.invoke("hello", {"name": "you"})
        assert answer.status == 200
        assert answer.json()["response"]["result"] == {"greeting": "Hello you"}
        record = server.guest.ended(answer.json()["activationId"])
        assert [line.split(" ", 1)[1] for line in record["logs"]] == ["stdout: said"]
        assert not (server.data_dir / "ioruntime.db").exists()
        assert not (server.data_dir / "blobs").exists()


def test_another_machine_goes_on_where_the_first_was_killed(url: str, tmp_path: Path) -> None:
    keys = {"IORUNTIME_KEYS_DIR": str(tmp_path / "keys")}
    with running_server(tmp_path / "first", environment=settings(url, **keys)) as first:
        first.guest.put_action("hello", HELLO)
        first.guest.put_action("slow", SLOW)
        accepted = [first.guest.start("slow") for _ in range(3)]
        first.kill()
    with running_server(tmp_path / "second", environment=settings(url, **keys)) as second:
        assert second.guest.invoke("hello", {"name": "again"}).json()["response"]["result"] == {"greeting": "Hello again"}
        records = [second.guest.ended(activation_id) for activation_id in accepted]
        assert len({record["activationId"] for record in records}) == 3


def test_machine_without_the_keys_does_not_start(url: str, tmp_path: Path) -> None:
    with running_server(tmp_path / "first", environment=settings(url)):
        pass
    with (
        pytest.raises(StartFailedError, match="which is not among the keys of this server"),
        running_server(tmp_path / "stranger", environment=settings(url)),
    ):
        pass


def listed(server: Server) -> int | None:
    answer = server.guest.request("GET", "/api/v1/namespaces/_/actions")
    return len(answer.json()) if answer.status == 200 else None


def test_server_outlives_a_restart_of_the_database(tmp_path: Path) -> None:
    with (
        running_postgres() as postgres,
        running_server(tmp_path / "data", environment=settings(postgres.server.url())) as server,
    ):
        guest = server.guest
        guest.put_action("hello", HELLO)
        assert guest.invoke("hello", {"name": "you"}).status == 200
        postgres.kill()
        answer = guest.request("GET", "/api/v1/namespaces/_/actions")
        assert answer.status == 503, answer.body
        # What is warm goes on meanwhile; its record waits.
        answered = guest.invoke("hello", {"name": "you"})
        assert answered.status == 200, answered.body
        postgres.start()
        assert eventually(lambda: listed(server), within_s=60) == 1
        assert guest.invoke("hello", {"name": "back"}).status == 200
        assert guest.ended(answered.json()["activationId"], within_s=60)
