"""Take the picture of the console that README and docs show: `.venv/bin/python scripts/picture_console.py`.

Starts a server of its own with an action that was invoked, and drives a real Chromium through it.
"""

import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from ioruntime.testing.browser import FLAGS, chromium
from ioruntime.testing.server import running_server

PICTURE = Path(__file__).parent.parent / "docs/how-to/console.png"
CODE = """\
// Answers with the price of an order, tax included.
const RATES = { DE: 0.19, FR: 0.2, IT: 0.22 };

function main({ items = [], country = "DE" }) {
  const net = items.reduce((sum, item) => sum + item.price * item.count, 0);
  const tax = net * (RATES[country] ?? 0);
  console.log(`priced ${items.length} items for ${country}`);
  return { net, tax, total: Math.round((net + tax) * 100) / 100 };
}
"""
ORDER = '{\n"country": "FR",\n"items": [{"price": 12.5, "count": 4}]}'


def main() -> int:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder, "data")) as server, sync_playwright() as playwright:
        server.guest.put_action("price", CODE, annotations=[{"key": "web-export", "value": True}])
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(base_url=server.url, viewport={"width": 1280, "height": 960}, color_scheme="light")
        page.goto("/console")
        key = base64.b64decode(server.guest.headers["Authorization"].partition(" ")[2]).decode()
        page.get_by_label("Key or token").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Actions", exact=True).click()
        page.get_by_role("link", name="price", exact=True).click()
        page.locator('.cm-content[aria-label^="Parameters"]').focus()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(ORDER)
        page.get_by_role("button", name="Invoke").click()
        page.get_by_label("Result").wait_for()
        page.get_by_label("Log", exact=True).wait_for()
        page.screenshot(path=PICTURE)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
