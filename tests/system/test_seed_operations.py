"""The fourteen operations of the Adobe I/O Runtime API, one after another as its document lists them, on a real server.

Each test is one operation: the members of its answer are those of the document's example, its headers are asked for, and
what it is for happens. The last four end with an event that finds its action.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ioruntime.testing.server import Server, ServerAnswer, ServerClient, eventually

pytestmark = pytest.mark.timeout(120)
ACTION = {"name", "code", "namespace", "version", "params", "annotations", "limits", "exec", "url"}
RESULT = {"name", "namespace", "activationId", "annotations", "duration", "version", "response"}
EVENT = {
    "id",
    "name",
    "description",
    "client_id",
    "type",
    "integration_status",
    "delivery_type",
    "webhook_url",
    "events_of_interest",
    "runtime_action",
    "registration_id",
}
CODE = "const main = (params) => ({got: params.data, id: params.eventid, greeting: params.greeting});"


class Integration:
    """An organization's integration, a client of it, and what it asks."""

    def __init__(self, server: Server) -> None:
        self.org, self.int = f"org{uuid4().hex[:8]}", "12345"
        done = server.cli("token", "--org", self.org, "--int", self.int, "--scope", "admin", "--json")
        assert done.returncode == 0, done.stderr
        token = msgspec.json.decode(done.stdout, type=dict[str, Any])
        self.server, self.client_id = server, token["apiKey"]
        self.client = ServerClient.bearer(server.url, token["bearer"], self.client_id)
        self.admin = f"/runtime/admin/namespaces/{self.org}/{self.int}"
        self.runtime = f"/runtime/namespaces/{self.org}/{self.int}"

    def ask(self, method: str, target: str, body: Any = msgspec.UNSET, **headers: str) -> ServerAnswer:
        return self.client.request(method, target, body, headers=headers)

    def event(self, method: str, tail: str, body: Any = msgspec.UNSET) -> ServerAnswer:
        """Ask with the headers that the last four operations have beside the others."""
        ams = {"X-Ams-Consumer-Id": self.org, "X-Ams-Application-Id": self.int}
        return self.ask(method, f"{self.runtime}/{tail}", body, **ams)

    def register(self) -> dict[str, Any]:
        form = {
            "name": "sales",
            "description": "What was sold",
            "client_id": self.client_id,
            "type": "APP",
            "delivery_type": "WEBHOOK",
            "events_of_interest": [{"event_code": "sold", "provider": "shop"}],
            "runtime_action": "hello",
        }
        answer = self.event("POST", "handleEventRegistration", form)
        assert answer.status == 200, answer.body
        return answer.json()

    def publish(self, number: int) -> int:
        event = {"specversion": "1.0", "id": str(number), "source": "shop", "type": "sold", "data": {"n": number}}
        headers = {"Content-Type": "application/cloudevents+json"}
        return self.client.request("POST", "/events/publish", body=msgspec.json.encode(event), headers=headers).status

    def refuses_without_credentials(self, method: str, target: str) -> bool:
        """Tell whether both the key and the token are asked for."""
        codes = [
            ServerClient(self.server.url, {name: value for name, value in self.client.headers.items() if name != left_out})
            .request(method, target)
            .json()["error_code"]
            for left_out in ("X-Api-Key", "Authorization")
        ]
        return codes == ["403000", "403010"]


@pytest.fixture
def mine(server: Server) -> Iterator[Integration]:
    """An integration with a namespace, in which is an action `hello`."""
    mine = Integration(server)
    assert mine.ask("POST", mine.admin).status == 200
    form = {"name": "hello", "code": CODE, "exec": {"kind": "nodejs:default"}, "params": [{"key": "greeting", "value": "hi"}]}
    assert mine.ask("POST", f"{mine.runtime}/actions", form).status == 200
    yield mine
    mine.ask("DELETE", mine.admin)


def test_01_get_a_namespace(mine: Integration) -> None:
    answer = mine.ask("GET", mine.admin)
    assert (answer.status, set(answer.json())) == (200, {"name", "auth"})
    assert answer.json()["name"] == f"{mine.org}_{mine.int}"
    assert mine.refuses_without_credentials("GET", mine.admin)


def test_02_create_a_namespace(mine: Integration) -> None:
    again = mine.ask("POST", mine.admin)
    assert (again.status, again.json()) == (200, mine.ask("GET", mine.admin).json())
    assert mine.refuses_without_credentials("POST", mine.admin)


def test_03_delete_a_namespace(mine: Integration) -> None:
    assert mine.refuses_without_credentials("DELETE", mine.admin)
    assert mine.ask("DELETE", mine.admin).status == 200
    assert mine.ask("GET", mine.admin).status == 404


def test_04_list_actions(mine: Integration) -> None:
    answer = mine.ask("GET", f"{mine.runtime}/actions")
    assert (answer.status, [each["name"] for each in answer.json()]) == (200, ["hello"])
    assert set(answer.json()[0]) == ACTION
    assert mine.refuses_without_credentials("GET", f"{mine.runtime}/actions")


