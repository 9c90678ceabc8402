"""HTTP/1.1 of uvicorn and httptools, with bounds on size, time and number, and without upgrades."""

import asyncio
import socket
import struct
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ioruntime.app.connections.cycle import WholeAnswerCycle, head_of
from ioruntime.app.connections.express import KnownHeads
from ioruntime.app.connections.manners import fault_of
from ioruntime.app.connections.patience import Progress, Sources
from ioruntime.faces.http.call import WHOLE_ANSWER, Repeatable

TARGET_BYTES_MOST = 16 * 1024
HEAD_BYTES_MOST = 64 * 1024
HELD_BYTES_MOST = 64 * 1024
_UNUSUAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
"""Headers that make a request more than a head and so many bytes."""
_TARGET_TOO_LONG = (414, b"URI Too Long", f"The request's target is longer than {TARGET_BYTES_MOST} bytes.")
_HEAD_TOO_LONG = (431, b"Request Header Fields Too Large", f"The request's headers are longer than {HEAD_BYTES_MOST} bytes.")
_TOO_SLOW = (408, b"Request Timeout", "The request did not come fast enough.")
_TOO_MANY = (429, b"Too Many Requests", "There are too many connections from this address.")
_AT_ONCE = struct.pack("ii", 1, 0)
_NO_HTTP = "Invalid HTTP request received."


class _RefusedError(Exception):
    """Stops the parser: the request is answered already."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 414 or 431 and closes, instead of keeping a request line or headers of any length in memory.

    An offer to change the protocol (Java's client makes one with every request) is declined by answering in HTTP/1.1.
    A request whose head is known, and that is there as a whole and alone, takes the short way: no parser, no task.
    """

    def __init__(self, *arguments: Any, known: KnownHeads, sources: Sources, patience_s: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known = known
        self._sources = sources
        self._patience_s = patience_s
        self._waiting_since_s = 0.0
        """When the connection was made, or the head began that is not complete."""
        self._sending, self._reading = Progress(patience_s), Progress(patience_s)
        self._body_bytes = 0
        self._is_between = True
        """True: no request has begun that is not complete."""
        self._lone: tuple[bytes, int] | None = None
        """Head and size of a request that came as a whole and alone; it may be learnt."""
        self._begun = 0
        self._is_short = False
        """True: an answer is being made in the short way; what comes meanwhile waits in `_held`."""
        self._held = b""
        self._is_last = False
        self._active_s = 0.0
        self._head_bytes = 0
        self._unread_bytes = 0
        """Received since a head began that is not complete."""
        self._in_head = True

    def data_received(self, data: bytes) -> None:
        if self._is_short:
            self._hold(data)
        elif not self._is_ready or not self._take_short(data):
            begun = self._begun
            self._parse(data)
            if self._begun != begun + 1 or not self._is_between:
                self._lone = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._waiting_since_s = self.loop.time()
        if self.client is not None and not self._sources.enter(self.client[0]):
            self._refuse(*_TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            self._sources.leave(self.client[0])
        super().connection_lost(exc)

    def hurry(self, now_s: float) -> None:
        """End the connection if its client reads or sends too slowly."""
        unread = self.transport.get_write_buffer_size()
        if unread:
            # Less to read is more that was read.
            if self._reading.is_too_slow(now_s, -unread):
                self._break_off()
            return
        self._reading.pause()
        if self._is_short or self.transport.is_closing() or self.flow.read_paused or (self._is_between and self._begun):
            self._sending.pause()  # it is our turn, or nobody's
        elif not self._in_head:
            if self._sending.is_too_slow(now_s, self._body_bytes):
                self._refuse(*_TOO_SLOW)
        elif now_s - self._waiting_since_s > self._patience_s:
            self._refuse(*_TOO_SLOW)

    def _break_off(self) -> None:
        """Close so that the kernel forgets what is not read, too: it would keep it for as long as the client says nothing."""
        sock: socket.socket | None = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def shutdown(self) -> None:
        if self._is_short:
            self._is_last = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close what was idle for long enough; the short way does not move the timer, it only notes when it was used."""
        left_s = self.timeout_keep_alive if self._is_short else self._active_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    @property
    def _is_ready(self) -> bool:
        """True: nothing of an earlier request or answer is under way."""
        self._lone = None
        return self._is_between and not self.flow.write_paused and getattr(self.cycle, "response_complete", True)

    def _take_short(self, data: bytes) -> bool:
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        head = data[:end]
        repeat = self._known.find(head, len(data), self.loop.time())
        if repeat is not None:
            self._is_short = True
            if repeat.begin(data[end:], self._respond):
                return True
            self._is_short = False
        self._lone = (head, len(data))
        return False

    def _learn(self, repeat: Repeatable) -> None:
        if self._lone is None or not self.cycle.keep_alive or not _UNUSUAL.isdisjoint(name for name, _ in self.headers):
            return
        head, size_bytes = self._lone
        self._known.keep(head, size_bytes, repeat, self.loop.time())

    def _respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._is_short = False
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        head = head_of(status, [*self.server_state.default_headers, *headers], keep_alive=not self._is_last)
        self.transport.write(head + body)
        if self._is_last:
            self.transport.close()
            return
        self._active_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        if self._held:
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HELD_BYTES_MOST:
            self.flow.pause_reading()

    def _parse(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._in_head:
            self._unread_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response(_NO_HTTP)
        # The parser keeps a header to itself until its line ends: here it is seen all the same.
        if self._in_head and self._unread_bytes > HEAD_BYTES_MOST + len(data):
            self._refuse(*_HEAD_TOO_LONG)

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._unread_bytes = True, 0, 0
        self._is_between, self._begun, self._waiting_since_s = False, self._begun + 1, self.loop.time()
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {WHOLE_ANSWER: {"learn": self._learn}}

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > TARGET_BYTES_MOST:
            self._refuse(*_TARGET_TOO_LONG)
            raise _RefusedError

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MOST:
            self._refuse(*_HEAD_TOO_LONG)
            raise _RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if fault := fault_of(self.parser.get_http_version(), self.headers):
            self._refuse(400, b"Bad Request", fault)
            raise _RefusedError
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            if type(self.cycle) is RequestResponseCycle:
                self.cycle.__class__ = WholeAnswerCycle  # uvicorn makes it and offers no other way to choose its class

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_between = True
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _decline(self, rest: bytes) -> None:
        """Read the request again without its offer: the parser takes nothing behind one for a body."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response(_NO_HTTP)
            return
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        self.parser = httptools.HttpRequestParser(self)
        self._parse(b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, self.url, version, b"".join(kept), rest))

    def _refuse(self, status: int, phrase: bytes, text: str) -> None:
        """Say no and close; in silence where that would overtake the answer to an earlier request."""
        if self.transport.is_closing():
            return
        if getattr(self.cycle, "response_complete", True):  # there is no cycle before the first request
            head = b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\n" % (status, phrase)
            self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(text), text.encode()))
        self.transport.close()
