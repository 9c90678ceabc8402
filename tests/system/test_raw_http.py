"""Requests that two programs could read differently, and clients that are too slow: refused, and nobody else notices."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from ioruntime.testing.server import Server, running_server, send_raw

pytestmark = pytest.mark.timeout(120)

POST = b"POST /ping HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length, then chunked"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", id="chunked, then length"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", id="the same length twice"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello", id="two lengths"),
        pytest.param(POST + b"Content-Length: 5, 5\r\n\r\nhello", id="a list of lengths"),
        pytest.param(POST + b"Content-Length: +5\r\n\r\nhello", id="a length with a sign"),
        pytest.param(POST + b"Content-Length: 0x5\r\n\r\nhello", id="a length in hexadecimal"),
        pytest.param(POST + b"Content-Length: 5 5\r\n\r\nhello", id="a length with a blank"),
        pytest.param(POST + b"Content-Length:\r\n\r\n", id="an empty length"),
        pytest.param(POST + b"Content-Length: 99999999999999999999999\r\n\r\n", id="a length beyond numbers"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="almost chunked"),
        pytest.param(POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", id="chunked is not the last"),
        pytest.param(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="chunked and another"),
        pytest.param(POST + b"Transfer-Encoding: identity\r\n\r\n", id="identity"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", id="two transfer encodings"
        ),
        pytest.param(b"POST /ping HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked in HTTP/1.0"),
        pytest.param(POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="a blank before the colon"),
        pytest.param(POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", id="a control character before chunked"),
        pytest.param(POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", id="a folded header that matters"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", id="a folded header"),
        pytest.param(b"GET /ping HTTP/1.1\nHost: x\n\n", id="lines that end in a bare LF"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", id="one line that ends in a bare LF"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", id="a bare CR"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", id="NUL in a header"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n", id="a control character in a header"),
        pytest.param(b"GET /ping HTTP/1.1\r\n Host: x\r\n\r\n", id="a blank before the first header"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost x\r\n\r\n", id="a header without a colon"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", id="a header without a name"),
        pytest.param(b"GET /pi\x01ng HTTP/1.1\r\nHost: x\r\n\r\n", id="a control character in the target"),
        pytest.param(b"GET /ping\r\n\r\n", id="HTTP/0.9"),
        pytest.param(b"GET /ping HTTP/2.0\r\nHost: x\r\n\r\n", id="HTTP/2 in the first line"),
        pytest.param(CHUNKED + b"5\nhello\n0\n\n", id="chunks that end in a bare LF"),
        pytest.param(CHUNKED + b"5;a\nb\r\nhello\r\n0\r\n\r\n", id="a line end in a chunk's extension"),
        pytest.param(CHUNKED + b"3\r\nhello\r\n0\r\n\r\n", id="a chunk longer than it says"),
        pytest.param(CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", id="a chunk's length beyond numbers"),
        pytest.param(CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", id="a chunk's length with a prefix"),
        pytest.param(CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n", id="a chunk's length with a blank"),
        pytest.param(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", id="a chunk's length below nothing"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: a b\r\n\r\n", id="a host with a blank"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: guest.x/../y\r\n\r\n", id="a host with a path"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: user@x\r\n\r\n", id="a host with a user"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 300 + b"\r\n", id="300 headers"),
    ],
)
def test_what_could_be_read_differently_is_refused_whole(server: Server, data: bytes) -> None:
    received = b""
    with contextlib.suppress(ConnectionError):  # closed before everything was sent: said no loudly enough
        received = send_raw(server.guest.address, data + NEXT)
    assert received.count(b"HTTP/1.1 ") <= 1, "what followed was taken for a request"
    assert not received or received.startswith(b"HTTP/1.1 400 "), received[:300]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/api/v1/namespaces/_/actions/..%2f..%2f..%2fetc%2fpasswd", id="escaped slashes"),
        pytest.param("/api/v1/namespaces/_/actions/%2e%2e/%2e%2e/triggers", id="escaped dots"),
        pytest.param("/api/v1/namespaces/_/actions/..%5c..%5cx", id="backslashes"),
        pytest.param("/api/v1/namespaces/_/actions/a%252f..%252fb", id="escaped twice"),
        pytest.param("/api/v1/namespaces/_/actions/a%00.js", id="NUL"),
        pytest.param("/api/v1/namespaces/_/actions/a%0d%0aX-Evil:%20b", id="line ends"),
        pytest.param("/api/v1/web/guest/default/..%2f..%2fsecrets.http", id="web action"),
        pytest.param("/docs/..%2f..%2fapp%2fsettings.py", id="pages"),
    ],
)
def test_a_name_leads_nowhere_else(server: Server, target: str) -> None:
    answer = server.guest.request("GET", target)
    assert answer.status in {400, 404}
    assert "x-evil" not in answer.headers
    assert b"root:" not in answer.body


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that bears with its clients for a second, and with four connections."""
    environment = {
        "IORUNTIME_HTTP__PATIENCE_S": "1",
        "IORUNTIME_HTTP__CONNECTIONS_PER_SOURCE": "4",
        "IORUNTIME_INVOKER__DRIVER": "process",
        "IORUNTIME_INVOKER__PREWARM": "0",
    }
    with running_server(tmp_path_factory.mktemp("hasty") / "data", environment=environment) as running:
        yield running


