"""What the shipped actions return, in a real Node."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ioruntime.app.system.loader import shipped

if TYPE_CHECKING:
    from tests.system.system_actions.conftest import Node

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "system-actions.md"
ACTIONS = [(package, action) for package, content in shipped().items() for action in content.actions]
BY_THE_CLOCK = ("utils", "date")
BY_THE_NETWORK = ("samples", "curl")
LARGE = 1_000_001


class Site(BaseHTTPRequestHandler):
    """A web site of three pages."""

    def do_GET(self) -> None:
        if self.path == "/never":
            self.close_connection = True
            return
        body = {"/ping": b"pong", "/large": b"x" * LARGE}.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the library's
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """Host and port of a web site."""
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("package", "action"), [each for each in ACTIONS if each not in {BY_THE_CLOCK, BY_THE_NETWORK}], ids="/".join
)
def test_the_sample_in_the_manifest_is_true(node: Node, package: str, action: str) -> None:
    sample = shipped()[package].actions[action]
    assert node.run(package, action, sample.sample_input).result == sample.sample_output


@pytest.mark.parametrize(
    ("action", "arguments", "expected"),
    [
        pytest.param("utils/echo", {}, {}, id="echo of nothing"),
        pytest.param(
            "utils/cat", {"lines": ["seven", "eight"]}, {"lines": ["seven", "eight"], "payload": "seven\neight"}, id="cat"
        ),
        pytest.param("utils/cat", {"payload": "a\r\nb"}, {"lines": ["a", "b"], "payload": "a\nb"}, id="cat of a text"),
        pytest.param("utils/cat", {"payload": ["a", 1]}, {"lines": ["a", 1], "payload": "a\n1"}, id="cat of an array as payload"),
        pytest.param("utils/cat", {}, {"lines": [], "payload": ""}, id="cat of nothing"),
        pytest.param("utils/cat", {"lines": "a"}, {"error": "The parameter 'lines' must be an array."}, id="cat of no array"),
        pytest.param(
            "utils/sort", {"lines": ["seven", "eight", "nine"]}, {"lines": ["eight", "nine", "seven"], "length": 3}, id="sort"
        ),
        pytest.param("utils/sort", {"lines": [10, 9, 1]}, {"lines": [1, 10, 9], "length": 3}, id="sort is by characters"),
        pytest.param(
            "utils/sort", {"lines": "b,a", "separator": ","}, {"lines": ["a", "b"], "length": 2}, id="sort splits a text"
        ),
        pytest.param("utils/sort", {}, {"lines": [], "length": 0}, id="sort of nothing"),
        pytest.param("utils/sort", {"lines": {}}, {"error": "The parameter 'lines' must be an array."}, id="sort of no array"),
        pytest.param(
            "utils/split", {"payload": "a\nb\r\nc"}, {"lines": ["a", "b", "c"], "payload": "a\nb\r\nc"}, id="split at lines"
        ),
        pytest.param(
            "utils/split", {"payload": 1.5, "separator": "."}, {"lines": ["1", "5"], "payload": 1.5}, id="split a number"
        ),
        pytest.param("utils/split", {}, {"error": "The parameter 'payload' must be a text."}, id="split of nothing"),
        pytest.param("utils/head", {"lines": ["a", "b"]}, {"lines": ["a"], "num": 1}, id="head takes one"),
        pytest.param("utils/head", {"lines": ["a", "b"], "num": 0}, {"lines": [], "num": 0}, id="head takes none"),
        pytest.param("utils/head", {"lines": ["a"], "num": 9}, {"lines": ["a"], "num": 9}, id="head takes what there is"),
        pytest.param(
            "utils/head", {"num": -1}, {"error": "The parameter 'num' must be a whole number of 0 or more."}, id="head of -1"
        ),
        pytest.param("utils/smash", {"$fieldName": "x"}, {"x": {}}, id="smash of nothing"),
        pytest.param(
            "utils/smash", {}, {"error": "Expected an argument '$fieldName' of type 'string'."}, id="smash without name"
        ),
        pytest.param("utils/smash", {"$fieldName": "__proto__", "a": 1}, {"__proto__": {"a": 1}}, id="smash under any name"),
        pytest.param("samples/greeting", {}, {"payload": "Hello, stranger from somewhere!"}, id="greeting of nobody"),
        pytest.param("samples/greeting", {"payload": "Cat"}, {"payload": "Hello, Cat from somewhere!"}, id="greeting by payload"),
        pytest.param("samples/wordCount", {"payload": "  a\n b "}, {"count": 2}, id="words between blanks"),
        pytest.param("samples/wordCount", {"payload": ""}, {"count": 0}, id="no words"),
        pytest.param("samples/wordCount", {}, {"error": "The parameter 'payload' must be a text."}, id="words of nothing"),
    ],
)
def test_edge_cases(node: Node, action: str, arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    package, name = action.split("/")
    assert node.run(package, name, arguments).result == expected


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        pytest.param({}, "namespaces/guest/actions", id="nothing"),
        pytest.param({"path": "echo"}, "namespaces/guest/actions/echo", id="action"),
        pytest.param({"path": "utils/echo"}, "namespaces/guest/actions/utils/echo", id="in a package"),
        pytest.param({"trigger": True, "path": "echo"}, "namespaces/guest/triggers/echo", id="trigger"),
        pytest.param({"web": True}, "web/guest", id="web"),
        pytest.param({"web": True, "path": "echo", "ext": ".text"}, "web/guest/default/echo.text", id="web with extension"),
        pytest.param({"web": True, "path": "utils/echo"}, "web/guest/utils/echo", id="web in a package"),
        pytest.param({"path": "echo", "ext": ".json"}, "namespaces/guest/actions/echo", id="extensions are for web actions"),
    ],
)
def test_hosturl_builds_what_clients_call(node: Node, arguments: dict[str, Any], path: str) -> None:
    assert node.run("utils", "hosturl", arguments).result == {"url": f"http://127.0.0.1:3233/api/v1/{path}"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param({"web": True, "trigger": True}, "Triggers are not web actions.", id="web trigger"),
        pytest.param({"trigger": True, "path": "a/b"}, "Triggers are not in packages.", id="trigger in a package"),
        pytest.param({"path": 1}, "The parameter 'path' must be a text.", id="no text"),
        pytest.param(
            {"web": True, "path": "a", "ext": ".exe"},
            "The extension of a web action must be one of .html, .http, .json, .svg, .text.",
            id="extension",
        ),
    ],
)
def test_hosturl_refuses(node: Node, arguments: dict[str, Any], error: str) -> None:
    assert node.run("utils", "hosturl", arguments).result == {"error": error}


def test_date_is_now_in_utc(node: Node) -> None:
    result = node.run("utils", "date", {}).result
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", result["date"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [pytest.param({}, "hello world\n", id="to the world"), pytest.param({"payload": "Cat"}, "hello Cat!\n", id="to somebody")],
)
def test_hello_world_says_so_in_its_log(node: Node, arguments: dict[str, str], line: str) -> None:
    done = node.run("samples", "helloWorld", arguments)
    assert (done.result, done.log) == ({}, line)


@pytest.mark.parametrize("protocol", ["http://", ""], ids=["with protocol", "without protocol"])
def test_curl_fetches(node: Node, site: str, protocol: str) -> None:
    assert node.run("samples", "curl", {"payload": f"{protocol}{site}/ping"}).result == {"msg": "pong"}


def test_curl_refuses_what_is_too_large(node: Node, site: str) -> None:
    result = node.run("samples", "curl", {"payload": f"{site}/large"}).result
    assert result == {"error": "The answer is longer than 1000000 bytes."}


def test_curl_tells_that_the_connection_broke(node: Node, site: str) -> None:
    assert node.run("samples", "curl", {"payload": f"{site}/never"}).result == {"error": "socket hang up"}


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        pytest.param(None, "Could not resolve host: the parameter 'payload' must be a URL.", id="nothing"),
        pytest.param("http://", "Could not resolve host: http:// is not a URL.", id="no URL"),
        pytest.param("nowhere.invalid", "Could not resolve host: nowhere.invalid", id="no such host"),
    ],
)
def test_curl_tells_what_it_could_not_resolve(node: Node, payload: str | None, error: str) -> None:
    assert node.run("samples", "curl", {"payload": payload}).result["error"].startswith(error)


@pytest.mark.parametrize(("package", "action"), ACTIONS, ids="/".join)
def test_every_action_is_in_the_reference(package: str, action: str) -> None:
    assert f"| `{package}/{action}` |" in REFERENCE.read_text()
