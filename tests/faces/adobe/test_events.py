"""The four event operations, as the document has them, one by one; then what each refuses."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from ioruntime.core.authenticate import identify
from ioruntime.core.events.registering import registrations as core
from ioruntime.core.events.registering.provider import EventMetadata, ProviderPut
from ioruntime.model.identity import Namespace, Owner
from ioruntime.testing.asgi import AsgiResponse

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("acme")]

BASE = "/runtime/namespaces/acme/42"
CLIENT = "my-client"
AMS = {"x-ams-consumer-id": "acme", "x-ams-application-id": "42"}
MEMBERS = {
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
FORM: dict[str, Any] = {
    "name": "uploads",
    "description": "What is uploaded",
    "client_id": CLIENT,
    "delivery_type": "webhook",
    "webhook_url": "https://hooks.example/here",
    "events_of_interest": [{"event_code": "asset_created", "provider": "ccstorage"}],
}
FOR_ACTION = FORM | {"webhook_url": None, "runtime_action": "onupload"}


class Events:
    """A client of the four operations."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform

    async def ask(self, method: str, target: str, *, ams: Mapping[str, str] = AMS, **body: Any) -> AsgiResponse:
        return await self.platform.ask(method, f"{BASE}/{target}", headers=ams, **body)

    async def register(self, form: Any = None, **changes: Any) -> AsgiResponse:
        return await self.ask("POST", "handleEventRegistration", json=(form or FORM) | changes)

    async def id(self, form: Any = None, **changes: Any) -> str:
        answer = await self.register(form, **changes)
        assert answer.status == 200, answer.body
        return answer.json()["registration_id"]

    async def update(self, registration_id: str, form: Any, *, client: str = CLIENT) -> AsgiResponse:
        return await self.ask("PUT", f"handleEventUpdate/{client}/{registration_id}", json=form)

    async def switch(self, registration_id: str, status: str, *, client: str = CLIENT) -> AsgiResponse:
        return await self.ask("POST", f"handleEventStatus/{client}/{registration_id}/{status}")

    async def delete(self, registration_id: str, *, client: str = CLIENT) -> AsgiResponse:
        return await self.ask("DELETE", f"handleEventDeletion/{client}/{registration_id}")

    async def action(self, name: str = "onupload", **fields: Any) -> None:
        form = {"name": name, "code": "code!", "exec": {"kind": "nodejs:24"}} | fields
        assert (await self.platform.ask("POST", f"{BASE}/actions", json=form)).status == 200

    async def matching(self, provider: str = "ccstorage", code: str = "asset_created", **orgs: Any) -> list[str]:
        return [each.name for each in await self.platform.events.registrations.matching(provider, code, **orgs)]


@pytest.fixture
def events(platform: Any) -> Events:
    return Events(platform)


def refused(answer: AsgiResponse, status: int, text: str, code: str | None = None) -> None:
    body = answer.json()
    assert (answer.status, body["error_code"]) == (status, code or f"{status}000")
    assert text in body["message"]


async def test_registered_for_a_webhook(events: Events) -> None:
    answer = await events.register()
    body = answer.json()
    assert (answer.status, set(body)) == (200, MEMBERS)
    assert UUID(body["registration_id"]).version == 4
    assert body == FORM | {
        "id": "1",
        "registration_id": body["registration_id"],
        "type": "USER",
        "integration_status": "ENABLED",
        "delivery_type": "WEBHOOK",
        "runtime_action": "",
    }
    assert await events.matching() == ["uploads"]


async def test_registered_for_an_action_whose_url_the_platform_fills_in(events: Events) -> None:
    await events.action()
    body = (await events.register(FOR_ACTION)).json()
    assert (body["runtime_action"], body["webhook_url"]) == (
        "onupload",
        "http://platform.test/api/v1/namespaces/acme_42/actions/onupload",
    )


async def test_a_web_action_is_as_good_as_any(events: Events) -> None:
    await events.action(annotations=[{"key": "web-export", "value": True}])
    assert (await events.register(FOR_ACTION)).status == 200


async def test_an_action_in_a_package(events: Events) -> None:
    await events.platform.package(Owner.of("acme", "42"), "assets")
    await events.action("assets/onupload")
    body = (await events.register(FOR_ACTION, runtime_action="assets/onupload")).json()
    assert body["webhook_url"].endswith("/actions/assets/onupload")


async def test_ids_that_the_caller_gives_are_kept(events: Events) -> None:
    body = (await events.register(registration_id="mine-1", id=4711, type="app", integration_status="disabled")).json()
    given = (body["registration_id"], body["id"], body["type"], body["integration_status"])
    assert given == ("mine-1", "4711", "APP", "DISABLED")
    refused(await events.register(registration_id="mine-1", name="another"), 409, "'mine-1' exists already")


