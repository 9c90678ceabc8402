"""Registrations, providers and their sorts of event as `aio event` keeps them."""

from typing import Any

import pytest

from ioruntime.testing.asgi import AsgiResponse

pytestmark = pytest.mark.anyio

WORKSPACE = "acme/project/42"
KEPT = f"{WORKSPACE}/registrations"
READ = "organizations/acme/integrations/42/registrations"
BASE = "http://platform.test/events"
FORM: dict[str, Any] = {
    "name": "uploads",
    "description": "What is uploaded",
    "client_id": "my-client",
    "delivery_type": "webhook",
    "webhook_url": "https://hooks.example/here",
    "events_of_interest": [{"event_code": "asset_created", "provider_id": "ccstorage"}],
}


async def create(events: Any, target: str = KEPT, form: Any = None, **changes: Any) -> dict[str, Any]:
    answer: AsgiResponse = await events.ask("POST", target, json=(form or FORM) | changes)
    assert (answer.status, answer.headers["content-type"]) == (201, "application/hal+json"), answer.body
    return answer.json()


async def provider(events: Any, **changes: Any) -> dict[str, Any]:
    return await create(events, f"{WORKSPACE}/providers", {"label": "Shop"} | changes)


def names(answer: AsgiResponse, member: str = "registrations", name: str = "name") -> list[str]:
    assert answer.status == 200, answer.body
    return [each[name] for each in answer.json()["_embedded"][member]]


async def test_a_registration_has_the_members_that_clients_follow(events: Any) -> None:
    made = await create(events)
    registration_id = made["registration_id"]
    of_owner = f"{BASE}/organizations/acme/integrations/42"
    assert made == FORM | {
        "_links": {
            "self": {"href": f"{of_owner}/registrations/{registration_id}"},
            "rel:events": {"href": f"{of_owner}/{registration_id}"},
            "rel:trace": {"href": f"{of_owner}/tracing/{registration_id}"},
        },
        "id": "1",
        "registration_id": registration_id,
        "type": "USER",
        "runtime_action": "",
        "webhook_status": "pending",
        "events_of_interest": [{"event_code": "asset_created", "provider_id": "ccstorage", "provider": "ccstorage"}],
        "enabled": True,
        "integration_status": "ENABLED",
        "status": "ACTIVE",
        "consumer_id": "acme",
        "project_id": "project",
        "workspace_id": "42",
        "created_date": 1_000_000,
        "updated_date": 1_000_000,
    }
    assert (await events.ask("GET", f"{KEPT}/{registration_id}")).json() == made
    read = (await events.ask("GET", f"{READ}/{registration_id}")).json()
    assert read == made | {"project_id": "42"}


async def test_for_an_action_nothing_is_left_to_verify(events: Any) -> None:
    await events.action("onupload")
    made = await create(events, webhook_url=None, runtime_action="onupload")
    assert (made["webhook_status"], made["runtime_action"]) == ("verified", "onupload")
    assert made["webhook_url"] == "http://platform.test/api/v1/namespaces/acme_42/actions/onupload"


async def test_lists_are_of_their_integration(events: Any) -> None:
    await create(events)
    events.clock.s += 1
    await create(events, name="second", client_id="another")
    for target in (KEPT, READ):
        answer = await events.ask("GET", target)
        assert names(answer) == ["uploads", "second"]
        assert answer.json()["_links"]["self"]["href"] == f"{BASE}/{target}"
    assert names(await events.ask("GET", "acme/project/43/registrations", token="acme/43")) == []


async def test_the_list_of_an_organization_has_pages_and_shows_what_the_token_reaches(events: Any) -> None:
    for number in range(3):
        events.clock.s += 1
        await create(events, name=f"number {number}")
    other = await events.ask("POST", "acme/project/43/registrations", token="acme/43", json=FORM)
    assert other.status == 201
    first = await events.ask("GET", "acme/registrations?size=2")
    assert names(first) == ["number 0", "number 1"]
    assert first.json()["page"] == {"size": 2, "number": 0, "totalElements": 3, "totalPages": 2}
    assert names(await events.ask("GET", "acme/registrations?size=2&page=1")) == ["number 2"]
    assert len(names(await events.ask("GET", "acme/registrations", token="acme/*"))) == 4
    assert names(await events.ask("GET", "other/registrations", token="other/1")) == []