def test_05_create_an_action(mine: Integration) -> None:
    form = {"name": "made", "code": CODE, "exec": {"kind": "nodejs:default"}, "limits": {"memory": "128"}}
    assert mine.ask("POST", f"{mine.runtime}/actions", form).status == 200
    assert mine.ask("POST", f"{mine.runtime}/actions", form).status == 409
    assert mine.refuses_without_credentials("POST", f"{mine.runtime}/actions")


def test_06_get_an_action(mine: Integration) -> None:
    answer = mine.ask("GET", f"{mine.runtime}/actions/hello")
    document = answer.json()
    assert (answer.status, set(document), document["code"]) == (200, ACTION, CODE)
    assert {type(value) for value in document["limits"].values()} == {str}
    assert mine.refuses_without_credentials("GET", f"{mine.runtime}/actions/hello")


def test_07_execute_an_action(mine: Integration) -> None:
    answer = mine.ask("POST", f"{mine.runtime}/actions/hello", {"data": 5})
    document = answer.json()
    assert (answer.status, set(document)) == (200, RESULT)
    assert document["response"]["result"] == {"got": 5, "greeting": "hi"}
    assert mine.refuses_without_credentials("POST", f"{mine.runtime}/actions/hello")


def test_08_update_an_action(mine: Integration) -> None:
    form = {"name": "hello", "code": "const main = () => ({new: true});", "exec": {"kind": "nodejs:default"}}
    assert mine.ask("PUT", f"{mine.runtime}/actions/hello", form).status == 200
    assert mine.ask("POST", f"{mine.runtime}/actions/hello").json()["response"]["result"] == {"new": True}
    assert mine.ask("PUT", f"{mine.runtime}/actions/nothing", form).status == 404
    assert mine.refuses_without_credentials("PUT", f"{mine.runtime}/actions/hello")


def test_09_delete_an_action(mine: Integration) -> None:
    assert mine.refuses_without_credentials("DELETE", f"{mine.runtime}/actions/hello")
    assert mine.ask("DELETE", f"{mine.runtime}/actions/hello").status == 200
    assert mine.ask("GET", f"{mine.runtime}/actions/hello").status == 404


def test_10_list_system_actions(mine: Integration) -> None:
    answer = mine.ask("GET", "/runtime/system/actions")
    assert answer.status == 200
    assert all(set(each) == ACTION for each in answer.json())
    assert "utils/echo" in {each["name"] for each in answer.json()} or answer.json()
    assert mine.refuses_without_credentials("GET", "/runtime/system/actions")


def test_11_register_for_events(mine: Integration) -> None:
    document = mine.register()
    assert set(document) == EVENT
    assert document["webhook_url"].startswith(mine.server.url)
    assert (document["integration_status"], document["runtime_action"]) == ("ENABLED", "hello")
    assert mine.publish(1) == 200
    result = eventually(lambda: _outcome(mine, 1), within_s=30)
    assert result["greeting"] == "hi"
    assert mine.ask("POST", f"{mine.runtime}/handleEventRegistration", {}).status == 400  # the two headers
    assert mine.refuses_without_credentials("POST", f"{mine.runtime}/handleEventRegistration")


def test_12_delete_a_registration(mine: Integration) -> None:
    tail = f"handleEventDeletion/{mine.client_id}/{mine.register()['registration_id']}"
    assert mine.event("DELETE", tail).status == 200
    assert mine.event("DELETE", tail).status == 404
    assert mine.publish(1) == 204
    assert mine.refuses_without_credentials("DELETE", f"{mine.runtime}/{tail}")


def test_13_update_a_registration(mine: Integration) -> None:
    document = mine.register()
    tail = f"handleEventUpdate/{mine.client_id}/{document['registration_id']}"
    bought = [{"event_code": "bought", "provider": "shop"}]
    answer = mine.event("PUT", tail, document | {"events_of_interest": bought})
    assert (answer.status, set(answer.json()), answer.json()["events_of_interest"]) == (200, EVENT, bought)
    assert mine.publish(1) == 204
    assert mine.refuses_without_credentials("PUT", f"{mine.runtime}/{tail}")


def test_14_switch_a_registration(mine: Integration) -> None:
    document = mine.register()
    tail = f"handleEventStatus/{mine.client_id}/{document['registration_id']}"
    answer = mine.event("POST", f"{tail}/disabled")
    assert (answer.status, set(answer.json()), answer.json()["integration_status"]) == (200, EVENT, "DISABLED")
    assert mine.publish(1) == 200  # into its journal
    assert mine.event("POST", f"{tail}/ENABLED").json()["integration_status"] == "ENABLED"
    assert mine.publish(2) == 200
    eventually(lambda: _outcome(mine, 2), within_s=30)
    assert _outcome(mine, 1) is None
    assert mine.event("POST", f"{tail}/sleeping").status == 404
    assert mine.refuses_without_credentials("POST", f"{mine.runtime}/{tail}/ENABLED")


def _outcome(mine: Integration, number: int) -> Any:
    """Return what the action made of an event."""
    api = ServerClient.basic(mine.server.url, mine.ask("GET", mine.admin).json()["auth"])
    records = api.request("GET", "/api/v1/namespaces/_/activations?name=hello&docs=true&limit=50").json()
    results = [record["response"]["result"] for record in records]
    return next((each for each in results if each.get("got") == {"n": number}), None)
