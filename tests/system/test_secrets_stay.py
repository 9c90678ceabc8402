"""Whatever a busy server tells - log, metrics, pages for operators, process list, audit - holds none of its secrets."""

import base64
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ioruntime.testing.server import Server, ServerClient, actions, running_server

pytestmark = pytest.mark.timeout(120)
PASSWORD = "Pa55word-of-a-parameter"
GUESS = "Gu3ss-of-a-secret"
RESULT = "R3sult-of-an-action"
ECHO = f"function main(p) {{ return {{ result: '{RESULT}', given: Object.keys(p) }} }}"
WAYS_TO_END = {
    "well": ECHO,
    "thrown": "function main(p) { throw new Error('no') }",
    "gone": "function main(p) { process.exit(1) }",
    "broken": "function main(p) { return",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("secrets")
    environment = {
        "IORUNTIME_LOG__LEVEL": "debug",
        "IORUNTIME_LOG__FORMAT": "json",
        "IORUNTIME_LOG__AUDIT_FILE": str(folder / "audit.jsonl"),
    }
    with running_server(folder / "data", environment=environment, guest_auth=None) as running:
        yield running


def use(client: ServerClient) -> None:
    """Do what writes logs: actions that end in every way, with secrets in every place, and requests that are refused."""
    parameters = [{"key": "password", "value": PASSWORD}, {"key": "token", "value": PASSWORD, "init": True}]
    for name, code in WAYS_TO_END.items():
        client.put_action(name, code, parameters=parameters, annotations=[{"key": "provide-api-key", "value": True}])
        client.invoke(name, {"password": PASSWORD})
    client.request("PUT", actions("bad"), body=b'{"exec": "%b' % PASSWORD.encode(), headers={"Content-Type": "application/json"})
    client.request("PUT", "/api/v1/namespaces/_/triggers/t", {"parameters": parameters})
    client.request("POST", "/api/v1/namespaces/_/triggers/t", {"password": PASSWORD})
    for scheme in ("Basic", "Bearer"):
        guess = base64.b64encode(f"{GUESS}:{GUESS}".encode()).decode() if scheme == "Basic" else GUESS
        client.request("GET", actions(""), headers={"Authorization": f"{scheme} {guess}"})
    client.request("GET", f"/api/v1/namespaces/_/actions/{GUESS}%00", headers={"X-Api-Key": GUESS})


def told(server: Server) -> dict[str, str]:
    """Everything that leaves the server without being asked for by its owner."""
    texts = {name: server.guest.request("GET", f"/{name}").body.decode() for name in ("metrics", "readyz", "healthz")}
    own = [f"/proc/{server.process.pid}", *(f"/proc/{pid}" for pid in _descendants(server.process.pid))]
    texts["process list"] = "\n".join(_content(place, "cmdline") for place in own)
    texts["environments"] = "\n".join(_content(place, "environ") for place in own)
    audit = server.data_dir.parent / "audit.jsonl"
    return texts | {"log": server.errors, "output": "\n".join(server.lines), "audit": audit.read_text()}


def test_nothing_tells_a_secret(server: Server) -> None:
    admin, path = server.operator, "/runtime/admin/namespaces/secretive/tests"
    made = admin.request("POST", path).json()
    use(ServerClient.basic(server.url, made["auth"]))
    renewed = admin.request("POST", f"{path}/reset").json()
    keys = [auth.partition(":")[2] for auth in (made["auth"], renewed["auth"], server.credentials["auth"])]
    secrets = [*keys, server.credentials["bearer"], PASSWORD, GUESS, RESULT]
    texts = told(server)
    found = [(place, secret) for place, text in texts.items() for secret in secrets if secret in text]
    assert found == []
    assert "request_answered" in texts["log"], "the log is read that the server writes"
    stored = b"".join(file.read_bytes() for file in server.data_dir.glob("*.db*"))
    assert [key for key in keys if key.encode() in stored] == []


def test_administrative_changes_are_told_with_who_and_what(server: Server) -> None:
    admin, path = server.operator, "/runtime/admin/namespaces/audited/tests"
    for method, target in (("POST", path), ("POST", f"{path}/reset"), ("DELETE", path)):
        assert admin.request(method, target).status == 200
    assert server.cli("namespace", "create", "audited", "cli").returncode == 0
    file = server.data_dir.parent / "audit.jsonl"
    done = server.cli("namespace", "delete", "audited", "cli", environment={"IORUNTIME_LOG__AUDIT_FILE": str(file)})
    assert done.returncode == 0, done.stderr
    lines = [msgspec.json.decode(line) for line in file.read_text().splitlines()]
    about = [(line["what"], line["namespace"]) for line in lines if line["namespace"].startswith("audited")]
    assert about == [
        ("namespace asked for", "audited_tests"),
        ("key replaced", "audited_tests"),
        ("namespace deleted", "audited_tests"),
        ("namespace deleted", "audited_cli"),
    ]
    assert all(line["who"] and line["at"] for line in lines)
    assert file.stat().st_mode & 0o077 == 0


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = [int(word) for word in (thread / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
        for child in children:
            found += [child, *_descendants(child)]
    return found


def _content(place: str, name: str) -> str:
    try:
        return Path(place, name).read_bytes().decode(errors="replace")
    except OSError:
        return ""  # it has ended meanwhile
