"""HTTP/1.1 of uvicorn and httptools, with a bound on what comes before a body, and without upgrades."""

from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ioruntime.app.cycle import WholeAnswerCycle
from ioruntime.faces.http.call import WHOLE_ANSWER

TARGET_BYTES_MOST = 16 * 1024
HEAD_BYTES_MOST = 64 * 1024
_TARGET_TOO_LONG = (414, b"URI Too Long", f"The request's target is longer than {TARGET_BYTES_MOST} bytes.")
_HEAD_TOO_LONG = (431, b"Request Header Fields Too Large", f"The request's headers are longer than {HEAD_BYTES_MOST} bytes.")
_NO_HTTP = "Invalid HTTP request received."


class _RefusedError(Exception):
    """Stops the parser: the request is answered already."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 414 or 431 and closes, instead of keeping a request line or headers of any length in memory.

    An offer to change the protocol (Java's client makes one with every request) is declined by answering in HTTP/1.1.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes = 0
        self._unread_bytes = 0
        """Received since a head began that is not complete."""
        self._in_head = True

    def data_received(self, data: bytes) -> None:
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
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {WHOLE_ANSWER: {}}

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
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            if type(self.cycle) is RequestResponseCycle:
                self.cycle.__class__ = WholeAnswerCycle  # uvicorn makes it and offers no other way to choose its class

    def on_message_complete(self) -> None:
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
        self.data_received(b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, self.url, version, b"".join(kept), rest))

    def _refuse(self, status: int, phrase: bytes, text: str) -> None:
        """Say no and close; in silence where that would overtake the answer to an earlier request."""
        if self.transport.is_closing():
            return
        if getattr(self.cycle, "response_complete", True):  # there is no cycle before the first request
            head = b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\n" % (status, phrase)
            self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(text), text.encode()))
        self.transport.close()
