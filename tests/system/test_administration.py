"""Administration commands on a data directory: a running server sees each change within a second."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerClient, eventually, run_cli, running_server

pytestmark = pytest.mark.timeout(60)  # each start and each command is a process
SEEN_WITHIN_S = 1.0 if os.environ.get("PYTEST_XDIST_WORKER") is None else 3.0
"""Beside another worker of the tests, the machine is not ours alone."""
Cli = Callable[..., Any]


@pytest.fixture
def org() -> str:
    return f"org{new_activation_id()[:12]}"


@pytest.fixture
def cli(server: Server) -> Cli:
    """Run a command with --json on the running server's data directory and return what it printed."""

    def run(*words: str) -> Any:
        done = server.cli(*words, "--json")
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout)

    return run


def status(server: Server, auth: str) -> int:
    return ServerClient.basic(server.url, auth).request("GET", "/api/v1/namespaces").status


def test_a_created_namespace_can_be_used(server: Server, cli: Cli, org: str) -> None:
    made = cli("namespace", "create", org, "int")
    assert (made["namespace"], made["orgId"], made["intId"]) == (f"{org}_int", org, "int")
    eventually(lambda: status(server, made["auth"]) == 200, within_s=SEEN_WITHIN_S)
    assert cli("namespace", "create", org, "int") == made
    assert made["namespace"] in {each["namespace"] for each in cli("namespace", "list")}


def test_a_rotated_key_replaces_the_old_one(server: Server, cli: Cli, org: str) -> None:
    old = cli("namespace", "create", org, "int")["auth"]
    eventually(lambda: status(server, old) == 200, within_s=SEEN_WITHIN_S)
    new = cli("namespace", "rotate-key", org, "int")["auth"]
    eventually(lambda: status(server, old) == 401, within_s=SEEN_WITHIN_S)
    assert (new != old, status(server, new)) == (True, 200)


def test_a_deleted_namespace_is_gone_with_its_actions(server: Server, cli: Cli, org: str) -> None:
    client = ServerClient.basic(server.url, cli("namespace", "create", org, "int")["auth"])
    client.put_action("a", "main = () => ({})")
    cli("namespace", "delete", org, "int")
    eventually(lambda: client.request("GET", "/api/v1/namespaces").status == 401, within_s=SEEN_WITHIN_S)
    again = ServerClient.basic(server.url, cli("namespace", "create", org, "int")["auth"])
    eventually(lambda: again.request("GET", "/api/v1/namespaces").status == 200, within_s=SEEN_WITHIN_S)
    assert again.request("GET", "/api/v1/namespaces/_/actions").json() == []


def test_limits_are_set_shown_enforced_and_cleared(server: Server, cli: Cli, org: str) -> None:
    made = cli("namespace", "create", org, "int")
    client, name = ServerClient.basic(server.url, made["auth"]), made["namespace"]
    client.put_action("a", "main = () => ({})")
    usual = cli("limits", "get", name)
    assert cli("limits", "set", name, "invocationsPerMinute=0", "maxActionMemory=200")["invocationsPerMinute"] == 0
    eventually(lambda: client.invoke("a").status == 429, within_s=SEEN_WITHIN_S)
    shown = client.request("GET", "/api/v1/namespaces/_/limits").json()
    assert (shown["invocationsPerMinute"], shown["maxActionMemory"]) == (0, 200)
    large = {"exec": {"kind": "nodejs:default", "code": ""}, "limits": {"memory": 256}}
    assert client.request("PUT", "/api/v1/namespaces/_/actions/b", large).status == 400
    assert cli("limits", "clear", name) == usual
    eventually(lambda: client.invoke("a").status == 200, within_s=SEEN_WITHIN_S)


def test_a_token_is_good_before_its_namespace_exists(server: Server, cli: Cli, org: str) -> None:
    token = cli("token", "--org", org, "--int", "int", "--scope", "admin")
    client = ServerClient.bearer(server.url, token["bearer"], token["apiKey"])
    path = f"/runtime/admin/namespaces/{org}/int"
    assert client.request("GET", path).status == 404
    assert client.request("POST", path).json()["name"] == f"{org}_int"
    assert client.request("GET", f"/runtime/namespaces/{org}/int/actions").json() == []
    assert client.request("POST", f"/runtime/admin/namespaces/{org}x/int").status == 403


