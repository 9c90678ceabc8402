"""What Adobe adds: its cases, the check by token and organization, hosts of namespaces, and headers of the gateway."""

import base64
from typing import Any

import pytest

from ioruntime.faces.web.hosts import Hosts
from ioruntime.model.activation import Status

pytestmark = pytest.mark.anyio

INVALID = "Response is not valid 'message/http'."
FAILED = "request is invalid, reason: failed authorization. Please verify your token and organization id."
CRASH = {"error": "An error has occurred: Error: no"}
ORG = {"x-gw-ims-org-id": "org@AdobeOrg"}
BODY = b"--x\r\n\r\nv\r\n--x--"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(
    ("content_type", "body", "parsed", "unparsed"),
    [
        pytest.param("multipart/form-data; boundary=x", BODY, None, base64.b64encode(BODY).decode(), id="multipart"),
        pytest.param(FORM, b"a=1", {"a": "1"}, "a=1", id="form"),
        pytest.param("application/json", b'{"a":"1"}', {"a": "1"}, base64.b64encode(b'{"a":"1"}').decode(), id="JSON"),
        pytest.param("text/plain", b"text", None, "text", id="text"),
        pytest.param("text/plain", b"", None, "", id="empty text"),
    ],
)
async def test_bodies(platform: Any, raw: bool, content_type: str, body: bytes, parsed: Any, unparsed: str) -> None:
    await platform.action(raw_http=raw)
    got = await platform.arguments("POST", headers={"content-type": content_type}, body=body)
    if raw or parsed is None:
        assert got["__ow_body"] == unparsed
    else:
        assert "__ow_body" not in got
        assert got | parsed == got


@pytest.mark.parametrize(
    ("result", "status", "expected"),
    [
        pytest.param(CRASH, Status.DEVELOPER_ERROR, (400, {"error": INVALID}), id="throws"),
        pytest.param({"error": "no main"}, Status.DEVELOPER_ERROR, (400, {"error": INVALID}), id="no main, syntax error"),
        pytest.param({"error": "x"}, Status.APPLICATION_ERROR, (400, {"error": INVALID}), id="error is a text"),
        pytest.param({}, Status.SUCCESS, (204, None), id="no result"),
        pytest.param(
            {"error": {"statusCode": 403, "body": {"a": 1}}}, Status.APPLICATION_ERROR, (403, {"a": 1}), id="error is unwrapped"
        ),
    ],
)
@pytest.mark.parametrize("in_sequence", [False, True])
async def test_outcomes(platform: Any, result: Any, status: Status, expected: tuple[int, Any], in_sequence: bool) -> None:
    platform.client = platform.client_for(adobe=True)
    await platform.action("guest/p/one", result, status=status, web_export=True)
    await platform.sequence("guest/p/s", "/guest/p/one")
    answer = await platform.ask("GET", "/guest/p/s" if in_sequence else "/guest/p/one")
    assert answer.status == expected[0]
    content: Any = answer.json() if answer.body else {}
    content.pop("code", None)
    assert content == (expected[1] or {})
    assert answer.headers["x-openwhisk-activation-id"]


async def test_upstream_has_another_text_for_what_fails(platform: Any) -> None:
    await platform.action(result=CRASH, status=Status.DEVELOPER_ERROR)
    answer = await platform.ask("GET")
    assert (answer.status, answer.json()["error"]) == (400, "There was an error processing your request.")


@pytest.mark.parametrize("target", ["/guest/p/none", "/guest/p/private", "/guest/p/sequence"])
async def test_what_is_no_web_action_does_not_exist(platform: Any, target: str) -> None:
    platform.client = platform.client_for(adobe=True)
    await platform.action("guest/p/private", web_export=False)
    await platform.sequence("guest/p/sequence", "/guest/p/private", web_export=False)
    answer = await platform.ask("GET", target)
    assert (answer.status, answer.json()["error"]) == (404, "The requested resource does not exist.")


async def test_the_gateways_headers(platform: Any) -> None:
    platform.client = platform.client_for(adobe=True)
    await platform.action(result={"headers": {"X-Frame-Options": "sameorigin"}, "body": "x"})
    headers = (await platform.ask("GET")).headers
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "sameorigin")
    assert (headers["x-xss-protection"], len(headers["x-request-id"])) == ("1; mode=block", 32)


REFUSALS = [
    pytest.param({}, 401, "cannot authorize request, reason: missing authorization header", id="no token"),
    pytest.param({"bearer": "valid-token"}, 401, "cannot authorize request, reason: missing x-gw-ims-org-id header", id="no org"),
    pytest.param({"bearer": "other", "headers": ORG}, 403, FAILED, id="wrong token"),
    pytest.param({"bearer": "valid-token", "headers": {"x-gw-ims-org-id": "*"}}, 403, FAILED, id="wrong organization"),
    pytest.param({"basic": "a:b", "headers": ORG}, 403, FAILED, id="no bearer"),
]


