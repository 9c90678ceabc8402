"""Somebody else's server, as a test wants it: a thread that answers over real sockets and remembers what came."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec


class Came(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    """By lower-case names."""
    body: bytes

    @property
    def challenge(self) -> str | None:
        return parse_qs(urlsplit(self.target).query).get("challenge", [None])[0]

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def agreeing(came: Came) -> tuple[int, bytes]:
    """Send a challenge back, and take everything else."""
    return 200, (came.challenge or "").encode()


class Receiver:
    """A webhook."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.answer: Callable[[Came], tuple[int, bytes]] = agreeing
        self.came: list[Came] = []

    @property
    def events(self) -> list[Came]:
        """What was posted, invitations left out."""
        return [each for each in self.came if each.method == "POST" and b"validationUrl" not in each.body]


@contextmanager
def receiving() -> Generator[Receiver]:
    """Run a webhook while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            came = Came(self.command, self.path, headers, body)
            receiver.came.append(came)
            status, answer = receiver.answer(came)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = _take  # noqa: N815 - the name that http.server looks for
        do_POST = _take  # noqa: N815 - as above

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its parent's name

    class Listener(ThreadingHTTPServer):
        request_queue_size = 128  # of five, a connection more is lost now and then, and an event tried a minute later

    with Listener(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever, name="webhook")
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
