"""API gateway, log forwarding and encryption on a real server with real actions."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing.server import Server, ServerClient, eventually, running_server

pytestmark = pytest.mark.timeout(120)  # each start and each command is a process
SECRET = "a-password-that-nobody-may-read"
GREET = "function main(p) { console.log('greeting ' + p.name); return {body: {hello: p.name, known: p.password.length}} }"


class Collector(ThreadingHTTPServer):
    """Takes log events as Splunk does."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.tokens: set[str | None] = set()
        super().__init__(("127.0.0.1", 0), _CollectorHandler)


class _CollectorHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        collector = self.server
        assert isinstance(collector, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        collector.tokens.add(self.headers["authorization"])
        collector.events += [msgspec.json.decode(line) for line in body.splitlines()]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the library's name


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that may send to this machine, and whose data directory the tests look into."""
    folder = tmp_path_factory.mktemp("gateway") / "data"
    with running_server(folder, environment={"IORUNTIME_FORWARDING__PRIVATE_HOSTS": "true"}) as running:
        yield running


def put_greeting(client: ServerClient) -> None:
    annotations = [{"key": "web-export", "value": True}]
    client.put_action("greet", GREET, overwrite=True, annotations=annotations, parameters=[{"key": "password", "value": SECRET}])


def test_an_api_is_created_as_aio_does_and_called(own_server: Server) -> None:
    guest = own_server.guest
    put_greeting(guest)
    whisk = {"name": "greet", "namespace": "_", "backendMethod": "GET", "backendUrl": "", "authkey": ""}
    route = {"namespace": "_", "gatewayBasePath": "/club", "gatewayPath": "/people/{name}", "gatewayMethod": "GET"}
    manage = "/api/v1/web/whisk.system/apimgmt"
    created = guest.request("POST", f"{manage}/createApi?responsetype=http", {"apidoc": route | {"action": whisk}})
    assert created.status == 200
    url = created.json()["gwApiUrl"]
    assert url == f"{own_server.url}/apis/guest/club"
    answer = guest.request("GET", f"{url.removeprefix(own_server.url)}/people/Ada")
    assert answer.json() == {"hello": "Ada", "known": len(SECRET)}
    assert guest.request("DELETE", f"{manage}/deleteApi?basepath=club").status == 204
    assert guest.request("GET", "/apis/guest/club/people/Ada").status == 404


def test_logs_arrive_at_their_destination_and_stay_here(own_server: Server, collector: Collector) -> None:
    guest, at = own_server.guest, "/runtime/namespaces/guest/logForwarding"
    put_greeting(guest)
    splunk = {"host": "http://127.0.0.1", "port": collector.server_port, "index": "main", "hec_token": "t0ken"}
    chosen = guest.request("PUT", at, {"splunk_hec": splunk})
    assert (chosen.status, "hec_token" in chosen.json()["splunk_hec"]) == (200, False)
    record = guest.invoke("greet", {"name": "Grace"}).json()
    eventually(lambda: collector.events or None, within_s=10)
    event = collector.events[0]["event"]
    assert (event["message"], event["activationId"]) == ("greeting Grace", record["activationId"])
    assert collector.tokens == {"Splunk t0ken"}
    assert guest.ended(record["activationId"])["logs"] != []
    assert guest.request("GET", f"{at}/errors").json() == {"configured_forwarder": "splunk_hec", "errors": []}
    assert guest.request("PUT", at, {"adobe_io_runtime": {}}).status == 200


def test_parameters_are_not_in_the_data_directory_and_survive_a_rotation(own_server: Server) -> None:
    guest = own_server.guest
    put_greeting(guest)
    guest.start("greet", {"name": "Linus"})
    assert SECRET.encode() not in database_of(own_server.data_dir)
    rotated = own_server.cli("secrets", "rotate", "--json")
    assert (rotated.returncode, msgspec.json.decode(rotated.stdout)["documents"] > 0) == (0, True)
    action = guest.request("GET", "/api/v1/namespaces/_/actions/greet").json()
    assert action["parameters"] == [{"key": "password", "value": SECRET}]
    put_greeting(guest)
    assert SECRET.encode() not in database_of(own_server.data_dir)


def database_of(data_dir: Path) -> bytes:
    return b"".join(file.read_bytes() for file in data_dir.glob("ioruntime.db*"))
