"""As much of HTTP/1.1 as the platform's own client speaks: requests with Content-Length, one after the other."""

import os
import select

# Not `socket`: its imports (enum, selectors) take longer than all of ours.
from _socket import socket as Socket  # noqa: N812

REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error", 502: "Bad Gateway"}
CHUNK_BYTES = 1 << 20


class Connection:
    """One keep-alive connection; reads block until a request is whole."""

    def __init__(self, fd):
        self._socket = Socket(fileno=fd)
        self._socket.setblocking(True)
        self._rest = b""

    def read(self):
        """The next request as (path, body), or None when the client is gone."""
        while b"\r\n\r\n" not in self._rest:
            if not self._receive():
                return None
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        length = content_length(head)
        parts, received = [self._rest], len(self._rest)
        while received < length:
            part = self._socket.recv(min(length - received, CHUNK_BYTES))
            if not part:
                return None
            parts.append(part)
            received += len(part)
        body = b"".join(parts)
        self._rest = body[length:]
        return head.split(b" ", 2)[1], body[:length]

    def write(self, status, body):
        head = "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        try:  # noqa: SIM105  # contextlib costs a millisecond of the start
            self._socket.sendall((head % (status, REASONS[status], len(body))).encode() + body)
        except OSError:
            pass  # the client no longer listens; the next read says so

    def close(self):
        self._socket.close()

    def _receive(self):
        try:
            part = self._socket.recv(65536)
        except ConnectionError:
            part = b""
        self._rest += part
        return bool(part)


def content_length(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class Listener:
    """The inherited socket and the connections accepted on it."""

    def __init__(self, fd):
        os.set_inheritable(fd, False)
        self._fd = fd
        self._socket = Socket(fileno=fd)
        self._socket.setblocking(True)
        self._connections = {}
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def next_request(self, wait=True):
        """The next whole request as (connection, path, body); None if `wait` is false and no client is talking.

        Raises:
            ConnectionError: the listening socket is gone.
        """
        while True:
            connection = self._readable(None if wait else 0)
            if connection is None:
                return None
            request = connection.read()
            if request is not None:
                return (connection, *request)
            self._drop(connection)

    def _readable(self, timeout):
        while True:
            events = self._poll.poll(timeout)
            if not events:
                return None
            for fd, event in events:
                if fd != self._fd:
                    return self._connections[fd]
                if not event & select.POLLIN:
                    raise ConnectionError("the listening socket was closed")
                self._accept()

    def _accept(self):
        fd, _ = self._socket._accept()  # noqa: SLF001  # what `socket.accept` calls
        self._connections[fd] = Connection(fd)
        self._poll.register(fd, select.POLLIN)

    def _drop(self, connection):
        fd = next(fd for fd, each in self._connections.items() if each is connection)
        self._poll.unregister(fd)
        del self._connections[fd]
        connection.close()
