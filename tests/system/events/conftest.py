"""A server that may send to this machine, and what publishes to it and reads from it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.system.events.receiver import Receiver, receiving

from ioruntime.testing.server import Server, ServerAnswer, running_server


class Events:
    """The namespace guest: its registrations, and a publisher for them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = server.admin
        self.org, self.int = server.credentials["orgId"], server.credentials["intId"]
        self.client_id = server.credentials["apiKey"]

    def register(self, name: str, *, code: str | None = None, **body: Any) -> ServerAnswer:
        """Register for events of the provider `shop`; their code is the registration's name unless it is given."""
        ams = {"X-Ams-Consumer-Id": self.org, "X-Ams-Application-Id": self.int}
        interest = {"provider": "shop", "event_code": code or name}
        form = {"client_id": self.client_id, "name": name, "delivery_type": "webhook", "events_of_interest": [interest]} | body
        path = f"/runtime/namespaces/{self.org}/{self.int}/handleEventRegistration"
        return self.client.request("POST", path, form, headers=ams)

    def registered(self, name: str, **body: Any) -> str:
        answer = self.register(name, **body)
        assert answer.status == 200, answer.body
        return answer.json()["registration_id"]

    def publish(self, code: str, *numbers: int, **data: Any) -> int:
        events = [
            {"specversion": "1.0", "id": str(n), "source": "urn:uuid:shop", "type": code, "data": {"n": n} | data}
            for n in numbers
        ]
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        return self.client.request("POST", "/events/publish", body=msgspec.json.encode(events), headers=headers).status

    def read(self, tail: str) -> Any:
        answer = self.client.request("GET", f"/events/organizations/{self.org}/integrations/{self.int}/{tail}")
        assert answer.status == 200, answer.body
        return answer.json()

    def status(self, registration_id: str) -> tuple[str, str]:
        """Return whether its webhook is verified, and whether it is switched on."""
        document = self.read(f"registrations/{registration_id}")
        return document["webhook_status"], document["integration_status"]


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"IORUNTIME_EVENTS__PRIVATE_HOSTS": "true"}
    with running_server(tmp_path_factory.mktemp("events") / "data", environment=environment) as server:
        yield server


@pytest.fixture
def events(open_server: Server) -> Events:
    return Events(open_server)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