def test_a_token_without_admin_scope_does_not_administer(server: Server, cli: Cli, org: str) -> None:
    token = cli("token", "--org", org, "--int", "int", "--client-id", "me")
    client = ServerClient.bearer(server.url, token["bearer"], "me")
    assert client.request("POST", f"/runtime/admin/namespaces/{org}/int").status == 403
    assert ServerClient.bearer(server.url, token["bearer"], "you").request("GET", "/runtime/system/actions").status == 403


def test_a_token_ends(server: Server, cli: Cli, org: str) -> None:
    token = cli("token", "--org", org, "--int", "int", "--ttl", "1")
    client = ServerClient.bearer(server.url, token["bearer"], token["apiKey"])
    answer = eventually(lambda: _refused(client), within_s=4)
    assert answer["error_code"] == "401013"


def _refused(client: ServerClient) -> Any:
    answer = client.request("GET", "/runtime/system/actions")
    return answer.json() if answer.status == 401 else None


def test_kinds_are_listed_with_what_runs_them(cli: Cli) -> None:
    kinds = {row["kind"]: row for row in cli("runtimes", "list")}
    assert kinds["nodejs:14"]["runBy"] in kinds
    assert {row["kind"].partition(":")[0] for row in kinds.values() if row["default"]} >= {"nodejs", "python"}


def test_doctor_finds_what_is_essential(server: Server) -> None:
    done = server.cli("doctor", "--json")
    checks = {row["name"]: row for row in msgspec.json.decode(done.stdout)}
    assert done.returncode == int(any(row["essential"] and not row["ok"] for row in checks.values()))
    assert checks["python"]["ok"]
    assert all(row["cure"] for row in checks.values() if not row["ok"])


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        pytest.param(("namespace", "delete", "nobody", "int"), 1, "nobody", id="unknown namespace"),
        pytest.param(("namespace", "rotate-key", "nobody", "int"), 1, "nobody", id="no key to rotate"),
        pytest.param(("namespace", "create", "o/o", "int"), 1, "", id="illegal organization"),
        pytest.param(("limits", "get", "nowhere"), 1, "nowhere", id="limits of nobody"),
        pytest.param(("limits", "set", "guest", "speed=1"), 2, "speed", id="unknown limit"),
        pytest.param(("limits", "set", "guest", "invocationsPerMinute=-1"), 2, "invocationsPerMinute", id="negative limit"),
        pytest.param(("limits", "set", "guest"), 2, "name=value", id="nothing to set"),
        pytest.param(("token", "--org", "o", "--int", "i", "--ttl", "0"), 2, "ttl", id="token of no time"),
        pytest.param(("namespace", "create", "onlyorg"), 2, "INT", id="missing argument"),
        pytest.param(("frobnicate",), 2, "frobnicate", id="unknown command"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(server: Server, words: tuple[str, ...], code: int, text: str) -> None:
    done = run_cli(*words) if words[0] == "frobnicate" else server.cli(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert text.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_stopped_server_finds_what_was_changed_meanwhile(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    place = ("--data-dir", str(data_dir), "--json")
    assert msgspec.json.decode(run_cli("migrate", *place).stdout)["before"] is None
    made = msgspec.json.decode(run_cli("namespace", "create", "acme", "shop", *place).stdout)
    assert run_cli("limits", "set", "acme_shop", "firesPerMinute=7", *place).returncode == 0
    bearer = msgspec.json.decode(run_cli("token", "--org", "acme", "--int", "shop", *place).stdout)
    with running_server(data_dir, environment={"IORUNTIME_INVOKER__PREWARM": "0"}) as server:
        client = ServerClient.basic(server.url, made["auth"])
        assert client.request("GET", "/api/v1/namespaces/_/limits").json()["firesPerMinute"] == 7
        adobe = ServerClient.bearer(server.url, bearer["bearer"], bearer["apiKey"])
        assert adobe.request("GET", "/runtime/namespaces/acme/shop/actions").json() == []
    migrated = msgspec.json.decode(run_cli("migrate", *place).stdout)
    assert migrated["before"] == migrated["now"]
    assert run_cli("namespace", "delete", "acme", "shop", *place).returncode == 0
    assert [row["namespace"] for row in msgspec.json.decode(run_cli("namespace", "list", *place).stdout)] == [
        "adobeio",
        "whisk.system",
    ]
