"""Answers written at once: pipelined, kept alive, closed, HEAD, and headers that nobody may smuggle in."""

import socket

import pytest

from ioruntime.app.connections.cycle import head_of
from ioruntime.testing.server import Server

pytestmark = pytest.mark.timeout(60)


def exchange(port: int, data: bytes) -> bytes:
    """Send and keep listening until the server closes."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    request = b"GET /ping HTTP/1.1\r\nhost: x\r\nx-request-id: %b\r\n\r\n"
    last = b"GET /ping HTTP/1.1\r\nhost: x\r\nx-request-id: last\r\nconnection: close\r\n\r\n"
    answer = exchange(server.port, request % b"first" + request % b"second" + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b"first") < answer.index(b"second") < answer.index(b"last")
    assert answer.count(b"connection: close") == 1


def test_an_old_client_gets_its_answer_and_the_end(server: Server) -> None:
    answer = exchange(server.port, b"GET /ping HTTP/1.0\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\npong")


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b=c", b"a\nb", b"a\rb"])
def test_a_line_end_in_a_header_is_never_written(value: bytes) -> None:
    with pytest.raises(ValueError, match="line end"):
        head_of(200, [(b"x", value)], keep_alive=True)
