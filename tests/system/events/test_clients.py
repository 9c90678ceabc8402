"""The npm package @adobe/aio-lib-events and the official Python SDK of CloudEvents, against a real server."""

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from tests.system.events.conftest import Events
from tests.system.events.receiver import Receiver

from ioruntime.testing import npm
from ioruntime.testing.server import eventually

SCRIPT = Path(__file__).with_name("aio_lib_events.js")
RUN_TIMEOUT_S = 200.0


@pytest.fixture(scope="session")
def package() -> Path:
    """Folder of the npm package."""
    try:
        return npm.installed("@adobe/aio-lib-events", "4.1.0") / "@adobe" / "aio-lib-events"
    except npm.NpmError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def run(events: Events, package: Path, **more: Any) -> Any:
    given = {
        "package": str(package),
        "url": events.server.url,
        "org": events.org,
        "project": "garden",
        "workspace": events.int,
        "clientId": events.client_id,
        "token": events.server.credentials["bearer"],
    }
    command = [str(npm.node()), str(SCRIPT), msgspec.json.encode(given | more).decode()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return msgspec.json.decode(done.stdout.splitlines()[-1])  # its log goes there too


@pytest.mark.clients
@pytest.mark.timeout(600)
def test_every_call_of_aio_lib_events(events: Events, package: Path) -> None:
    seen = run(events, package)
    assert (seen["provider"]["label"], seen["updated"]["label"]) == ("Garden", "Orchard")
    assert [each["event_code"] for each in seen["metadata"]["_embedded"]["eventmetadata"]] == ["rain", "sun"]
    assert (seen["one"]["label"], len(seen["fetched"]["_embedded"]["eventmetadata"])) == ("Sun", 2)
    assert seen["provider"]["id"] in [each["id"] for each in seen["providers"]["_embedded"]["providers"]]

    id_ = seen["registration"]["registration_id"]
    assert (seen["registration"]["webhook_status"], seen["registration"]["enabled"]) == ("verified", True)
    assert seen["taken"]["conflictingId"] == id_
    assert [each["event_code"] for each in seen["changed"]["events_of_interest"]] == ["rain", "sun"]
    assert seen["read"]["registration_id"] == id_
    for listed in (seen["listed"], seen["org"]):
        assert id_ in [each["registration_id"] for each in listed["_embedded"]["registrations"]]

    assert seen["empty"]["retryAfter"] == 10_000
    assert seen["answers"] == ["OK", "OK", None]
    assert seen["notAnEvent"]["code"] == "ERROR_PUBLISH_EVENT"
    assert [each["event"]["data"]["id"] for each in seen["page"]["events"]] == ["1"]
    assert [each["event"]["data"]["id"] for each in seen["next"]["events"]] == ["2"]
    assert ("events" in seen["end"], seen["observed"]) == (False, ["1", "2"])
    assert "404" in seen["gone"]["message"]


@pytest.mark.clients
@pytest.mark.timeout(600)
def test_aio_lib_events_verifies_what_a_webhook_got(events: Events, receiver: Receiver, package: Path) -> None:
    events.registered("verified", webhook_url=receiver.url)
    assert events.publish("verified", 1, word="genuine") == 200
    (came,) = eventually(lambda: receiver.events or None, within_s=30)
    seen = run(events, package, hook={"body": came.body.decode(), "headers": came.headers})
    assert seen == {"genuine": True, "stranger": 401}  # of what is forged it says nothing


def send(events: Events, message: HTTPMessage) -> int:
    return events.client.request("POST", "/events/publish", body=message.body, headers=message.headers).status


@pytest.mark.timeout(120)
def test_the_python_sdk_publishes_in_both_modes(events: Events) -> None:
    id_ = events.registered("sdk", delivery_type="journal")
    attributes = {"source": "urn:uuid:shop", "type": "sdk", "subject": "gr\u00fc\u00dfe", "mine": "yes"}
    made = CloudEvent(attributes | {"id": "1", "specversion": "1.0", "datacontenttype": "application/json"}, {"n": 1})
    text = CloudEvent(attributes | {"id": "2", "specversion": "1.0", "datacontenttype": "text/plain"}, "hello")
    assert [send(events, to_structured_event(made)), send(events, to_binary_event(made))] == [200, 200]
    assert send(events, to_binary_event(text)) == 200
    kept = [each["event"] for each in events.read(id_)["events"]]
    assert [each["data"] for each in kept] == [{"n": 1}, {"n": 1}, "hello"]
    assert {each["subject"] for each in kept} == {"gr\u00fc\u00dfe"}
    for each in kept:
        # The older names, which the npm package wants, are none that the standard allows.
        strict = {name: value for name, value in each.items() if "_" not in name}
        read = JSONFormat().read(CloudEvent, msgspec.json.encode(strict))
        assert (read.get_extension("mine"), read.get_extension("eventid")) == ("yes", each["eventid"])