def drip(connection: socket.socket, data: bytes, *, every_s: float) -> bytes:
    """Send byte by byte until the server has enough of it; return what it said, or nothing."""
    received, deadline = b"", time.monotonic() + 60
    connection.settimeout(every_s)
    with contextlib.suppress(ConnectionError):
        for byte in data:
            assert time.monotonic() < deadline, "the server waits for ever"
            connection.sendall(bytes((byte,)))
            try:
                received = connection.recv(65_536)
            except TimeoutError:
                continue
            break
    return received


@pytest.mark.parametrize(
    ("begin", "dripped"),
    [
        pytest.param(b"", b"GET /ping HTTP/1.1\r\nX: " + b"x" * 10_000, id="a slow head"),
        pytest.param(
            b"POST /api/v1/namespaces/_/triggers/a HTTP/1.1\r\nHost: x\r\nAuthorization: KEY\r\nContent-Length: 10000\r\n\r\n",
            b"x" * 10_000,
            id="a slow body",
        ),
    ],
)
def test_who_sends_slowly_is_left(hasty: Server, begin: bytes, dripped: bytes) -> None:
    with socket.create_connection(hasty.guest.address, 30) as connection:
        connection.sendall(begin.replace(b"KEY", hasty.guest.headers["Authorization"].encode()))
        received = drip(connection, dripped, every_s=0.05)
    assert not received or received.startswith(b"HTTP/1.1 408 "), received


def test_who_says_nothing_is_left(hasty: Server) -> None:
    with socket.create_connection(hasty.guest.address, 60) as connection:
        received = connection.recv(65_536)
    assert not received or received.startswith(b"HTTP/1.1 408 ")


def test_who_does_not_read_is_left(hasty: Server) -> None:
    hasty.guest.put_action("much", "def main(args): return {'much': 'x' * 900_000}", "python:default", overwrite=True)
    key = hasty.guest.headers["Authorization"]
    head = f"POST /api/v1/namespaces/_/actions/much?blocking=true HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n"
    asked = head.encode() + b"Content-Length: 0\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(hasty.guest.address)
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.sendall(asked * 20)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _is_reset(connection):
            time.sleep(0.1)
        assert _is_reset(connection), "the server keeps what nobody reads"


def _is_reset(connection: socket.socket) -> bool:
    """Whether the other side broke off; what was received before stays unread."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\x01"


def test_one_source_has_so_many_connections(hasty: Server) -> None:
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(socket.create_connection(hasty.guest.address, 30)) for _ in range(5)]
        received = connections[-1].recv(65_536)
    assert not received or received.startswith(b"HTTP/1.1 4")
    deadline = time.monotonic() + 30
    while True:  # the server learns of the closed ones when it comes to them
        with contextlib.suppress(OSError):
            answer = hasty.guest.request("GET", "/ping")
            if answer.status == 200:
                break
        assert time.monotonic() < deadline, "closed connections are counted for ever"
        time.sleep(0.1)
