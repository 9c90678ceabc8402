"""A small client on bare sockets: how long each request takes, one connection at a time or many at once."""

import asyncio
import socket
import time
from collections.abc import Sequence

from benchmarks.requests import Target
from benchmarks.wrk import LoadError

_LENGTH = b"content-length: "
_END = b"\r\n\r\n"


class Connection:
    """One connection that stays open, used by one caller at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer.

        Raises:
            LoadError: the answer is no success.
        """
        self._socket.sendall(request)
        data = self._receive()
        while (end := data.find(_END)) < 0:
            data += self._receive()
        missing = end + len(_END) + content_length(data[:end]) - len(data)
        while missing > 0:
            more = self._receive()
            data += more
            missing -= len(more)
        return _success(data, end)

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise LoadError("the server closed the connection")
        return data


def latencies_ms(target: Target, *, seconds: float) -> list[float]:
    """Ask again and again over one connection; return how long each answer took."""
    connection, request = Connection(target.port), target.encoded()
    taken: list[float] = []
    try:
        end_s = time.perf_counter() + seconds
        while (started_s := time.perf_counter()) < end_s:
            connection.ask(request)
            taken.append((time.perf_counter() - started_s) * 1000)
    finally:
        connection.close()
    return taken


def once_ms(target: Target) -> float:
    """Ask once over a new connection; return how long the answer took."""
    connection = Connection(target.port)
    try:
        started_s = time.perf_counter()
        connection.ask(target.encoded())
        return (time.perf_counter() - started_s) * 1000
    finally:
        connection.close()


async def together(targets: Sequence[Target]) -> list[bytes]:
    """Ask all targets at once, each over its own connection; return the bodies of the answers in their order."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(target)) for target in targets]
    return [task.result() for task in tasks]


async def _ask(target: Target) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        writer.write(target.encoded())
        head = await reader.readuntil(_END)
        data = head + await reader.readexactly(content_length(head))
        return _success(data, len(head) - len(_END))
    finally:
        writer.close()


async def paced_ms(target: Target, *, per_second: float, seconds: float, connections: int = 16) -> list[float]:
    """Ask at a steady rate, whatever the answers do; return how long after its due moment each was answered.

    A request that is due while all connections are busy waits for one, and its wait counts.
    """
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", target.port))
    request, taken = target.encoded(), list[float]()

    async def ask(due_s: float) -> None:
        reader, writer = await free.get()
        writer.write(request)
        head = await reader.readuntil(_END)
        _success(head + await reader.readexactly(content_length(head)), len(head) - len(_END))
        free.put_nowait((reader, writer))
        taken.append((time.perf_counter() - due_s) * 1000)

    start_s = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(per_second * seconds)):
            due_s = start_s + number / per_second
            if (early_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(early_s)
            group.create_task(ask(due_s))
    while not free.empty():
        free.get_nowait()[1].close()
    return taken


def content_length(head: bytes) -> int:
    """Read the length of the body out of an answer's head (pure).

    Raises:
        LoadError: it does not tell.
    """
    at = head.lower().find(_LENGTH)
    if at < 0:
        raise LoadError(f"an answer of unknown length: {head[:200]!r}")
    return int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


def _success(data: bytes, end: int) -> bytes:
    if data[9:10] != b"2":
        raise LoadError(f"an answer that is no success: {data[:300]!r}")
    return data[end + len(_END) :]
