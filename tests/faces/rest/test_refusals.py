"""What every operation does before its own work: credentials, methods, names, CORS, transaction ids."""

import re

import pytest

from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

A = "/api/v1/namespaces/_/actions"
MISSING = "The resource requires authentication, which was not supplied with the request"
INVALID = "The supplied authentication is invalid"
UNFOUND = "The requested resource could not be found."
REALM = 'Basic realm="OpenWhisk secure realm"'


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("GET", A, id="a list"),
        pytest.param("PUT", f"{A}/x", id="a put"),
        pytest.param("POST", f"{A}/x", id="an invocation"),
        pytest.param("GET", "/api/v1/nonsense", id="an unmatched path"),
        pytest.param("PATCH", f"{A}/x", id="a method that is not there"),
        pytest.param("GET", "/runtime/api/v1/namespaces/guest/actions", id="the deploying mount"),
        pytest.param("GET", "/runtime/api/v1/nonsense", id="an unmatched path of the deploying mount"),
        pytest.param("GET", "/runtime/namespaces/guest/logForwarding", id="log forwarding"),
    ],
)
async def test_without_credentials_is_401(anonymous: AsgiClient, method: str, target: str) -> None:
    answer = await anonymous.request(method, target)
    assert (answer.status, answer.json()["error"]) == (401, MISSING)
    assert answer.headers["www-authenticate"] == REALM


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Basic !!!", id="no base64"),
        pytest.param("Basic bm9jb2xvbg==", id="no colon"),
        pytest.param("Basic MTox", id="unknown uuid"),
        pytest.param("Basic MTExMTExMTEtMTExMS0xMTExLTExMTEtMTExMTExMTExMTExOndyb25n", id="wrong key"),
        pytest.param("Bearer guests-token", id="bearer where basic is due"),
        pytest.param("Digest x", id="another scheme"),
    ],
)
async def test_wrong_credentials_are_401(anonymous: AsgiClient, header: str) -> None:
    answer = await anonymous.request("GET", A, headers={"Authorization": header})
    assert (answer.status, answer.json()["error"]) == (401, INVALID)
    assert answer.headers["www-authenticate"] == REALM


@pytest.mark.parametrize(
    ("method", "target", "status", "text"),
    [
        pytest.param("GET", "/api/v1/nonsense", 404, UNFOUND, id="unmatched path"),
        pytest.param("GET", "/api/v1/namespaces/_", 404, UNFOUND, id="a namespace itself"),
        pytest.param("GET", "/api/v1/namespaces/_/rules/x/bar", 404, UNFOUND, id="too many segments"),
        pytest.param("GET", f"{A}/p/a/more", 404, UNFOUND, id="too many segments of an action"),
        pytest.param("GET", f"/api/v1/namespaces/_/activations/{'0' * 32}/other", 404, UNFOUND, id="other part of an activation"),
        pytest.param("DELETE", f"{A}/pkg/", 404, UNFOUND, id="deleting a package as a list of actions"),
        pytest.param("POST", A, 405, "HTTP method not allowed, supported methods: GET", id="POST of a list"),
        pytest.param("DELETE", f"{A}/", 405, "HTTP method not allowed, supported methods: GET", id="DELETE of a list"),
        pytest.param(
            "PATCH", f"{A}/x", 405, "HTTP method not allowed, supported methods: DELETE, GET, POST, PUT", id="PATCH of an action"
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/_/packages/p",
            405,
            "HTTP method not allowed, supported methods: DELETE, GET, PUT",
            id="POST of a package",
        ),
        pytest.param("PUT", "/api/v1/namespaces", 405, "HTTP method not allowed, supported methods: GET", id="PUT of namespaces"),
        pytest.param(
            "DELETE",
            f"/api/v1/namespaces/_/activations/{'0' * 32}",
            405,
            "HTTP method not allowed, supported methods: GET",
            id="DELETE of an activation",
        ),
        pytest.param("GET", f"{A}/a!b", 400, "The name of the entity contains illegal characters.", id="illegal name"),
        pytest.param("GET", f"{A}/%20a", 400, "The name of the entity contains illegal characters.", id="leading blank"),
        pytest.param("GET", f"{A}/p!/a", 400, "The name of the entity contains illegal characters.", id="illegal package"),
        pytest.param("GET", f"{A}/{'a' * 257}", 400, "Name segement longer than allowed: 257 > 256.", id="long name"),
        pytest.param(
            "GET", "/api/v1/namespaces/a!/actions", 400, "The namespace contains illegal characters.", id="illegal namespace"
        ),
        pytest.param(
            "GET",
            f"/api/v1/namespaces/{'n' * 257}/actions/x",
            400,
            "Namespace longer than allowed: 257 > 256.",
            id="long namespace",
        ),
        pytest.param(
            "GET",
            "/api/v1/namespaces/_%2Fp/actions/q/x",
            400,
            "The name of the entity must be 'name' or 'package/name'.",
            id="two packages",
        ),
        pytest.param("GET", f"{A}/%ff", 400, "The path is not valid UTF-8.", id="path that is not UTF-8"),
        pytest.param("GET", f"{A}/a%00", 400, "The path has a NUL character.", id="path with a NUL"),
        pytest.param("GET", f"{A}/missing", 404, "The requested resource does not exist.", id="no such action"),
        pytest.param("GET", f"{A}/missing/x", 404, "The requested resource does not exist.", id="no such package"),
    ],
)
async def test_refusals(client: AsgiClient, method: str, target: str, status: int, text: str) -> None:
    answer = await client.request(method, target)
    assert (answer.status, answer.json()) == (status, {"error": text, "code": answer.headers["x-request-id"]})


