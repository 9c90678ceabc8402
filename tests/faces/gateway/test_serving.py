"""Calling APIs: which path leads where, what the action gets, and who is let through."""

from typing import Any, TypeAlias

import pytest

from ioruntime.model.names import EntityPath
from ioruntime.testing.asgi import AsgiResponse

pytestmark = pytest.mark.anyio

Gateway: TypeAlias = Any
"""The fixture of this folder."""
GUEST_UUID = "11111111-1111-1111-1111-111111111111"
URL = "http://localhost:3233"


def swagger(**operation: Any) -> dict[str, Any]:
    """Build a document with one operation, `GET /doc/hello`."""
    whisk = {"namespace": "_", "action": "hello", "url": f"{URL}/api/v1/web/guest/default/hello.http"}
    item = {"get": {"x-openwhisk": whisk} | operation}
    return {"swagger": "2.0", "info": {"title": "Doc", "version": "1"}, "basePath": "/doc", "paths": {"/hello": item}}


async def call(gateway: Gateway, target: str, method: str = "GET", **request: Any) -> AsgiResponse:
    return await gateway.anonymous.request(method, target, **request)


async def test_a_call_runs_the_action_with_what_it_brings(gateway: Gateway) -> None:
    await gateway.create("/books/{isbn}", "post")
    answer = await call(gateway, "/apis/guest/base/books/1-23%2F4?lang=en&isbn=x", "POST", json={"a": 1})
    assert answer.status == 200
    arguments = answer.json()
    assert (arguments["isbn"], arguments["lang"], arguments["a"]) == ("1-23/4", "en", 1)
    assert (arguments["__ow_method"], arguments["__ow_path"]) == ("post", "/books/1-23/4")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-openwhisk-activation-id" in answer.headers


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/apis/guest/base/hello", id="by name"),
        pytest.param("/apis/guest/base/hello/", id="a slash at the end"),
        pytest.param("//apis/guest/base/hello", id="a doubled slash"),
        pytest.param("/api/guest/base/hello", id="the other mount"),
        pytest.param(f"/api/{GUEST_UUID}/base/hello", id="by the key's uuid"),
    ],
)
async def test_an_api_has_several_addresses(gateway: Gateway, target: str) -> None:
    await gateway.create()
    assert (await call(gateway, target)).status == 200


async def test_the_host_may_name_the_namespace(gateway: Gateway) -> None:
    await gateway.create()
    assert (await call(gateway, "/apis/base/hello", headers={"host": "guest.apis.test"})).status == 200
    assert (await call(gateway, "/apis/base/hello", headers={"host": "guest.elsewhere.test"})).status == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/base/a/literal", "/a/literal", id="literal wins over a parameter"),
        pytest.param("/base/a/1", "/a/{x}", id="parameter"),
        pytest.param("/base/a/1/b", "/a/{x}/b", id="in the middle"),
        pytest.param("/base", "/", id="the base path itself"),
    ],
)
async def test_the_closest_path_is_taken(gateway: Gateway, path: str, expected: str) -> None:
    for number, route in enumerate(("/a/{x}", "/a/literal", "/a/{x}/b", "/")):
        await gateway.action(f"guest/a{number}")
        await gateway.create(route, name=f"a{number}")
    answer = await call(gateway, f"/apis/guest{path}")
    assert answer.status == 200
    assert gateway.invoker.requests[-1].action.path.name == f"a{('/a/{x}', '/a/literal', '/a/{x}/b', '/').index(expected)}"


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        pytest.param("GET", "/apis/guest/base/none", 404, "404000", id="no such path"),
        pytest.param("GET", "/apis/guest/base/hello/more", 404, "404000", id="too long"),
        pytest.param("GET", "/apis/nobody/base/hello", 404, "404000", id="no such namespace"),
        pytest.param("GET", "/apis", 404, "404000", id="nothing"),
        pytest.param("GET", "/api/v2/x", 404, "404000", id="the other mount"),
        pytest.param("DELETE", "/apis/guest/base/hello", 405, "405000", id="no such method"),
        pytest.param("TRACE", "/apis/guest/base/hello", 405, "405000", id="no method of web actions"),
    ],
)
async def test_what_is_not_there_is_told_in_the_gateways_form(
    gateway: Gateway, method: str, target: str, status: int, code: str
) -> None:
    await gateway.create()
    answer = await call(gateway, target, method)
    assert (answer.status, answer.json()["error_code"]) == (status, code)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert ("allow" in answer.headers) is (status == 405)


async def test_a_changed_api_counts_at_once(gateway: Gateway) -> None:
    assert (await call(gateway, "/apis/guest/base/hello")).status == 404
    await gateway.create()
    assert (await call(gateway, "/apis/guest/base/hello")).status == 200
    await gateway.create("/world")
    assert (await call(gateway, "/apis/guest/base/world")).status == 200
    await gateway.apis.delete(await _guest(gateway), "/base")
    assert (await call(gateway, "/apis/guest/base/hello")).status == 404


async def test_routes_are_read_once_and_again_when_another_process_changes_them(gateway: Gateway) -> None:
    await gateway.create()
    routes = await gateway.apis.routes("guest")
    gateway.apis.forget("guest", "hello")
    assert await gateway.apis.routes("guest") is routes
    gateway.apis.forget("guest", ":api:/base")
    assert await gateway.apis.routes("guest") is not routes
    gateway.apis.forget("guest", None)