async def test_the_client_is_the_caller_when_not_named(events: Events) -> None:
    assert (await events.register(client_id=None)).json()["client_id"] == "acme-client"


async def test_a_journal_needs_no_target(events: Events) -> None:
    body = (await events.register(delivery_type="JOURNAL", webhook_url="")).json()
    assert (body["delivery_type"], body["webhook_url"], body["runtime_action"]) == ("JOURNAL", "", "")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"runtime_action": "onupload"}, "not both", id="two targets"),
        pytest.param({"webhook_url": None}, "WEBHOOK needs a webhook_url or a runtime_action", id="no target"),
        pytest.param({"webhook_url": "", "delivery_type": "webhook_BATCH"}, "WEBHOOK_BATCH needs", id="no target for batches"),
        pytest.param({"webhook_url": "ftp://hooks.example"}, "absolute http or https URL", id="another scheme"),
        pytest.param({"webhook_url": "/here"}, "absolute http or https URL", id="a path alone"),
        pytest.param({"webhook_url": "http://[1"}, "absolute http or https URL", id="no URL at all"),
        pytest.param({"webhook_url": "https://h.example/" + "a" * 4000}, "0 to 4000", id="long URL"),
        pytest.param({"name": "ab"}, "'name' must have 3 to 255 characters, not 2", id="short name"),
        pytest.param({"name": None}, "'name' must have 3 to 255 characters, not 0", id="no name"),
        pytest.param({"name": "a" * 256}, "3 to 255", id="long name"),
        pytest.param({"description": "a" * 5001}, "0 to 5000", id="long description"),
        pytest.param({"client_id": "a" * 256}, "1 to 255", id="long client id"),
        pytest.param({"delivery_type": "aws_eventbridge"}, "not 'aws_eventbridge'", id="delivery that there is not"),
        pytest.param({"type": "ROBOT"}, "USER or APP", id="unknown type"),
        pytest.param({"integration_status": "ON"}, "ENABLED or DISABLED", id="unknown status"),
        pytest.param({"registration_id": "a/b"}, "registration_id", id="id with a slash"),
        pytest.param({"id": "seven"}, "'id' must be a number", id="id in words"),
        pytest.param({"events_of_interest": []}, "at least one event", id="no events"),
        pytest.param({"events_of_interest": FORM["events_of_interest"] * 2}, "an event twice", id="an event twice"),
        pytest.param({"events_of_interest": [{"event_code": "", "provider": "p"}]}, "'event_code'", id="empty code"),
        pytest.param({"events_of_interest": [{"event_code": "c", "provider": "p" * 256}]}, "'provider'", id="long provider"),
        pytest.param({"events_of_interest": [{"event_code": "c"}]}, "`provider`", id="no provider"),
        pytest.param({"name": 7}, "`$.name`", id="name of another type"),
    ],
)
async def test_what_is_no_registration(events: Events, changes: dict[str, Any], text: str) -> None:
    refused(await events.register(**changes), 400, text)
    assert await events.matching() == []


@pytest.mark.parametrize("name", ["missing", "pack/missing"])
async def test_an_action_that_is_not_there_is_named(events: Events, name: str) -> None:
    refused(await events.register(FOR_ACTION, runtime_action=name), 404, f"The runtime action '{name}' does not exist.")


async def test_a_name_is_unique_within_its_client(events: Events) -> None:
    first = await events.id()
    refused(await events.register(), 409, "named 'uploads' already")
    assert (await events.register(client_id="another")).status == 200
    second = await events.id(name="others")
    refused(await events.update(second, FORM), 409, "named 'uploads' already")
    assert (await events.update(first, FORM)).status == 200


async def test_a_client_has_thirty(events: Events) -> None:
    for number in range(core.PER_CLIENT_MOST):
        assert (await events.register(name=f"number {number}")).json()["id"] == str(number + 1)
    refused(await events.register(), 403, "'my-client' has 30 registrations already", "403100")
    assert (await events.register(client_id="another")).status == 200


async def test_an_organization_has_its_number(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "PER_ORG_MOST", 2)
    await events.id(client_id="one")
    await events.id(client_id="two")
    refused(await events.register(client_id="three"), 403, "organization has 2", "403100")


async def test_updated_as_a_whole(events: Events) -> None:
    await events.action()
    registration_id = await events.id(integration_status="DISABLED")
    form = FOR_ACTION | {"name": "renamed", "events_of_interest": [{"event_code": "asset_deleted", "provider": "ccstorage"}]}
    answer = await events.update(registration_id, form)
    body = answer.json()
    assert (answer.status, body["name"], body["registration_id"], body["id"]) == (200, "renamed", registration_id, "1")
    assert (body["integration_status"], body["runtime_action"]) == ("DISABLED", "onupload")
    assert (await events.matching(), await events.matching(code="asset_deleted")) == ([], ["renamed"])
    again = await events.update(registration_id, body)
    assert (again.status, again.json()) == (200, body), "what is answered can be sent back"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client_id": "another"}, "'client_id' is another"),
        ({"registration_id": "another"}, "'registration_id' is another"),
        ({"webhook_url": ""}, "needs a webhook_url"),
    ],
)
async def test_what_an_update_refuses(events: Events, changes: dict[str, Any], text: str) -> None:
    refused(await events.update(await events.id(), FORM | changes), 400, text)


