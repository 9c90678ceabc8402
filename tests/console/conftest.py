"""One server for the whole session and one browser for each file; a namespace and a window of its own for each test."""

import base64
import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.browser import FLAGS, BrowserMissingError, chromium
from ioruntime.testing.npm import NpmError, installed
from ioruntime.testing.server import Server, ServerClient, running_server

PATIENCE_MS = 60_000.0
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/console/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("console") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while it is open, its event loop counts as running, and no other test may start one."""
    try:
        found = chromium()
    except BrowserMissingError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS), timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that finds what people cannot use without eyes, or without a mouse."""
    try:
        return (installed("axe-core", "4.14.1") / "axe-core" / "axe.min.js").read_text()
    except NpmError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def space(server: Server) -> ServerClient:
    """A client of a namespace that nobody else uses."""
    return server.namespace(f"org{new_activation_id()[:12]}", "console")


@pytest.fixture
def namespace(space: ServerClient) -> str:
    return space.request("GET", "/api/v1/namespaces").json()[0]


@pytest.fixture
def window(browser: Browser, server: Server) -> Generator[Page]:
    """A window without a session; what its pages complain of fails the test."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            complaints.append(f"{message.text} {message.location}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def page(window: Page, space: ServerClient, namespace: str) -> Page:
    """A window that is signed in with the key of the test's own namespace, on its first page."""
    window.goto("/console")
    window.get_by_label("Key or token").fill(key_of(space))
    window.get_by_role("button", name="Sign in").click()
    window.get_by_role("heading", name=namespace, level=1).wait_for()
    return window


@pytest.fixture
def usable(page: Page, axe: str) -> Callable[[], None]:
    """Check that the page as it is now can be used by everybody."""

    def check() -> None:
        page.evaluate(axe)
        found: Any = page.evaluate("axe.run()")
        told = [(each["id"], each["help"], [node["target"] for node in each["nodes"]]) for each in found["violations"]]
        assert told == [], page.url

    return check


def key_of(client: ServerClient) -> str:
    """Return `uuid:key` that a client speaks with."""
    return base64.b64decode(client.headers["Authorization"].partition(" ")[2]).decode()


def write(page: Page, label: str, text: str) -> None:
    """Replace what an editor holds, by the keyboard as people do."""
    page.locator(f'.cm-content[aria-label="{label}"]').focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    page.keyboard.insert_text(text)