@pytest.mark.parametrize(("request_", "status", "text"), REFUSALS)
async def test_require_adobe_auth_refuses(platform: Any, request_: dict[str, Any], status: int, text: str) -> None:
    await platform.action(require_adobe_auth=True)
    answer = await platform.ask("GET", **request_)
    assert (answer.status, answer.json(), platform.runs) == (status, {"error": text}, 0)


@pytest.mark.parametrize("validator", ["headless-v2", "app-registry"])
@pytest.mark.parametrize(("request_", "status", "text"), REFUSALS)
async def test_validators_refuse(platform: Any, validator: str, request_: dict[str, Any], status: int, text: str) -> None:
    await platform.action("guest/p/__secured_x", web_export=False)
    await platform.sequence("guest/p/x", f"/adobeio/shared-validators-v1/{validator}", "/guest/p/__secured_x")
    answer = await platform.ask("GET", "/guest/p/x", **request_)
    assert (answer.status, answer.json(), platform.runs) == (status, {"error": text}, 0)


@pytest.mark.parametrize("secured", [False, True])
async def test_valid_tokens_pass_with_everything_they_bring(platform: Any, secured: bool) -> None:
    await platform.action("guest/p/x", require_adobe_auth=True)
    if secured:
        await platform.action("guest/p/__secured_x", web_export=False)
        await platform.sequence("guest/p/x", "/adobeio/shared-validators-v1/headless-v2", "/guest/p/__secured_x")
    got = await platform.arguments("POST", "/guest/p/x/y?a=1", bearer="valid-token", headers=ORG, json={"n": [1, {"é": None}]})
    assert (got["a"], got["n"], got["__ow_path"]) == ("1", [1, {"é": None}], "/y")
    assert got["__ow_headers"]["authorization"] == "Bearer valid-token"


HOSTS = Hosts("example.org:8443", redirect=True)


@pytest.mark.parametrize(
    ("host", "path", "status", "location"),
    [
        pytest.param("guest.example.org", "/p/a.http", 200, None, id="a namespace's own host"),
        pytest.param("GUEST.Example.org:99", "/p/a/rest", 200, None, id="in any case, at any port"),
        pytest.param("guest.example.org", "/guest/p/a", 404, None, id="its path has no namespace"),
        pytest.param("nobody.example.org", "/p/a", 404, None, id="nobody's host"),
        pytest.param(
            "example.org",
            "/guest/p/a.json/%20?q=%20",
            308,
            "https://guest.example.org:8443/api/v1/web/p/a.json/%20?q=%20",
            id="308",
        ),
        pytest.param("example.org", "/whisk.system/p/a", 404, None, id="no host for this name"),
        pytest.param("example.org.evil.test", "/guest/p/a", 200, None, id="another host that looks alike"),
        pytest.param("guest.evil.test", "/guest/p/a", 200, None, id="another host"),
        pytest.param("evilexample.org", "/guest/p/a", 200, None, id="not below it"),
        pytest.param("a.guest.example.org", "/guest/p/a", 200, None, id="further below"),
        pytest.param(".example.org", "/guest/p/a", 200, None, id="no name"),
        pytest.param("guest.example.org:8443:1", "/guest/p/a", 200, None, id="no port"),
        pytest.param("127.0.0.1", "/guest/p/a", 200, None, id="an address"),
    ],
)
async def test_hosts(platform: Any, host: str, path: str, status: int, location: str | None) -> None:
    platform.client = platform.client_for(hosts=HOSTS)
    await platform.action()
    answer = await _over_https(platform, host, path)
    assert (answer.status, answer.headers.get("location")) == (status, location)


async def test_two_hosts_are_none_and_forwarded_ones_do_not_count(platform: Any) -> None:
    await platform.action()
    namespace = HOSTS.namespace_of
    assert namespace([(b"host", b"guest.example.org")]) == "guest"
    assert namespace([(b"host", b"guest.example.org"), (b"host", b"other.example.org")]) is None
    assert namespace([(b"x-forwarded-host", b"guest.example.org")]) is None


async def test_no_redirection_unless_it_is_set(platform: Any) -> None:
    platform.client = platform.client_for(hosts=Hosts("example.org", redirect=False))
    await platform.action()
    assert (await platform.ask("GET", headers={"host": "example.org"})).status == 200


async def test_preflights_are_not_redirected(platform: Any) -> None:
    platform.client = platform.client_for(hosts=HOSTS)
    await platform.action()
    assert (await platform.ask("OPTIONS", headers={"host": "example.org"})).status == 200


async def _over_https(platform: Any, host: str, path: str) -> Any:
    inner = platform.client.application

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await inner(dict(scope) | {"scheme": "https"}, receive, send)

    client = type(platform.client)(application)
    return await client.request("GET", f"/api/v1/web{path}", headers={"host": host})
