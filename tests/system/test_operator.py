"""What an operator may rely on when the server starts: its output, its files, its health, and what it refuses."""

import re
import socket
import stat
from pathlib import Path

import pytest

from ioruntime.testing.server import (
    GUEST_AUTH,
    READY,
    Server,
    ServerClient,
    StartFailedError,
    eventually,
    run_cli,
    running_server,
)

pytestmark = pytest.mark.timeout(60)  # several servers start in one test
QUICK = {"IORUNTIME_INVOKER__PREWARM": "0"}
UNAUTHORIZED = 401


def test_ready_is_said_once_and_last_after_what_was_found(server: Server) -> None:
    assert [line for line in server.lines if line.startswith(READY)] == [server.lines[-1]]
    assert server.lines[-1] == f"ioruntime ready on http://127.0.0.1:{server.port}"
    told = {line.partition(": ")[0] for line in server.lines[:-1]}
    assert {"kinds", "isolation", "credentials"} <= told <= {"kinds", "isolation", "credentials", "degraded"}


def test_credentials_are_for_the_owner_alone_and_complete(server: Server) -> None:
    file = server.data_dir / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    credentials = server.credentials
    assert {"apihost", "namespace", "auth", "orgId", "intId", "apiKey", "bearer"} <= credentials.keys()
    assert (credentials["apihost"], credentials["auth"]) == (server.url, GUEST_AUTH)
    assert [credentials[key] for key in ("namespace", "orgId", "intId")] == ["guest"] * 3


def test_both_credentials_open_the_namespace_guest(server: Server) -> None:
    assert server.guest.request("GET", "/api/v1/namespaces").json() == ["guest"]
    answer = server.admin.request("GET", "/runtime/admin/namespaces/guest/guest")
    assert (answer.status, answer.json()["name"]) == (200, "guest")


@pytest.mark.parametrize(
    ("path", "content_type", "content"),
    [
        pytest.param("/ping", "text/plain", rb"pong", id="ping"),
        pytest.param("/healthz", "application/json", rb'"ok"', id="liveness"),
        pytest.param("/readyz", "application/json", rb'"ready":true', id="readiness"),
        pytest.param("/metrics", "text/plain", rb"(?m)^ioruntime_activations_in_flight \d", id="metrics"),
    ],
)
def test_health_needs_no_credentials(server: Server, path: str, content_type: str, content: bytes) -> None:
    answer = ServerClient(server.url, {}).request("GET", path)
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, content_type)
    assert re.search(content, answer.body)