async def test_an_update_looks_for_the_action_too(events: Events) -> None:
    refused(await events.update(await events.id(), FOR_ACTION), 404, "'onupload' does not exist")


@pytest.mark.parametrize("word", ["DISABLED", "disabled", "Disabled"])
async def test_switched_off_and_on(events: Events, word: str) -> None:
    registration_id = await events.id()
    off = await events.switch(registration_id, word)
    assert (off.status, off.json()["integration_status"], set(off.json())) == (200, "DISABLED", MEMBERS)
    assert (await events.switch(registration_id, "enabled")).json()["integration_status"] == "ENABLED"


async def test_another_status_is_not_found(events: Events) -> None:
    refused(await events.switch(await events.id(), "PAUSED"), 404, "no status 'PAUSED'")


async def test_deleted_and_shown(events: Events) -> None:
    registration_id = await events.id()
    answer = await events.delete(registration_id)
    assert (answer.status, answer.json()["registration_id"]) == (200, registration_id)
    refused(await events.delete(registration_id), 404, registration_id)
    assert await events.matching() == []
    assert (await events.register()).status == 200


async def test_a_registration_is_its_clients_alone(events: Events) -> None:
    registration_id = await events.id()
    form = FORM | {"client_id": "another"}
    for answer in (
        await events.delete(registration_id, client="another"),
        await events.switch(registration_id, "DISABLED", client="another"),
        await events.update(registration_id, form, client="another"),
        await events.update("missing", FORM),
        await events.switch("missing", "DISABLED"),
    ):
        refused(answer, 404, "does not exist")


OPERATIONS = [
    ("POST", "handleEventRegistration"),
    ("PUT", f"handleEventUpdate/{CLIENT}/some"),
    ("POST", f"handleEventStatus/{CLIENT}/some/ENABLED"),
    ("DELETE", f"handleEventDeletion/{CLIENT}/some"),
]


@pytest.mark.parametrize(("method", "target"), OPERATIONS)
@pytest.mark.parametrize("header", list(AMS))
async def test_both_headers_are_required_and_the_paths_own(events: Events, method: str, target: str, header: str) -> None:
    others = {name: value for name, value in AMS.items() if name != header}
    missing = await events.ask(method, target, ams=others, json=FORM)
    assert (missing.status, "is required" in missing.json()["message"]) == (400, True)
    refused(await events.ask(method, target, ams=AMS | {header: "7"}, json=FORM), 403, "another than the path's", "403100")


@pytest.mark.parametrize(("method", "target"), OPERATIONS)
async def test_a_token_reaches_its_own_integration_only(events: Events, method: str, target: str) -> None:
    token = events.platform.token("acme", "43")
    refused(await events.ask(method, target, token=token, json=FORM), 403, "Scope mismatch", "403011")


@pytest.mark.parametrize(("method", "target"), OPERATIONS[:2])
async def test_bodies_are_json(events: Events, method: str, target: str) -> None:
    answer = await events.platform.ask(method, f"{BASE}/{target}", headers=AMS | {"content-type": "text/plain"}, body=b"{}")
    refused(answer, 415, "application/json")
    broken = await events.platform.ask(method, f"{BASE}/{target}", headers=AMS | {"content-type": "application/json"}, body=b"{")
    refused(broken, 400, "malformed")


async def test_a_known_provider_knows_its_events(events: Events, acme: Namespace) -> None:
    providers = events.platform.events.providers
    provider = await providers.create(identify(acme), ProviderPut(label="Shop"))
    await providers.add_event(identify(acme), provider.provider_id, EventMetadata(event_code="sold"))
    interest = [{"provider": provider.provider_id, "event_code": "bought"}]
    refused(await events.register(events_of_interest=interest), 400, "has no event 'bought'")
    await events.id(events_of_interest=[{"provider": "Shop", "event_code": "sold"}])
    for name in (provider.provider_id, provider.source, "Shop"):
        assert await events.matching(name, "sold") == ["uploads"]
    assert await events.matching("ccstorage", "sold") == []


async def test_registrations_go_with_their_namespace(events: Events) -> None:
    await events.id()
    assert (await events.platform.ask("DELETE", "/runtime/admin/namespaces/acme/42")).status == 200
    assert await events.matching() == []


async def test_only_of_the_publishers_organizations(events: Events) -> None:
    await events.id()
    assert (await events.matching(orgs=["acme"]), await events.matching(orgs=["other"])) == (["uploads"], [])
