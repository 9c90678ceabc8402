"""Counts how often user code says that it started: actions reach it over this machine's network."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPORTER = """
const http = require('http');
const main = ({url, ms}) => new Promise((done, fail) => {
  http.get(`${url}/${process.env.__OW_ACTIVATION_ID}`, (answer) => {
    answer.resume();
    answer.on('end', () => setTimeout(() => done({url, ms}), ms || 0));
  }).on('error', fail);
});
"""
"""An action that reports its activation id, sleeps, and hands its arguments on."""


class Starts:
    """Counts, by activation id."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        starts = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                starts.count[self.path.strip("/")] += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
