"""Writes a whole answer at once.

uvicorn takes an answer as two messages, looks at every header with two regular expressions and writes twice; for our
answers, which are always whole and of known headers, that was a fifth of a request's time.
"""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ioruntime.faces.http.call import WHOLE_ANSWER

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}


class WholeAnswerCycle(RequestResponseCycle):
    """A request and its answer, which may come in one message; otherwise as uvicorn has it."""

    async def send(self, message: MutableMapping[str, Any]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - one message more
        """Take `WHOLE_ANSWER` with `status`, `headers` and `body`, or any message of ASGI.

        Raises:
            ValueError: a header with a line end in it.
        """
        if message["type"] != WHOLE_ANSWER or self.response_started:
            await super().send(message)  # pyright: ignore[reportArgumentType]
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head = head_of(message["status"], [*self.default_headers, *message["headers"]], keep_alive=self.keep_alive)
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(head + message["body"])
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def head_of(status: int, headers: list[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    """Write the head of an answer.

    Raises:
        ValueError: a header with a line end in it.
    """
    lines = [b"%b: %b\r\n" % header for header in headers]
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    head = b"".join(lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
        raise ValueError("A header has a line end in it.")
    return (_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status) + head + b"\r\n"
