"""The statements of the OpenWhisk API contract, each asked of a running server; `test_sNN_...` holds section NN."""

from typing import Any

import msgspec
import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerAnswer, ServerClient

NAMESPACES = "/api/v1/namespaces"
PYTHON = "python:3.11"
ECHO = "def main(args): return args"
WEB = {"key": "web-export", "value": True}


def refused(answer: ServerAnswer) -> tuple[int, str]:
    """Return status and text of a refusal, which has the form of section 1.2."""
    body: dict[str, str] = answer.json()
    assert body.keys() == {"error", "code"}
    assert body["code"] == answer.headers["x-request-id"]
    return answer.status, body["error"]


def code(source: str = ECHO, kind: str = PYTHON, **more: Any) -> dict[str, Any]:
    return {"exec": {"kind": kind, "code": source} | more}


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key.replace("_", "-"), "value": value} for key, value in values.items()]


def annotation(document: Any, key: str) -> Any:
    return {each["key"]: each["value"] for each in document["annotations"]}.get(key)


class Api:
    """Asks in the name of one namespace; paths are below `/api/v1/namespaces/_/` unless they begin with a slash."""

    def __init__(self, client: ServerClient) -> None:
        self.client = client
        self.namespace: str = client.request("GET", NAMESPACES).json()[0]

    def ask(self, method: str, path: str, json: Any = msgspec.UNSET, **how: Any) -> ServerAnswer:
        return self.client.request(method, path if path.startswith("/") else f"{NAMESPACES}/_/{path}", json, **how)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    def put(self, path: str, body: Any = None, *, overwrite: bool = False) -> Any:
        answer = self.ask("PUT", f"{path}?overwrite={str(overwrite).lower()}", body or {})
        assert answer.status == 200, answer.body
        return answer.json()

    def action(self, name: str, source: str = ECHO, **fields: Any) -> Any:
        return self.put(f"actions/{name}", code(source) | fields)

    def run(self, name: str, payload: Any = msgspec.UNSET) -> ServerAnswer:
        return self.ask("POST", f"actions/{name}?blocking=true", payload)

    def result(self, name: str, payload: Any = msgspec.UNSET) -> Any:
        return self.ask("POST", f"actions/{name}?blocking=true&result=true", payload).json()


def new_api(server: Server) -> Api:
    return Api(server.namespace(f"org{new_activation_id()[:12]}"))


@pytest.fixture
def api(server: Server) -> Api:
    """A namespace that nobody else uses."""
    return new_api(server)


@pytest.fixture
def other(server: Server) -> Api:
    """Another such namespace."""
    return new_api(server)


@pytest.fixture
def anybody(server: Server) -> ServerClient:
    """Without credentials."""
    return ServerClient(server.url, {})
