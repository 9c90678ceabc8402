"""Signing in and out, and what there is before a namespace."""

from playwright.sync_api import Page, expect
from tests.console.conftest import key_of

from ioruntime.testing.server import Server, ServerClient


def test_a_key_opens_its_namespace_and_signing_out_closes_it(page: Page, namespace: str) -> None:
    expect(page.get_by_role("navigation", name="Places").get_by_role("link", name="Overview")).to_have_attribute(
        "aria-current", "page"
    )
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"/console/ns/{namespace}")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_opens_the_namespaces_that_it_reaches(window: Page, server: Server) -> None:
    window.goto("/console")
    window.get_by_label("Key or token").fill(server.credentials["bearer"])
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_role("heading", name="guest", level=1)).to_be_visible()
    window.get_by_role("link", name="Change").click()
    window.get_by_role("link", name="guest").click()
    expect(window.get_by_role("heading", name="guest", level=1)).to_be_visible()


def test_the_reader_chooses_light_or_dark_and_it_stays(page: Page) -> None:
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_a_link_leads_to_its_page_after_signing_in(window: Page, space: ServerClient, namespace: str) -> None:
    window.goto(f"/console/ns/{namespace}/actions/new")
    window.get_by_label("Key or token").fill(key_of(space))
    window.keyboard.press("Enter")
    expect(window.get_by_role("heading", name="New action")).to_be_visible()
