"""Events published over HTTP reach actions of a real server, and no `kill -9` in between loses one."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing.server import Server, ServerClient, eventually, running_server

pytestmark = pytest.mark.timeout(60)  # each start is a process

CONSUMER = """
const main = (params) => {
  if (params.data.fails && !params.__adobe_headers['x-adobe-retry-count']) throw new Error('not yet');
  return {got: params.data, headers: params.__adobe_headers, id: params.event.eventid, same: params.eventid};
};
"""
SLOW = "const main = ({data}) => new Promise((done) => setTimeout(() => done({got: data}), 1500));"


class Events:
    """The namespace guest, its registration `mine`, and a publisher for it."""

    def __init__(self, server: Server, code: str = CONSUMER) -> None:
        self.client = server.admin
        self.guest = server.guest
        self.guest.put_action("consumer", code, overwrite=True)
        self.org, self.int = server.credentials["orgId"], server.credentials["intId"]

    def register(self) -> str:
        """Register the action for events `code` of the provider `shop`; return the registration's id."""
        ams = {"X-Ams-Consumer-Id": self.org, "X-Ams-Application-Id": self.int}
        body = {
            "client_id": self.client.headers["X-Api-Key"],
            "name": "mine",
            "delivery_type": "webhook",
            "runtime_action": "consumer",
            "events_of_interest": [{"provider": "shop", "event_code": "code"}],
        }
        path = f"/runtime/namespaces/{self.org}/{self.int}/handleEventRegistration"
        answer = self.client.request("POST", path, body, headers=ams)
        assert answer.status in {200, 201}, answer.body
        return answer.json()["registration_id"]

    def publish(self, *numbers: int, **data: Any) -> int:
        events = [
            {"specversion": "1.0", "id": str(n), "source": "urn:uuid:shop", "type": "code", "data": {"n": n} | data}
            for n in numbers
        ]
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        return self.client.request("POST", "/events/publish", body=msgspec.json.encode(events), headers=headers).status

    def read(self, tail: str) -> Any:
        answer = self.client.request("GET", f"/events/organizations/{self.org}/integrations/{self.int}/{tail}")
        assert answer.status == 200, answer.body
        return answer.json()


def results(guest: ServerClient) -> list[Any]:
    records = guest.request("GET", "/api/v1/namespaces/_/activations?name=consumer&docs=true&limit=200").json()
    return [record["response"]["result"] for record in records if record["response"]["success"]]


def test_an_event_reaches_an_action_and_stays_in_the_journal(server: Server) -> None:
    events = Events(server)
    id_ = events.register()
    assert events.publish(1) == 200
    (result,) = eventually(lambda: results(events.guest) or None, within_s=20)
    assert result["got"] == {"n": 1}
    assert result["headers"]["x-adobe-event-code"] == "code"
    page = events.read(id_)
    assert page["events"][0]["event"]["eventid"] == result["id"] == result["same"]
    (trace,) = eventually(lambda: events.read(f"tracing/{id_}")["traces"] or None, within_s=5)
    assert (trace["status"], trace["event_id"]) == (200, result["id"])


def test_kills_lose_no_event(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        events = Events(server, SLOW)
        events.register()
        assert events.publish(*range(6)) == 200
        server.kill()
    with running_server(tmp_path / "data") as server:
        assert Events(server, SLOW).publish(*range(6, 12)) == 200
        server.kill()
    with running_server(tmp_path / "data") as server:
        missing = lambda: set(range(12)) - {result["got"]["n"] for result in results(server.guest)}  # noqa: E731
        eventually(lambda: not missing() or None, within_s=30)
