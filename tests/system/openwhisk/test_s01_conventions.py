"""Section 1: routes, errors, transaction ids, headers for other origins, lists."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import ECHO, NAMESPACES, Api, code, refused

from ioruntime.testing.server import ServerClient

pytestmark = pytest.mark.timeout(60)
MISSING = "The requested resource does not exist."
NO_PATH = "The requested resource could not be found."
CONFORMANCE = "Resource by this name exists but is not in this collection."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "rules/x/bar", 404, id="1.1 unknown extra segments"),
        pytest.param("GET", f"activations/{'0' * 32}/other", 404, id="1.1 unknown part of an activation"),
        pytest.param("POST", "actions", 405, id="1.1 POST on a collection"),
        pytest.param("PUT", "triggers", 405, id="1.1 PUT on a collection"),
        pytest.param("DELETE", "rules", 405, id="1.1 DELETE on a collection"),
        pytest.param("POST", "packages/p", 405, id="1.1 POST on a package"),
        pytest.param("DELETE", "actions/p/", 404, id="1.1 a package is not deleted among the actions"),
        pytest.param("GET", "actions/p", 409, id="1.1 a package's name without the slash is an action's"),
        pytest.param("GET", "actions/p/", 200, id="1.1 with the slash it lists"),
    ],
)
def test_1_1_routes(api: Api, method: str, path: str, status: int) -> None:
    api.put("packages/p")
    answer = api.ask(method, path)
    assert answer.status == status
    if status >= 400:
        text = refused(answer)[1]
        assert status != 405 or text.startswith("HTTP method not allowed, supported methods: ")
        assert status != 409 or text == CONFORMANCE


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        pytest.param("GET", "actions/x", None, (404, MISSING), id="1.2 no such entity"),
        pytest.param("GET", "nothing", None, (404, NO_PATH), id="1.2 no such path"),
        pytest.param("PUT", "actions/a", code(), (409, "resource already exists"), id="1.2 it exists"),
        pytest.param("PUT", "triggers/a?overwrite=true", {}, (409, CONFORMANCE), id="1.2 another collection"),
    ],
)
def test_1_2_refusals(api: Api, method: str, path: str, body: Any, expected: tuple[int, str]) -> None:
    api.action("a")
    assert refused(api.ask(method, path, body)) == expected


def test_1_2_order_of_judgement(api: Api, anybody: ServerClient) -> None:
    assert refused(anybody.request("PATCH", f"{NAMESPACES}/_/actions/a"))[0] == 401
    assert refused(api.ask("PUT", "actions/%20x", body=b"no json"))[0] == 400
    assert refused(api.ask("PUT", "/api/v1/namespaces/whisk.system/actions/x", body=b"no json"))[0] == 403


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status", "text"),
    [
        ("actions/x", b"{", "application/json", 400, "The request content was malformed:\n"),
        ("actions/x", b"{}", "text/plain", 415, "The request's Content-Type is not supported. Expected:\napplication/json"),
        ("packages/x", b"[1]", "application/json", 400, "The request content was malformed:\n"),
    ],
)
def test_1_2_bodies(api: Api, path: str, body: bytes, content_type: str, status: int, text: str) -> None:
    answer = api.ask("PUT", path, body=body, headers={"Content-Type": content_type})
    assert refused(answer)[0] == status
    assert refused(answer)[1].startswith(text)


@pytest.mark.parametrize(("sent", "taken"), [("my-own-id", True), ("sid_x", False)])
def test_1_3_transaction_ids(api: Api, sent: str, taken: bool) -> None:
    answer = api.ask("GET", "actions/none", headers={"X-Request-ID": sent})
    assert (answer.headers["x-request-id"] == sent) is taken
    refused(answer)


def test_1_3_other_origins(api: Api, anybody: ServerClient) -> None:
    for answer in (api.ask("GET", "actions"), anybody.request("OPTIONS", f"{NAMESPACES}/_/actions/x")):
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "GET, DELETE, POST, PUT, HEAD"
        assert answer.headers["access-control-allow-headers"].startswith("Authorization, Origin, X-Requested-With")


def test_1_3_an_empty_body_is_accepted_whatever_its_type(api: Api) -> None:
    api.action("a")
    answer = api.ask("POST", "actions/a?blocking=true", body=b"", headers={"Content-Type": "text/plain"})
    assert answer.status == 200
    assert answer.headers["x-openwhisk-activation-id"] == answer.json()["activationId"]


@pytest.mark.parametrize("collection", ["actions", "packages", "triggers", "rules", "activations"])
def test_1_4_limit_and_skip(api: Api, collection: str) -> None:
    malformed = "The query parameter '{}' was malformed:\n"
    for query, text in {
        "limit=201": malformed.format("limit") + f"The value '201' is not in the range of 0 to 200 for {collection}.",
        "limit=x": malformed.format("limit") + f"The value 'x' is not an integer for {collection}.",
        "skip=-1": malformed.format("skip") + f"The value '-1' is not greater than or equal to 0 for {collection}.",
    }.items():
        assert refused(api.ask("GET", f"{collection}?{query}")) == (400, text)
    assert api.get(f"{collection}?limit=0") == []
    assert api.get(f"{collection}?count=true&limit=1") == {collection: 0}


def test_1_4_newest_first_and_count_honours_skip(api: Api) -> None:
    for name in "abc":
        api.put(f"packages/{name}")
    api.put("packages/a", overwrite=True)
    assert [row["name"] for row in api.get("packages")] == ["a", "c", "b"]
    assert [row["name"] for row in api.get("packages?skip=1&limit=1")] == ["c"]
    assert api.get("packages?count=true&skip=1&limit=1") == {"packages": 2}


def test_1_4_fields_of_rows(api: Api) -> None:
    api.put("packages/p")
    api.action("p/a", ECHO)
    api.put("triggers/t")
    api.put("rules/r", {"trigger": "/_/t", "action": "/_/p/a"})
    shared = {"namespace", "name", "version", "publish", "annotations", "updated"}
    rows = {name: api.get(name)[0] for name in ("actions", "triggers", "rules", "packages")}
    assert rows["actions"].keys() == shared | {"limits", "exec"}
    assert (rows["actions"]["namespace"], rows["actions"]["exec"]) == (f"{api.namespace}/p", {"binary": False})
    assert rows["triggers"].keys() == shared
    assert rows["rules"].keys() == shared | {"trigger", "action"}
    assert rows["packages"].keys() == shared | {"binding"}
    assert rows["packages"]["binding"] is False


def test_1_4_lists_of_others(api: Api) -> None:
    assert api.get(f"{NAMESPACES}/no-such-namespace/packages") == []
    for collection in ("actions", "triggers", "rules", "activations"):
        assert api.ask("GET", f"{NAMESPACES}/whisk.system/{collection}").status == 403
