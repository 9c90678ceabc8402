"""Packages, triggers, rules, limits and keys in the browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from ioruntime.testing.server import ServerClient

HELLO = "function main(p) { return { greeting: 'Hello' } }"


def test_a_trigger_by_the_clock_says_when_it_fires_next(page: Page, usable: Callable[[], None]) -> None:
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Triggers").click()
    page.get_by_label("Name").fill("weekly")
    page.get_by_label("Fired by").select_option("cron")
    page.get_by_label("Cron expression, UTC").fill("nonsense")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_be_visible()
    usable()
    page.get_by_label("Cron expression, UTC").fill("0 6 * * 1")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="weekly", level=1)).to_be_visible()
    expect(page.locator("ol time")).to_have_count(5)
    expect(page.locator("ol time").first).to_contain_text("06:00:00")
    usable()
    page.get_by_role("link", name="Triggers").first.click()
    expect(page.get_by_role("row").filter(has_text="weekly")).to_contain_text("06:00:00")


def test_a_rule_is_drawn_fired_switched_and_deleted(
    page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]
) -> None:
    space.put_action("hello", HELLO)
    assert space.request("PUT", "/api/v1/namespaces/_/triggers/ordered", {}).status == 200
    page.goto(f"/console/ns/{namespace}/rules")
    page.get_by_label("Name").fill("greet")
    page.get_by_label("Start this action").fill("hello")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("img", name="1 rules from 1 triggers to 1 actions")).to_be_visible()
    usable()

    page.get_by_role("link", name="ordered").click()
    page.get_by_role("button", name="Fire").click()
    tree = page.get_by_label("Tree of activations")
    expect(page.get_by_role("heading", name="ordered", level=1)).to_be_visible()
    page.reload()
    expect(tree.get_by_role("link", name="hello")).to_be_visible()

    page.goto(f"/console/ns/{namespace}/rules")
    page.get_by_role("button", name="Switch off the rule greet").click()
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("inactive")
    page.get_by_role("link", name="Delete the rule greet").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Rules")).to_be_visible()
    assert space.request("GET", "/api/v1/namespaces/_/rules").json() == []


def test_a_package_is_made_filled_and_deleted_with_what_is_inside(
    page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]
) -> None:
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Packages").click()
    page.get_by_label("Name").fill("orders")
    usable()
    page.get_by_role("button", name="Create").click()
    page.get_by_label("Name of a parameter").fill("currency")
    page.get_by_label("Value of the parameter").fill("EUR")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved as version 0.0.2")
    usable()
    space.put_action("orders/ship", HELLO)
    page.reload()
    page.get_by_role("link", name="ship").click()
    expect(page.get_by_role("heading", name="ship", level=1)).to_be_visible()
    page.goto(f"/console/ns/{namespace}/packages/orders/delete")
    expect(page.get_by_text("the 1 action inside")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No packages here")).to_be_visible()


def test_a_replaced_key_ends_what_used_the_old_one_and_not_this_session(
    page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]
) -> None:
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Limits and keys").click()
    expect(page.get_by_role("row").filter(has_text="invocationsPerMinute")).to_contain_text("6,000")
    usable()
    page.get_by_role("link", name="Replace").click()
    page.get_by_role("button", name="Replace").click()
    expect(page.get_by_role("status")).to_contain_text("The key is replaced")
    assert space.request("GET", "/api/v1/namespaces/_/actions").status == 401
