"""Hosts that stand for a namespace: below the operator's own, or by any name, and the short paths that they have."""

from typing import Any

import msgspec
import pytest

from ioruntime.faces.web.hosts import Hosts
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package

pytestmark = pytest.mark.anyio

HOSTS = Hosts("example.org", named={"shop.example.net": "guest", "www.example.org": "other"})


@pytest.mark.parametrize(
    ("host", "namespace"),
    [
        pytest.param("guest.example.org", "guest", id="below the host for all"),
        pytest.param("Guest.Example.ORG:8080", "guest", id="in capitals, with a port"),
        pytest.param("shop.example.net", "guest", id="named"),
        pytest.param("shop.example.net:8443", "guest", id="named, with a port"),
        pytest.param("www.example.org", "other", id="a name goes before a label"),
        pytest.param("a.shop.example.net", None, id="below a name"),
        pytest.param("example.net", None, id="above a name"),
        pytest.param("", None, id="none"),
    ],
)
def test_what_a_host_stands_for(host: str, namespace: str | None) -> None:
    assert HOSTS.namespace_of([(b"host", host.encode())]) == namespace


@pytest.mark.parametrize("host", ["", "localhost", ".", "guest."])
def test_names_alone_open_nothing_else(host: str) -> None:
    assert Hosts(named={"shop.example.net": "guest"}).namespace_of([(b"host", host.encode())]) is None


@pytest.mark.parametrize("host", ["guest.example.org", "shop.example.net"])
@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param("/p/a", "", {}, id="package and action"),
        pytest.param("/p/a.http/rest%20of/it?x=1", "/rest%20of/it", {"x": "1"}, id="extension, rest and query"),
        pytest.param("//p/a", "", {}, id="a doubled slash"),
        pytest.param("/api/v1/web/p/a", "", {}, id="the long path"),
    ],
)
async def test_short_paths(platform: Any, host: str, target: str, path: str, query: dict[str, str]) -> None:
    platform.client = platform.client_for(hosts=HOSTS)
    await platform.action()
    answer = await platform.client.request("GET", target, headers={"host": host})
    assert answer.status == 200
    got = msgspec.json.decode(platform.invoker.requests[-1].arguments)
    assert got["__ow_path"] == path
    assert got | query == got


async def test_the_root_is_the_page_of_the_package_public(platform: Any) -> None:
    platform.client = platform.client_for(hosts=HOSTS)
    await platform.stores.entities.write(Package(path=EntityPath("guest", "public")))
    await platform.action("guest/public/index", {"html": "<h1>Welcome</h1>"})
    for target in ("/", "/?x=1", "//"):
        answer = await platform.client.request("GET", target, headers={"host": "shop.example.net"})
        assert (answer.status, answer.body) == (200, b"<h1>Welcome</h1>")
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("host", "target"),
    [
        pytest.param("shop.example.net", "/p", id="a package alone"),
        pytest.param("shop.example.net", "/p/none", id="no such action"),
        pytest.param("shop.example.net", "/api/p/a", id="a first segment that is taken"),
        pytest.param("shop.example.net", "/", id="no page"),
        pytest.param("example.org", "/p/a", id="a host of no namespace"),
        pytest.param("nobody.example.org", "/p/a", id="a host of no namespace that there is"),
    ],
)
async def test_what_is_not_there(platform: Any, host: str, target: str) -> None:
    platform.client = platform.client_for(hosts=HOSTS)
    await platform.action()
    assert (await platform.client.request("GET", target, headers={"host": host})).status == 404
