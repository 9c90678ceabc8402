"""Hosts of namespaces at a real server: pages at short paths, and the platform's own paths beside them."""

from collections.abc import Iterator

import pytest

from ioruntime.testing.server import Server, ServerAnswer, running_server

pytestmark = pytest.mark.timeout(120)
PAGE = "def main(args): return {'html': '<h1>' + args.get('name', 'Welcome') + '</h1>'}"
WEB = [{"key": "web-export", "value": True}]


@pytest.fixture(scope="module")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"IORUNTIME_WEB__HOST": "apps.test", "IORUNTIME_WEB__HOSTS": "shop.test=guest, www.shop.test=guest"}
    with running_server(tmp_path_factory.mktemp("hosting") / "data", environment=environment) as server:
        assert server.guest.request("PUT", "/api/v1/namespaces/_/packages/public", {}).status == 200
        server.guest.put_action("public/index", PAGE, "python:3.11", annotations=WEB)
        yield server


def ask(server: Server, host: str, target: str) -> ServerAnswer:
    return server.guest.request("GET", target, headers={"Host": host})


@pytest.mark.parametrize("host", ["guest.apps.test", "shop.test", "www.shop.test:8443"])
def test_a_page_at_the_root_and_by_name(hosting: Server, host: str) -> None:
    assert ask(hosting, host, "/").body == b"<h1>Welcome</h1>"
    assert ask(hosting, host, "/public/index.html?name=Ada").body == b"<h1>Ada</h1>"
    assert ask(hosting, host, "/api/v1/web/public/index.html").body == b"<h1>Welcome</h1>"


def test_the_platforms_own_paths_stay(hosting: Server) -> None:
    assert ask(hosting, "shop.test", "/ping").body == b"pong"
    assert ask(hosting, "shop.test", "/api/v1").json()["api_version"] == "1.0.0"
    assert ask(hosting, "elsewhere.test", "/").json()["description"] == "OpenWhisk"
    assert ask(hosting, "elsewhere.test", "/public/index.html").status == 404
