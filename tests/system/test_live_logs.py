"""Logs that are followed over HTTP while the action runs."""

import http.client
from collections.abc import Generator
from contextlib import closing

import msgspec
import pytest

from ioruntime.testing.server import Server, ServerClient

pytestmark = pytest.mark.timeout(120)
SLOW = """
async function main() {
  console.log('first');
  await new Promise((done) => setTimeout(done, 1500));
  console.log('second');
  return {ok: true};
}
"""


def events(client: ServerClient, target: str) -> Generator[tuple[str, dict[str, object]]]:
    """Read server-sent events until the server ends them, or the reader stops."""
    with closing(http.client.HTTPConnection(*client.address, timeout=60)) as connection:
        connection.request("GET", target, headers=client.headers)
        response = connection.getresponse()
        assert response.status == 200
        assert (response.getheader("content-type") or "").startswith("text/event-stream")
        name = ""
        while line := response.readline().decode().rstrip("\n") if not response.closed else "":
            if line.startswith(":"):
                response.readline()
            elif line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, msgspec.json.decode(line.removeprefix("data: "))
                response.readline()


def test_an_activation_is_followed_to_its_end(space: ServerClient) -> None:
    space.put_action("slow", SLOW)
    activation_id = space.start("slow")
    heard = list(events(space, f"/api/v1/namespaces/_/activations/{activation_id}/logs?follow=true"))
    assert [name for name, _ in heard] == ["log", "log", "activation"]
    assert [str(each["line"]).rpartition(" ")[2] for _, each in heard[:2]] == ["first", "second"]
    assert heard[-1][1]["activationId"] == activation_id
    assert list(events(space, f"/api/v1/namespaces/_/activations/{activation_id}/logs?follow=true")) == heard


def test_a_namespace_is_followed(space: ServerClient) -> None:
    space.put_action("slow", SLOW)
    heard = events(space, "/api/v1/namespaces/_/logs")
    activation_id = space.start("slow")
    told = [next(heard) for _ in range(3)]
    heard.close()
    assert [name for name, _ in told] == ["log", "log", "activation"]
    assert {str(each["activationId"]) for _, each in told} == {activation_id}


def test_what_is_not_there_or_not_ones_own_is_not_followed(space: ServerClient, server: Server) -> None:
    space.put_action("slow", SLOW)
    activation_id = space.start("slow")
    space.ended(activation_id, within_s=60)
    other = server.namespace(f"other{activation_id[:8]}")
    assert other.request("GET", f"/api/v1/namespaces/_/activations/{activation_id}/logs?follow=true").status == 404
    assert space.request("GET", f"/api/v1/namespaces/_/activations/{'0' * 32}/logs?follow=true").status == 404