@pytest.mark.parametrize("query", ["size=0", "size=2501", "size=x", "page=-1"])
async def test_pages_that_there_are_not(events: Any, query: str) -> None:
    assert (await events.ask("GET", f"acme/registrations?{query}")).status == 400


async def test_a_put_replaces_and_switches(events: Any) -> None:
    made = await create(events)
    target = f"{KEPT}/{made['registration_id']}"
    off = (await events.ask("PUT", target, json=FORM | {"enabled": False, "name": "renamed"})).json()
    assert (off["enabled"], off["integration_status"], off["name"]) == (False, "DISABLED", "renamed")
    still = (await events.ask("PUT", target, json=FORM)).json()
    assert (still["enabled"], still["name"]) == (False, "uploads")
    on = await events.ask("PUT", target, json=still | {"enabled": True})
    assert (on.status, on.json()["enabled"]) == (200, True), "what is answered can be sent back"


async def test_a_registration_stays_its_clients(events: Any) -> None:
    made = await create(events)
    answer = await events.ask("PUT", f"{KEPT}/{made['registration_id']}", json=FORM | {"client_id": "another"})
    assert (answer.status, "client_id" in answer.json()["message"]) == (400, True)


async def test_deleted_with_an_empty_answer(events: Any) -> None:
    target = f"{KEPT}/{(await create(events))['registration_id']}"
    answer = await events.ask("DELETE", target)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("GET", "PUT", "DELETE"):
        assert (await events.ask(method, target, json=FORM)).json()["error_code"] == "404000"


async def test_a_taken_name_tells_whose_it_is(events: Any) -> None:
    made = await create(events)
    answer = await events.ask("POST", KEPT, json=FORM)
    assert (answer.status, answer.headers["x-conflicting-id"]) == (409, made["registration_id"])


async def test_an_event_of_interest_needs_a_provider(events: Any) -> None:
    answer = await events.ask("POST", KEPT, json=FORM | {"events_of_interest": [{"event_code": "c"}]})
    assert (answer.status, answer.json()["message"]) == (400, "An event of interest needs a provider_id.")


async def test_others_see_nothing(events: Any) -> None:
    made = await create(events)
    for target in (KEPT, READ, f"{KEPT}/{made['registration_id']}"):
        answer = await events.ask("GET", target, token="other/1")
        assert (answer.status, answer.json()["error_code"]) == (403, "403011")
    for target in ("acme/registrations", "acme/providers"):
        answer = await events.ask("GET", target, token="other/1")
        assert (answer.status, answer.json()["error_code"]) == (403, "403100")
    assert (await events.ask("GET", KEPT, token="none")).status == 401
    mine = f"other/project/1/registrations/{made['registration_id']}"
    assert (await events.ask("GET", mine, token="other/1")).status == 404


async def test_a_provider_is_made_and_seen_by_its_organization(events: Any) -> None:
    made = await provider(events, description="Sells", docs_url="https://docs.example")
    href = f"{BASE}/providers/{made['id']}"
    assert made == {
        "_links": {"self": {"href": href}, "rel:eventmetadata": {"href": f"{href}/eventmetadata"}},
        "id": made["id"],
        "label": "Shop",
        "description": "Sells",
        "docs_url": "https://docs.example",
        "source": f"urn:uuid:{made['id']}",
        "publisher": "acme",
        "provider_metadata": "3rd_party_custom_events",
        "instance_id": made["id"],
        "event_delivery_format": "cloud_events",
    }
    seen = await events.ask("GET", f"providers/{made['id']}", token="acme/43")
    assert (seen.status, seen.json()) == (200, made)
    assert (await events.ask("GET", f"providers/{made['id']}", token="other/1")).status == 404
    assert names(await events.ask("GET", "acme/providers", token="acme/43"), "providers", "label") == ["Shop"]


async def test_providers_by_sort_and_instance(events: Any) -> None:
    await provider(events, provider_metadata="commerce", instance_id="eu")
    await provider(events, label="Else")
    for query, expected in (("", ["Else", "Shop"]), ("providerMetadataId=commerce", ["Shop"]), ("instanceId=us", [])):
        assert names(await events.ask("GET", f"acme/providers?{query}"), "providers", "label") == expected