def test_each_start_renews_the_bearer_and_keeps_key_and_namespace(tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []
    for _ in range(2):
        with running_server(tmp_path / "data", environment=QUICK, guest_auth=None) as server:
            seen.append(server.credentials)
            assert server.admin.request("GET", "/runtime/admin/namespaces/guest/guest").json()["auth"] == seen[0]["auth"]
    assert seen[0]["bearer"] != seen[1]["bearer"]
    assert re.fullmatch(r"[0-9a-f-]{36}:[0-9A-Za-z]{64}", seen[0]["auth"])
    assert {key for key in seen[0] if seen[0][key] != seen[1][key]} == {"bearer", "apihost"}


def test_a_fixed_guest_key_replaces_the_earlier_one(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=QUICK, guest_auth=None) as server:
        first = server.credentials["auth"]
    with running_server(tmp_path / "data", environment=QUICK | {"IORUNTIME_GUEST_AUTH": GUEST_AUTH}, guest_auth=None) as server:
        assert server.credentials["auth"] == GUEST_AUTH
        assert ServerClient.basic(server.url, first).request("GET", "/api/v1/namespaces").status == UNAUTHORIZED
        assert server.guest.request("GET", "/api/v1/namespaces").status == 200


def test_beyond_loopback_the_guest_must_be_allowed(tmp_path: Path) -> None:
    refused = pytest.raises(StartFailedError, match=r"0\.0\.0\.0.*guest.*--allow-guest")
    with refused, running_server(tmp_path / "data", "--host", "0.0.0.0", environment=QUICK):
        pass
    with running_server(tmp_path / "data", "--host", "0.0.0.0", "--allow-guest", environment=QUICK) as server:
        assert ServerClient(f"http://127.0.0.1:{server.port}", {}).request("GET", "/ping").body == b"pong"


def test_beyond_loopback_is_open_once_the_guest_is_deleted(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running_server(data_dir, environment=QUICK, guest_auth=None):
        pass
    assert run_cli("namespace", "delete", "guest", "guest", "--data-dir", str(data_dir)).returncode == 0
    with running_server(data_dir, "--host", "0.0.0.0", environment=QUICK, guest_auth=None) as server:
        assert not (data_dir / "credentials.json").exists()
        assert server.lines[-1].startswith(READY)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_cli("serve", "--port", port, "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param({"IORUNTIME_NO_SUCH": "1"}, "IORUNTIME_NO_SUCH", id="unknown variable"),
        pytest.param({"IORUNTIME_LIMITS__MAX_MEMORY": "1"}, "IORUNTIME_LIMITS__MAX_MEMORY", id="unknown in a section"),
        pytest.param({"IORUNTIME_PORT": "many"}, "IORUNTIME_PORT", id="not a number"),
        pytest.param({"IORUNTIME_INVOKER__DRIVER": "magic"}, "IORUNTIME_INVOKER__DRIVER", id="not a choice"),
        pytest.param({"IORUNTIME_CONFIG": "/no/such/file.toml"}, "/no/such/file.toml", id="no such file"),
    ],
)
def test_a_wrong_setting_is_named_as_it_was_written(tmp_path: Path, environment: dict[str, str], named: str) -> None:
    done = run_cli("serve", "--data-dir", str(tmp_path / "data"), environment=environment)
    assert done.returncode == 2
    assert named in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_unknown_key_of_the_settings_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[invoker]\nspeed = 1\n")
    done = run_cli("serve", "--data-dir", str(tmp_path / "data"), "--config", str(file))
    assert (done.returncode, "invoker.speed" in done.stderr) == (2, True)


def test_settings_come_from_file_environment_and_command_line_in_this_order(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\n[limits]\nmax_timeout_ms = 70000\nmax_memory_mb = 300\n[log]\nformat = "json"\n')
    environment = QUICK | {"IORUNTIME_LIMITS__MAX_MEMORY_MB": "400", "IORUNTIME_CONFIG": str(file)}
    with running_server(tmp_path / "data", environment=environment) as server:
        limits = server.guest.request("GET", "/api/v1/namespaces/_/limits").json()
        assert (limits["maxActionTimeout"], limits["maxActionMemory"]) == (70_000, 400)


def test_two_servers_start_on_one_data_directory_one_after_the_other_only(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment=QUICK) as first:
        before = first.credentials
        refused = pytest.raises(StartFailedError, match=re.escape(str(tmp_path / "data")))
        with refused, running_server(tmp_path / "data", environment=QUICK):
            pass
        assert first.credentials == before
        assert first.guest.request("GET", "/api/v1/namespaces").status == 200


def test_nothing_of_a_server_that_ended_is_left(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        server.guest.put_action("a", "main = () => ({ok: 1})")
        assert server.guest.invoke("a").status == 200
        pids = _descendants(server.process.pid)
        assert pids
        assert server.stop() == 0
    eventually(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()], within_s=2)
    assert [left for left in (tmp_path / "data" / "sandboxes").iterdir() if left.is_dir()] == []
    with pytest.raises(OSError, match="refused"):
        server.guest.request("GET", "/ping")


def _descendants(pid: int) -> list[int]:
    children = [int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]
    return [each for child in children for each in (child, *_descendants(child)) if Path(f"/proc/{child}").is_dir()]
