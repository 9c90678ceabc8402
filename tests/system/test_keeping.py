"""Backup while a server works, restore, and what a start says of a store that is damaged, in use or read-only."""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing.server import ServerClient, StartFailedError, eventually, run_cli, running_server

pytestmark = pytest.mark.timeout(120)  # several servers start in one test
QUICK = {"IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:default", "IORUNTIME_INVOKER__PREWARM": "1"}


class Load:
    """Changes and invokes until it is told to stop; remembers what was promised."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client
        self._stopping = threading.Event()
        self.rounds = 0
        self.accepted: list[str] = []

    def run(self) -> None:
        while not self._stopping.is_set():
            name = f"action{self.rounds % 7}"
            self._client.put_action(name, f"main = () => ({{n: {self.rounds}}})", overwrite=self.rounds >= 7)
            self.accepted.append(self._client.start(name))
            self.rounds += 1

    def stop(self) -> None:
        self._stopping.set()


@contextmanager
def under_load(client: ServerClient) -> Generator[Load]:
    load = Load(client)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        eventually(lambda: load.rounds >= 10, within_s=60)
        yield load
    finally:
        load.stop()
        thread.join()


def listed(client: ServerClient) -> Any:
    return client.request("GET", "/api/v1/namespaces/_/actions?limit=200").json()


def test_a_backup_under_load_comes_back_as_one_moment_of_the_platform(tmp_path: Path) -> None:
    archive = tmp_path / "backup"
    with running_server(tmp_path / "data", environment=QUICK) as server:
        with under_load(server.guest) as load:
            before = list(load.accepted)
            done = server.cli("backup", str(archive), "--json")
            assert done.returncode == 0, done.stderr
            assert msgspec.json.decode(done.stdout)["keys"] is True
            rounds = load.rounds
            eventually(lambda: load.rounds > rounds, within_s=60)
        assert all(server.guest.ended(id_)["response"]["success"] for id_ in load.accepted)
        done = server.cli("restore", str(archive), "--overwrite")
        assert (done.returncode, "in use by process" in done.stderr) == (1, True), done.stderr
    done = run_cli("restore", str(archive), "--data-dir", str(tmp_path / "other"))
    assert done.returncode == 0, done.stderr
    with running_server(tmp_path / "other", environment=QUICK, guest_auth=None) as server:
        names = {each["name"] for each in listed(server.guest)}
        assert names == {f"action{number}" for number in range(7)}
        assert all(server.guest.invoke(name).json()["response"]["success"] for name in names)
        # What had been promised before has its record: its outcome, or that it was interrupted.
        assert all(server.guest.ended(id_) is not None for id_ in before)


def test_a_second_server_on_the_same_directory_does_not_start(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=QUICK) as server:
        with pytest.raises(StartFailedError, match=f"in use by process {server.process.pid}"), running_server(tmp_path / "data"):
            pass
        assert server.guest.request("GET", "/ping").status == 200


def administer(data_dir: Path, *words: str) -> str:
    done = run_cli(*words, "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(data_dir: Path) -> str:
    """Return why a server does not start."""
    done = run_cli("serve", "--port", "0", "--data-dir", str(data_dir), environment=QUICK)
    assert done.returncode == 1
    return done.stderr


def test_a_damaged_store_is_refused_with_what_to_do_and_a_backup_mends_it(tmp_path: Path) -> None:
    data_dir, archive = tmp_path / "data", tmp_path / "backup"
    database = data_dir / "ioruntime.db"
    administer(data_dir, "namespace", "create", "acme", "shop")
    administer(data_dir, "backup", str(archive))
    content = database.read_bytes()
    database.write_bytes(content[:8192] + b"\x55" * 4096 + content[12288:])
    why = refused(data_dir)
    assert "is damaged" in why
    assert "ioruntime restore FILE --overwrite" in why
    administer(data_dir, "restore", str(archive), "--overwrite")
    assert "acme_shop" in administer(data_dir, "namespace", "list")


def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    administer(tmp_path / "data", "migrate")
    with sqlite3.connect(tmp_path / "data" / "ioruntime.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "is at revision 9999, which is newer than this version" in refused(tmp_path / "data")
