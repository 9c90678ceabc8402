"""Events, charts and the platform in the browser."""

import uuid
from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Page, expect

from ioruntime.testing.server import Server, ServerClient

HELLO = "function main(p) { return { greeting: 'Hello' } }"


@pytest.fixture
def guest(window: Page, server: Server) -> Page:
    """A window that is signed in with a token of the namespace guest."""
    window.goto("/console")
    window.get_by_label("Key or token").fill(server.credentials["bearer"])
    window.get_by_role("button", name="Sign in").click()
    window.get_by_role("heading", name="guest", level=1).wait_for()
    return window


def test_a_registration_shows_its_journal_and_is_switched_and_deleted(guest: Page, server: Server, axe: str) -> None:
    name = f"r{uuid.uuid4().hex[:8]}"
    server.guest.put_action("hello", HELLO, overwrite=True)
    _register(server, name)
    event = {"specversion": "1.0", "id": "1", "source": f"urn:uuid:{name}", "type": "made", "data": {"order": 7}}
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    assert server.admin.request("POST", "/events/publish", body=msgspec.json.encode([event]), headers=headers).status == 200

    guest.get_by_role("navigation", name="Places").get_by_role("link", name="Events").click()
    guest.get_by_role("link", name=name).click()
    guest.get_by_text("made", exact=True).first.click()
    expect(guest.get_by_label("Events of the journal")).to_contain_text('"order": 7')
    guest.evaluate(axe)
    assert guest.evaluate("axe.run()")["violations"] == []
    guest.get_by_role("button", name="Switch off").click()
    expect(guest.get_by_role("button", name="Switch on")).to_be_visible()
    guest.get_by_role("link", name="Delete").click()
    guest.get_by_role("button", name="Delete").click()
    expect(guest.get_by_role("heading", name="Events", level=1)).to_be_visible()
    expect(guest.get_by_role("link", name=name)).to_have_count(0)


def test_charts_draw_what_ran(page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]) -> None:
    space.put_action("hello", HELLO)
    space.invoke("hello")
    page.goto(f"/console/ns/{namespace}/charts")
    expect(page.locator("[data-drawn=yes]")).to_be_attached()
    expect(page.locator("[data-chart] canvas")).to_have_count(4)
    expect(page.get_by_label("Minutes in which something ran").get_by_role("row")).to_have_count(2)
    usable()


def test_the_platform_is_shown_to_operators_only(page: Page, server: Server, axe: str) -> None:
    assert page.goto("/console/platform") is not None
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    token = server.operator.headers["Authorization"].removeprefix("Bearer ")
    page.get_by_label("Key or token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Platform", level=1)).to_be_visible()
    expect(page.get_by_label("Sandboxes by kind and state").get_by_role("row").first).to_contain_text("prewarm")
    page.evaluate(axe)
    assert page.evaluate("axe.run()")["violations"] == []


def _register(server: Server, name: str) -> None:
    """Register the action `hello` for the events `made` of a provider of the same name."""
    body = {
        "client_id": server.credentials["apiKey"],
        "name": name,
        "delivery_type": "webhook",
        "runtime_action": "hello",
        "events_of_interest": [{"provider": name, "event_code": "made"}],
    }
    headers = {"X-Ams-Consumer-Id": "guest", "X-Ams-Application-Id": "guest"}
    made = server.admin.request("POST", "/runtime/namespaces/guest/guest/handleEventRegistration", body, headers=headers)
    assert made.status in {200, 201}, made.body
