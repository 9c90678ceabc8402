"""What an operator gives or takes from one namespace, and what becomes of its activations at a real server."""

from collections.abc import Callable

import msgspec
import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerAnswer, ServerClient, eventually

pytestmark = pytest.mark.timeout(120)
ACTIVATIONS = "/api/v1/namespaces/_/activations"
ECHO = "def main(args): return {'n': len(args.get('text', '')), 'text': 'x' * args.get('long', 0)}"


@pytest.fixture
def limited(server: Server) -> Callable[..., ServerClient]:
    """Make a namespace with limits of its own and the action `echo`."""

    def make(*changes: str) -> ServerClient:
        owner = f"org{new_activation_id()[:12]}"
        client = server.namespace(owner)
        name = client.request("GET", "/api/v1/namespaces").json()[0]
        client.put_action("echo", ECHO, "python:3.11")
        done = server.cli("limits", "set", name, *changes)
        assert done.returncode == 0, done.stderr
        return client

    return make


def settled(client: ServerClient, name: str) -> None:
    """Wait until the server knows of the limit: it is set in another process."""
    eventually(lambda: name in client.request("GET", "/api/v1/namespaces/_/limits").json(), within_s=30.0)


def invoke(client: ServerClient, payload: object, **headers: str) -> ServerAnswer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("POST", "/api/v1/namespaces/_/actions/echo?blocking=true", payload, headers=sent)


def test_a_namespace_that_keeps_no_records(limited: Callable[..., ServerClient]) -> None:
    client = limited("storeActivations=false")
    settled(client, "storeActivations")
    answer = invoke(client, {"text": "abc"})
    assert answer.json()["response"]["result"]["n"] == 3
    client.start("echo", {"text": "a"})
    logged = invoke(client, {"text": "abcd"}, X_OW_EXTRA_LOGGING="on").json()["activationId"]
    assert [row["activationId"] for row in client.request("GET", ACTIVATIONS).json()] == [logged]
    assert client.record(answer.json()["activationId"]) is None
    assert client.record(logged)["response"]["result"]["n"] == 4


def test_a_namespace_with_small_payloads(limited: Callable[..., ServerClient]) -> None:
    client = limited("maxPayloadSize=100", "truncationSize=10")
    settled(client, "maxPayloadSize")
    assert invoke(client, {"text": "a" * 50}).json()["response"]["result"]["n"] == 50
    refused = invoke(client, {"text": "a" * 100})
    assert refused.status == 413
    assert refused.json()["error"].endswith(" > 100 bytes.")
    client.put_action("web", ECHO, "python:3.11", overwrite=True, annotations=[{"key": "web-export", "value": True}])
    at = f"/api/v1/web/{client.request('GET', '/api/v1/namespaces').json()[0]}/default/web.json"
    for _ in range(3):  # also when the same head comes again
        assert client.request("POST", at, {"text": "a" * 50}).json()["n"] == 50
        assert client.request("POST", at, {"text": "a" * 100}).status == 413
    for _ in range(2):  # in a new sandbox, and in one that is ready
        answer = msgspec.json.decode(invoke(client, {"long": 200}).body)["response"]
        assert answer["status"] == "application error"
        assert "exceeded the allowed length: 2" in answer["result"]["error"]
        assert answer["result"]["error"].endswith(' > 100 bytes. The truncated response was: {"n": 0, "')
