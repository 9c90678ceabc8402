"""Web actions and APIs that aio makes, asked as a browser asks them."""

import urllib.request
from email.message import Message
from urllib.error import HTTPError

import msgspec
import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.server import ServerClient

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
PAGE = "function main({ name = 'you', __ow_method }) { return { statusCode: 201, body: { name, __ow_method } } }"
SECURED = """
packages:
  gate:
    actions:
      inside:
        function: page.js
        runtime: nodejs:20
        web: 'yes'
        annotations: {require-adobe-auth: true}
"""


def ask(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, bytes, Message]:
    """Send a request without credentials."""
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def test_a_web_action_at_the_url_that_aio_prints(aio: Aio) -> None:
    aio.write("page.js", PAGE)
    aio("action create page page.js --web true")
    url = aio("action get page --url").strip()
    status, body, headers = ask(f"{url}?name=Ada")
    assert (status, msgspec.json.decode(body)) == (201, {"name": "Ada", "__ow_method": "get"})
    assert headers["access-control-allow-origin"] == "*"
    aio("action update page --web true --web-secure secret")
    assert ask(url)[0] == 401
    assert ask(url, headers={"X-Require-Whisk-Auth": "secret"})[0] == 201
    aio("action update page --web false")
    assert ask(url)[0] == 404


def test_an_api_from_creation_to_end(aio: Aio, api: ServerClient) -> None:
    aio.write("page.js", PAGE)
    aio("action create page page.js --web true")
    created = aio("api create /garden /plants get page --response-type http")
    url = next(word for word in created.split() if word.startswith("http"))
    status, body, _ = ask(f"{url}?name=Bo")
    assert (status, msgspec.json.decode(body)["name"]) == (201, "Bo")
    assert url in aio("api list")
    assert "/plants" in aio("api get /garden")
    aio("api delete /garden /plants")
    assert ask(url)[0] == 404
    aio.refused("api create /garden /plants get nothing --response-type http")


def test_an_action_behind_adobes_validator(aio: Aio) -> None:
    aio.write("page.js", PAGE)
    aio.write("manifest.yml", SECURED)
    aio("deploy --manifest manifest.yml")
    url = aio("action get gate/inside --url").strip()
    status, body, _ = ask(url)
    assert status == 401
    assert b"missing authorization header" in body