@pytest.mark.parametrize(
    ("method", "target", "resource"),
    [
        pytest.param("GET", "actions", "guest", id="list actions"),
        pytest.param("GET", "actions?limit=x", "guest", id="entitlement goes before paging"),
        pytest.param("GET", "triggers", "guest", id="list triggers"),
        pytest.param("GET", "rules", "guest", id="list rules"),
        pytest.param("GET", "activations", "guest", id="list activations"),
        pytest.param("GET", "limits", "guest", id="limits"),
        pytest.param("GET", f"activations/{'0' * 32}", f"guest/{'0' * 32}", id="an activation"),
        pytest.param("GET", "actions/missing", "guest/missing", id="an action that does not exist"),
        pytest.param("POST", "actions/missing", "guest/missing", id="invoking what does not exist"),
        pytest.param("POST", "actions/p/missing", "guest/p/missing", id="invoking in a package that does not exist"),
        pytest.param("GET", "actions/p/", "guest/p", id="actions of a package that does not exist"),
        pytest.param("GET", "packages/missing", "guest/missing", id="a package that does not exist"),
        pytest.param("DELETE", "packages/missing", "guest/missing", id="deleting a package"),
        pytest.param("DELETE", "actions/missing", "guest/missing", id="deleting an action"),
        pytest.param("PUT", "actions/a", "guest/a", id="putting an action goes before reading its body"),
        pytest.param("PUT", "packages/p", "guest/p", id="putting a package goes before reading its body"),
    ],
)
async def test_another_namespace_is_403_and_does_not_tell_what_exists(
    stranger: AsgiClient, method: str, target: str, resource: str
) -> None:
    answer = await stranger.request(method, f"/api/v1/namespaces/guest/{target}")
    expected = f"The supplied authentication is not authorized to access '{resource}'."
    assert (answer.status, answer.json()["error"]) == (403, expected)


async def test_cors_headers_are_on_every_answer(client: AsgiClient) -> None:
    for target in (A, f"{A}/missing", "/api/v1/nonsense"):
        headers = (await client.request("GET", target)).headers
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-methods"] == "GET, DELETE, POST, PUT, HEAD"
        allowed = "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"
        assert headers["access-control-allow-headers"] == allowed


@pytest.mark.parametrize("target", [A, f"{A}/x", "/api/v1", "/api/v1/nonsense", "/runtime/api/v1/namespaces/guest/actions/x"])
async def test_options_needs_no_credentials(anonymous: AsgiClient, target: str) -> None:
    answer = await anonymous.request("OPTIONS", target)
    assert (answer.status, answer.body, answer.headers["access-control-allow-origin"]) == (200, b"", "*")


async def test_a_transaction_id_comes_back(client: AsgiClient) -> None:
    answer = await client.request("GET", f"{A}/missing", headers={"X-Request-ID": "my-id"})
    assert (answer.headers["x-request-id"], answer.json()["code"]) == ("my-id", "my-id")


@pytest.mark.parametrize("sent", ["sid_mine", "with blank", "", "x" * 129])
async def test_a_reserved_or_odd_transaction_id_is_replaced(client: AsgiClient, sent: str) -> None:
    answer = await client.request("GET", A, headers={"X-Request-ID": sent})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize("target", [f"{A}?", "//api/v1/namespaces/_/actions", "///api/v1/namespaces/guest/actions/"])
async def test_paths_as_clients_write_them(client: AsgiClient, target: str) -> None:
    answer = await client.request("GET", target)
    assert (answer.status, answer.json()) == (200, [])
