"""Activations in the browser: the list, following live, one with its tree."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from ioruntime.testing.server import ServerClient

HELLO = "function main(p) { console.log('said hello'); return { greeting: 'Hello' } }"
FAILING = "function main(p) { return { error: 'no' } }"


def test_what_ran_is_listed_filtered_and_shown(
    page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]
) -> None:
    space.put_action("hello", HELLO)
    space.put_action("failing", FAILING)
    space.invoke("hello")
    space.invoke("failing")
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Activations").click()
    expect(page.get_by_role("row").filter(has_text="failing")).to_contain_text("application error")
    usable()
    page.get_by_label("Action or trigger").fill("hello")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row").filter(has_text="failing")).to_have_count(0)
    page.get_by_role("link", name="hello", exact=True).click()
    expect(page.get_by_label("Result as JSON")).to_contain_text('"greeting": "Hello"')
    expect(page.get_by_label("Log", exact=True).first).to_contain_text("said hello")
    expect(page.get_by_role("rowheader", name="Run")).to_be_visible()
    usable()


def test_pages_lead_to_older_ones_and_miss_none(page: Page, space: ServerClient, namespace: str) -> None:
    space.put_action("hello", HELLO)
    ids = [space.invoke("hello").json()["activationId"] for _ in range(60)]
    page.goto(f"/console/ns/{namespace}/activations")
    seen = page.locator("#rows a").evaluate_all("links => links.map(link => link.href.split('/').pop())")
    assert len(seen) == 50
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    seen += page.locator("#rows a").evaluate_all("links => links.map(link => link.href.split('/').pop())")
    assert sorted(seen) == sorted(ids)


def test_the_list_is_followed_live(page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]) -> None:
    space.put_action("hello", HELLO)
    page.goto(f"/console/ns/{namespace}/activations")
    with page.expect_response("**/activations/stream?*"):
        page.get_by_role("link", name="Follow live").click()
    expect(page.get_by_text("Live: what ends")).to_be_visible()
    activation_id = space.invoke("hello").json()["activationId"]
    expect(page.get_by_role("row").filter(has_text=activation_id[:12])).to_be_visible()
    usable()
    page.get_by_role("link", name="Stop").click()
    expect(page.get_by_role("link", name="Follow live")).to_be_visible()


def test_a_sequence_shows_what_it_ran(page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]) -> None:
    space.put_action("hello", HELLO)
    components = [f"/{namespace}/hello", f"/{namespace}/hello"]
    put = {"exec": {"kind": "sequence", "components": components}}
    assert space.request("PUT", "/api/v1/namespaces/_/actions/both", put).status == 200
    activation_id = space.invoke("both").json()["activationId"]
    page.goto(f"/console/ns/{namespace}/activations/{activation_id}")
    tree = page.get_by_label("Tree of activations")
    expect(tree.get_by_role("row")).to_have_count(4)
    usable()
    tree.get_by_role("link", name="hello").first.click()
    page.get_by_role("link", name="Its composition").click()
    expect(page.get_by_role("heading", name="both", level=1)).to_be_visible()