async def test_an_instance_is_there_once(events: Any) -> None:
    made = await provider(events, instance_id="eu")
    answer = await events.ask("POST", f"{WORKSPACE}/providers", json={"label": "Another", "instance_id": "eu"})
    assert (answer.status, answer.headers["x-conflicting-id"]) == (409, made["id"])


async def test_a_provider_is_changed_and_deleted_by_its_workspace(events: Any) -> None:
    made = await provider(events)
    own, others = f"{WORKSPACE}/providers/{made['id']}", f"acme/project/43/providers/{made['id']}"
    assert (await events.ask("PUT", others, token="acme/43", json={"label": "Mine"})).status == 404
    changed = await events.ask("PUT", own, json={"label": "Market"})
    assert (changed.status, changed.json()) == (200, made | {"label": "Market"})
    assert (await events.ask("DELETE", own)).status == 204
    assert (await events.ask("GET", f"providers/{made['id']}")).status == 404


async def test_sorts_of_event_come_and_go(events: Any) -> None:
    made = await provider(events)
    kept, seen = f"{WORKSPACE}/providers/{made['id']}/eventmetadata", f"providers/{made['id']}/eventmetadata"
    form = {"event_code": "shop.sold", "label": "Sold", "description": "A thing was sold", "sample_event_template": "e30="}
    sold = await create(events, kept, form)
    assert sold == form | {"_links": {"self": {"href": f"{BASE}/{seen}/shop.sold"}}}
    assert (await events.ask("POST", kept, json=form)).status == 409
    await create(events, kept, {"event_code": "a/b"})
    assert names(await events.ask("GET", seen), "eventmetadata", "event_code") == ["shop.sold", "a/b"]
    with_events = (await events.ask("GET", f"providers/{made['id']}?eventmetadata=true")).json()
    assert with_events["_embedded"]["eventmetadata"][0] == sold
    changed = await events.ask("PUT", f"{kept}/shop.sold", json={"label": "Sold!"})
    assert (changed.status, changed.json()["label"]) == (200, "Sold!")
    assert (await events.ask("GET", f"{seen}/shop.sold")).json() == changed.json()
    assert (await events.ask("DELETE", f"{kept}/a%2Fb")).status == 204
    assert names(await events.ask("GET", seen), "eventmetadata", "event_code") == ["shop.sold"]
    assert (await events.ask("DELETE", kept)).status == 204
    assert names(await events.ask("GET", seen), "eventmetadata", "event_code") == []


@pytest.mark.parametrize(("method", "name"), [("GET", ""), ("PUT", WORKSPACE), ("DELETE", WORKSPACE)])
async def test_a_sort_of_event_that_there_is_not(events: Any, method: str, name: str) -> None:
    made = await provider(events)
    target = f"{name}/providers/{made['id']}/eventmetadata/none".lstrip("/")
    assert (await events.ask(method, target, json={})).json()["error_code"] == "404000"


@pytest.mark.parametrize("form", [{"label": ""}, {}, {"label": "a" * 256}, {"label": "a", "description": "a" * 5001}])
async def test_what_is_no_provider(events: Any, form: dict[str, str]) -> None:
    assert (await events.ask("POST", f"{WORKSPACE}/providers", json=form)).status == 400


@pytest.mark.parametrize("form", [{}, {"event_code": "a" * 256}, {"event_code": "a", "sample_event_template": "a" * 90_000}])
async def test_what_is_no_sort_of_event(events: Any, form: dict[str, str]) -> None:
    made = await provider(events)
    assert (await events.ask("POST", f"{WORKSPACE}/providers/{made['id']}/eventmetadata", json=form)).status == 400


async def test_sorts_of_provider(events: Any) -> None:
    answer = await events.ask("GET", "providermetadata")
    assert names(answer, "providermetadata", "provider_metadata") == ["3rd_party_custom_events"]


async def test_paths_that_lead_nowhere_ask_for_credentials_first(events: Any) -> None:
    assert (await events.ask("GET", "nowhere")).status == 404
    assert (await events.client.request("GET", "/events/nowhere")).status == 403
