"""The least that a container image needs to be an action: OpenWhisk's action proxy protocol on port 8080.

`POST /init` brings the code, once; `POST /run` calls it. After each run, a line on both outputs ends the activation's
log. This one runs Python source or a zip with `__main__.py`, and without code answers with what it was asked.
"""

import base64
import io
import json
import os
import socketserver
import sys
import traceback
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

PORT = 8080
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"


class RefusedError(Exception):
    """The message is the answer's `error`."""


class Action:
    def __init__(self):
        self.entry = None

    def init(self, value):
        if self.entry is not None:
            raise RefusedError("Cannot initialize the action more than once.")
        os.environ.update(value.get("env") or {})
        code, main = value.get("code") or "", value.get("main") or "main"
        if not code:
            self.entry = lambda arguments: {"asked": arguments}
            return
        scope = {"__name__": "action"}
        exec(unpacked(code) if value.get("binary") else code, scope)
        self.entry = scope[main]

    def run(self, body):
        if self.entry is None:
            raise RefusedError("System not initialized.")
        for name, value in body.items():
            if name != "value" and isinstance(value, str):
                os.environ[f"__OW_{name.upper()}"] = value
        try:
            return self.entry(body.get("value") or {})
        except Exception as error:  # noqa: BLE001 - the action's own
            traceback.print_exc()
            return {"error": str(error)}


def unpacked(code):
    folder = "/tmp/action"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(code))) as archive:
        archive.extractall(folder)
    sys.path.insert(0, folder)
    return Path(folder, "__main__.py").read_text(encoding="utf-8")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    action = Action()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            if self.path == "/init":
                self.action.init(body["value"])
                self.answer(200, {"ok": True})
                return
            answer = 200, self.action.run(body)
        except RefusedError as refusal:
            answer = 403, {"error": str(refusal)}
        except Exception as error:  # noqa: BLE001 - the action's own
            traceback.print_exc()
            answer = 502, {"error": f"Initialization has failed due to: {error}"}
        for output in (sys.stdout, sys.stderr):
            print(SENTINEL, file=output, flush=True)
        self.answer(*answer)

    def answer(self, status, document):
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """What is written here would be the action's log."""


class Server(socketserver.TCPServer):
    allow_reuse_address = True


if __name__ == "__main__":
    # Not `http.server.HTTPServer`: it asks for the machine's name, which takes its time where there is no network.
    Server(("0.0.0.0", PORT), Handler).serve_forever()
