"""Actions in the browser: created, edited, invoked, set, deleted; by role and label, and usable by everybody."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.console.conftest import write

from ioruntime.testing.server import ServerClient

CODE = "function main(p) { console.log('called', p.name); return { greeting: 'Hello, ' + p.name } }"


def test_a_new_action_is_written_saved_and_invoked(page: Page, space: ServerClient, usable: Callable[[], None]) -> None:
    usable()
    page.get_by_role("link", name="New action").first.click()
    page.get_by_label("Name", exact=True).fill("hello")
    usable()
    page.get_by_role("button", name="Create").click()

    code = page.get_by_role("textbox", name="Code")
    expect(code).to_contain_text("function main(params)")
    write(page, "Code", CODE)
    expect(page.get_by_text("Not saved")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved as 0.0.2")).to_be_visible()
    assert space.request("GET", "/api/v1/namespaces/_/actions/hello").json()["exec"]["code"] == CODE

    write(page, "Parameters, as JSON", '{"name": "Ada"}')
    page.get_by_role("button", name="Invoke").click()
    expect(page.get_by_label("Result")).to_contain_text('"greeting": "Hello, Ada"')
    expect(page.get_by_label("Log", exact=True)).to_contain_text("called Ada")
    expect(page.get_by_role("rowheader", name="Run")).to_be_visible()
    usable()

    write(page, "Code", CODE.replace("Hello", "Bye"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as 0.0.3")).to_be_visible()
    expect(page.get_by_text("version 0.0.3")).to_be_visible()


def test_what_cannot_be_invoked_is_told_beside_the_button(page: Page, space: ServerClient, namespace: str) -> None:
    space.put_action("hello", CODE)
    page.goto(f"/console/ns/{namespace}/actions/default/hello")
    write(page, "Parameters, as JSON", "[1]")
    page.get_by_role("button", name="Invoke").click()
    expect(page.get_by_role("alert")).to_contain_text("The body must be a JSON object")


def test_settings_become_a_new_version(page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]) -> None:
    space.put_action("hello", CODE, annotations=[{"key": "old", "value": 1}])
    page.goto(f"/console/ns/{namespace}/actions/default/hello/settings")
    usable()
    page.get_by_label("Memory, MB").fill("128")
    page.get_by_label("Call from the web").select_option("yes")
    page.get_by_label("Name of a parameter").fill("name")
    page.get_by_label("Value of the parameter").fill("Grace")
    page.get_by_role("button", name="Remove this annotation").first.click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved as version 0.0.2")

    stored = space.request("GET", "/api/v1/namespaces/_/actions/hello").json()
    annotations = {each["key"]: each["value"] for each in stored["annotations"]}
    assert stored["limits"]["memory"] == 128
    assert stored["parameters"] == [{"key": "name", "value": "Grace"}]
    assert annotations["web-export"] is True
    assert "old" not in annotations
    expect(page.get_by_role("link", name="Open web URL")).to_have_attribute(
        "href", f"{page.url.partition('/console')[0]}/api/v1/web/{namespace}/default/hello"
    )


def test_deleting_asks_first(page: Page, space: ServerClient, namespace: str, usable: Callable[[], None]) -> None:
    space.put_action("hello", CODE)
    page.goto(f"/console/ns/{namespace}/actions")
    page.get_by_role("link", name="hello", exact=True).click()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete the action hello?")).to_be_visible()
    usable()
    assert space.request("GET", "/api/v1/namespaces/_/actions/hello").status == 200
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No actions here")).to_be_visible()
    assert space.request("GET", "/api/v1/namespaces/_/actions/hello").status == 404


def test_a_sequence_is_made_of_names(page: Page, space: ServerClient, namespace: str) -> None:
    space.put_action("first", "function main(p) { return { name: 'Ada' } }")
    space.put_action("second", CODE)
    page.goto(f"/console/ns/{namespace}/actions/new")
    page.get_by_label("Name", exact=True).fill("both")
    page.get_by_label("Kind").select_option("sequence")
    page.get_by_label("Actions of the sequence").fill("first\nsecond")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Invoke").click()
    expect(page.get_by_label("Result")).to_contain_text("Hello, Ada")
