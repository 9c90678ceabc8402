"""The short way of a request whose head was answered before: the same answers, and everything that changed is seen at once.

Each test sends the same head again and again over one connection, so that all but the first requests may take it.
"""

import json
import signal
import socket
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ioruntime.testing.server import Server, ServerClient, eventually, running_server

pytestmark = pytest.mark.timeout(90)
ECHO = "const main = (args) => { console.log('said'); return {got: args, ms: Date.now() * 0 + VERSION}; }; const VERSION = 1;"
SLOW = "const main = ({ms}) => new Promise((done) => setTimeout(() => done({waited: ms}), ms));"


class Wire:
    """One connection on which requests with one head are sent."""

    def __init__(self, connection: socket.socket, head: bytes) -> None:
        self.connection = connection
        self.head = head
        self._rest = b""

    def send(self, body: bytes) -> None:
        self.connection.sendall(self.head % len(body) + body)

    def read(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the next answer."""
        while b"\r\n\r\n" not in self._rest:
            self._receive()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers["content-length"])
        while len(self._rest) < length:
            self._receive()
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(status.split(" ")[1]), headers, body

    def ask(self, payload: Any) -> tuple[int, Any]:
        self.send(json.dumps(payload).encode())
        status, _, body = self.read()
        return status, json.loads(body)

    def _receive(self) -> None:
        data = self.connection.recv(65_536)
        if not data:
            raise ConnectionError
        self._rest += data


@contextmanager
def wire(server: Server, space: ServerClient, name: str, *, more: bytes = b"") -> Generator[Wire]:
    credentials = space.headers["Authorization"].encode()
    head = b"POST /api/v1/namespaces/_/actions/%b?blocking=true&result=true HTTP/1.1\r\nhost: x\r\nauthorization: %b\r\n" % (
        name.encode(),
        credentials,
    )
    head = head.replace(b"%", b"%%") + b"content-type: application/json\r\n" + more + b"content-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        yield Wire(connection, head)


def test_the_same_head_with_other_bodies_gets_other_answers_and_records_with_logs(server: Server, space: ServerClient) -> None:
    space.put_action("echo", ECHO)
    with wire(server, space, "echo") as line:
        for number in range(10, 15):
            line.send(b'{"n":%d}' % number)
            status, headers, body = line.read()
            assert (status, json.loads(body)["got"]) == (200, {"n": number})
            assert len(headers["x-request-id"]) == 32
            assert "date" in headers
            record = space.ended(headers["x-openwhisk-activation-id"])
            assert record["response"]["result"]["got"] == {"n": number}
            assert [entry.rpartition(": ")[2] for entry in record["logs"]] == ["said"]


def test_a_new_version_is_what_runs_next(server: Server, space: ServerClient) -> None:
    space.put_action("echo", ECHO)
    with wire(server, space, "echo") as line:
        for version in range(1, 5):
            if version > 1:
                space.put_action("echo", ECHO.replace("VERSION = 1", f"VERSION = {version}"), overwrite=True)
            assert [line.ask({})[1]["ms"] for _ in range(3)] == [version] * 3


def test_new_parameters_are_there_at_once(server: Server, space: ServerClient) -> None:
    space.put_action("echo", ECHO)
    with wire(server, space, "echo") as line:
        for _ in range(3):
            assert line.ask({"a": 1})[1]["got"] == {"a": 1}
        space.put_action("echo", ECHO, overwrite=True, parameters=[{"key": "b", "value": 2}])
        for _ in range(3):
            assert line.ask({"a": 1})[1]["got"] == {"a": 1, "b": 2}


def test_a_deleted_action_is_gone_and_an_old_key_is_refused(server: Server) -> None:
    space = server.namespace("known-heads-gone")
    space.put_action("echo", ECHO)
    with wire(server, space, "echo") as line:
        assert [line.ask({})[0] for _ in range(3)] == [200] * 3
        space.request("DELETE", "/api/v1/namespaces/_/actions/echo")
        assert [line.ask({})[0] for _ in range(2)] == [404] * 2
        answer = server.operator.request("DELETE", "/runtime/admin/namespaces/known-heads-gone/tests")
        assert answer.status in {200, 204}
        assert [line.ask({})[0] for _ in range(2)] == [401] * 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b'{"a":', 400, id="not JSON"),
        pytest.param(b"[1,2]", 400, id="no object"),
        pytest.param(b'{"a":"\xff"}', 400, id="not UTF-8"),
        pytest.param(b'{"a":"' + b"x" * (1024 * 1024) + b'"}', 413, id="too large"),
    ],
)
def test_bad_bodies_are_refused_as_ever(server: Server, space: ServerClient, body: bytes, status: int) -> None:
    space.put_action("echo", ECHO)
    with wire(server, space, "echo") as line:
        good = json.dumps({"a": "x" * (len(body) - 9)}).encode() if len(body) < 1000 else b"{}"
        for _ in range(3):
            line.send(good)
            assert line.read()[0] == 200
        line.send(body)
        assert line.read()[0] == status


def test_a_body_in_two_parts_and_requests_in_one(server: Server, space: ServerClient) -> None:
    space.put_action("echo", ECHO)
    with wire(server, space, "echo") as line:
        for _ in range(3):
            assert line.ask({"n": 0})[0] == 200
        request = line.head % 7 + b'{"n":7}'
        line.connection.sendall(request[:-3])
        line.connection.sendall(request[-3:])
        assert json.loads(line.read()[2])["got"] == {"n": 7}
        line.connection.sendall(b"".join(line.head % 7 + b'{"n":%d}' % number for number in range(1, 6)))
        assert [json.loads(line.read()[2])["got"]["n"] for _ in range(5)] == [1, 2, 3, 4, 5]


def test_what_comes_while_an_answer_is_made_waits_its_turn(server: Server, space: ServerClient) -> None:
    space.put_action("slow", SLOW)
    with wire(server, space, "slow") as line:
        assert line.ask({"ms": 1})[0] == 200
        for ms in (200, 1, 100, 2):
            line.send(b'{"ms":%d}' % ms)
        assert [json.loads(line.read()[2])["waited"] for _ in range(4)] == [200, 1, 100, 2]


def test_the_clients_own_request_id_stays(server: Server, space: ServerClient) -> None:
    space.put_action("echo", ECHO)
    with wire(server, space, "echo", more=b"x-request-id: mine-1\r\n") as line:
        for _ in range(4):
            line.send(b"{}")
            assert line.read()[1]["x-request-id"] == "mine-1"


def test_failures_of_the_action_are_told(server: Server, space: ServerClient) -> None:
    space.put_action("odd", "const main = ({how}) => how === 'throw' ? process.exit(1) : {error: how};")
    with wire(server, space, "odd") as line:
        assert line.ask({"how": "a"}) == (502, {"error": "a"})
        for _ in range(3):
            assert line.ask({"how": "a"}) == (502, {"error": "a"})
        status, body = line.ask({"how": "throw"})
        assert status == 502
        assert "exited unexpectedly" in body["error"]
        assert line.ask({"how": "b"}) == (502, {"error": "b"})


def test_a_client_that_leaves_loses_nothing(server: Server, space: ServerClient) -> None:
    space.put_action("slow", SLOW)
    listed = "/api/v1/namespaces/_/activations?name=slow&docs=true"
    with wire(server, space, "slow") as line:
        for _ in range(3):
            assert line.ask({"ms": 1})[0] == 200
        line.send(b'{"ms":300}')
    eventually(lambda: len(space.request("GET", listed).json()) == 4, within_s=30)


def test_over_the_limit_is_429_and_a_stop_lets_the_answer_out(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", environment={"IORUNTIME_LIMITS__INVOCATIONS_PER_MINUTE": "6"}) as server:
        server.guest.put_action("slow", SLOW)
        with wire(server, server.guest, "slow") as line:
            assert [line.ask({"ms": 1})[0] for _ in range(5)] == [200] * 5
            line.send(b'{"ms":2000}')
            in_flight = b"ioruntime_activations_in_flight 1.0"
            eventually(lambda: in_flight in server.guest.request("GET", "/metrics").body, within_s=30)
            server.process.send_signal(signal.SIGTERM)
            status, headers, body = line.read()
            assert (status, json.loads(body)) == (200, {"waited": 2000})
            assert headers.get("connection", "close") == "close"
            assert line.connection.recv(1) == b""
        assert server.wait() == 0
    with running_server(tmp_path / "other", environment={"IORUNTIME_LIMITS__INVOCATIONS_PER_MINUTE": "3"}) as server:
        server.guest.put_action("slow", SLOW)
        with wire(server, server.guest, "slow") as line:
            assert [line.ask({"ms": 1})[0] for _ in range(5)] == [200] * 3 + [429] * 2


def test_tokens_of_the_other_api_take_the_short_way_too(server: Server) -> None:
    own = server.credentials
    server.guest.put_action("echo-known", ECHO)
    path = f"/runtime/namespaces/{own['orgId']}/{own['intId']}/actions/echo-known"
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {own['bearer']}\r\nx-api-key: {own['apiKey']}\r\n"
        "content-type: application/json\r\n"
    ).encode() + b"content-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        line = Wire(connection, head)
        for number in range(5):
            status, body = line.ask({"n": number})
            assert (status, body["response"]["result"]["got"]) == (200, {"n": number})


def test_credentials_are_part_of_the_head(server: Server, space: ServerClient) -> None:
    space.put_action("echo", ECHO)
    wrong = ServerClient(server.url, {"Authorization": "Basic " + b64encode(b"nobody:nothing").decode()})
    with wire(server, space, "echo") as line, wire(server, wrong, "echo") as other:
        for _ in range(3):
            assert line.ask({})[0] == 200
            assert other.ask({})[0] == 401