async def test_an_action_that_is_no_web_action_any_more_is_not_run(gateway: Gateway) -> None:
    await gateway.create()
    found = await gateway.stores.entities.read(EntityPath("guest", "hello"))
    assert found is not None
    await gateway.stores.entities.delete(found)
    await gateway.action(web_export=False)
    gateway.resolver.forget("guest", "hello")
    assert (await call(gateway, "/apis/guest/base/hello")).status == 404


async def test_pages_of_other_origins_may_call(gateway: Gateway) -> None:
    await gateway.create()
    answer = await call(gateway, "/apis/guest/base/hello", "OPTIONS", headers={"access-control-request-headers": "x-mine"})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, GET"
    assert answer.headers["access-control-allow-headers"] == "x-mine"
    assert gateway.invoker.requests == []


async def test_options_are_answered_as_the_document_says(gateway: Gateway) -> None:
    document = swagger()
    headers = {
        "Access-Control-Allow-Origin": {"type": "string", "default": "https://mine.example.org"},
        "Access-Control-Max-Age": {"default": 60},
        "X-None": {"type": "string"},
    }
    document["paths"]["/hello"]["options"] = {"responses": {"204": {"headers": headers}}}
    assert (await gateway.put(document)).status == 200
    answer = await call(gateway, "/apis/guest/doc/hello", "OPTIONS")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://mine.example.org"
    assert answer.headers["access-control-max-age"] == "60"
    assert "x-none" not in answer.headers


@pytest.mark.parametrize("header", ["Content-Length", "Transfer-Encoding", "a b", "x\r\ny"])
async def test_a_document_cannot_disturb_the_connection(gateway: Gateway, header: str) -> None:
    document = swagger()
    document["paths"]["/hello"]["options"] = {"responses": {"200": {"headers": {header: {"default": "7"}}}}}
    await gateway.put(document)
    answer = await call(gateway, "/apis/guest/doc/hello", "OPTIONS")
    assert answer.headers["content-length"] == "0"
    assert header.lower() not in set(answer.headers) - {"content-length"}


async def test_cors_can_be_switched_off(gateway: Gateway) -> None:
    await gateway.put(swagger() | {"x-ibm-configuration": {"cors": {"enabled": False}}})
    assert (await call(gateway, "/apis/guest/doc/hello", "OPTIONS")).status == 405


async def test_the_gateway_knows_the_secret_of_the_action(gateway: Gateway) -> None:
    await gateway.action("guest/locked", require_whisk_auth="s3cret")
    await gateway.create(name="locked", secureKey="s3cret")
    answer = await call(gateway, "/apis/guest/base/hello", headers={"x-require-whisk-auth": "guess"})
    assert answer.status == 200
    await gateway.create("/open", name="locked")
    answer = await call(gateway, "/apis/guest/base/open")
    assert (answer.status, answer.json()["error_code"]) == (401, "401000")


async def test_who_calls_is_told_to_the_action(gateway: Gateway) -> None:
    await gateway.create()
    answer = await gateway.other.request("GET", "/apis/guest/base/hello")
    assert answer.json()["__ow_user"] == "other"
    assert "__ow_user" not in (await call(gateway, "/apis/guest/base/hello", basic="a:b")).json()


@pytest.mark.parametrize(
    ("guard", "token", "code"),
    [
        pytest.param({"x-client-ids": ["key"]}, "guests-token", None, id="a client that is named"),
        pytest.param({"x-client-ids": ["another"]}, "guests-token", "403201", id="another client"),
        pytest.param({"x-client-ids": ["key"]}, "worthless", "401013", id="a token that is worth nothing"),
        pytest.param({"x-client-ids": ["key"]}, None, "403010", id="no token"),
        pytest.param({"x-ip-allowlist": ["127.0.0.0/8"]}, None, None, id="an address that is named"),
        pytest.param({"x-ip-allowlist": ["10.0.0.1"]}, None, "403013", id="another address"),
        pytest.param({"x-ip-allowlist": ["nonsense"]}, None, "403013", id="no address"),
        pytest.param({"x-ip-disallowlist": ["127.0.0.1"]}, None, "403012", id="an address that is refused"),
        pytest.param({"x-ip-disallowlist": ["10.0.0.1"]}, None, None, id="another is refused"),
    ],
)
async def test_guards_let_through_whom_they_name(
    gateway: Gateway, guard: dict[str, Any], token: str | None, code: str | None
) -> None:
    await gateway.put(swagger(**guard))
    answer = await call(gateway, "/apis/guest/doc/hello", bearer=token)
    assert (answer.status if code is None else answer.json()["error_code"]) == (code or 200)
    assert len(gateway.invoker.requests) == (code is None)


async def test_response_types_are_extensions(gateway: Gateway) -> None:
    await gateway.create("/j", responsetype="json")
    assert "body" in (await call(gateway, "/apis/guest/base/j")).json()


async def _guest(gateway: Gateway) -> Any:
    from ioruntime.core.authenticate import identify

    found = await gateway.stores.namespaces.by_name("guest")
    assert found is not None
    return identify(found)
