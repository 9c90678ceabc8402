"""Creating, showing and deleting APIs, with the requests that `aio rt api` and `wsk api` send."""

from typing import Any, TypeAlias

import msgspec
import pytest

pytestmark = pytest.mark.anyio

Gateway: TypeAlias = Any
"""The fixture of this folder."""
NOTHING: dict[str, Any] = {}
MANAGE = "/api/v1/web/whisk.system/apimgmt"
URL = "http://localhost:3233"


def swagger(**operation: Any) -> dict[str, Any]:
    """Build a document with one operation, `GET /doc/hello`."""
    whisk = {"namespace": "_", "action": "hello", "url": f"{URL}/api/v1/web/guest/default/hello.http"}
    item = {"get": {"x-openwhisk": whisk} | operation}
    return {"swagger": "2.0", "info": {"title": "Doc", "version": "1"}, "basePath": "/doc", "paths": {"/hello": item}}


async def test_an_operation_is_created_and_the_answer_tells_where(gateway: Gateway) -> None:
    answer = await gateway.create()
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    api = answer.json()
    assert (api["gwApiUrl"], api["gwApiActivated"], api["namespace"]) == (f"{URL}/apis/guest/base", True, "guest")
    doc = api["apidoc"]
    assert (doc["swagger"], doc["basePath"], doc["info"]["title"]) == ("2.0", "/base", "/base")
    operation = doc["paths"]["/hello"]["get"]
    assert operation["operationId"] == "getHello"
    assert operation["x-openwhisk"] == {
        "action": "hello",
        "namespace": "guest",
        "package": "default",
        "url": f"{URL}/api/v1/web/guest/default/hello.http",
    }


async def test_operations_gather_in_the_api_of_their_base_path(gateway: Gateway) -> None:
    for path, verb in (("/hello", "get"), ("/hello", "POST"), ("/world", "put"), ("/hello", "get")):
        assert (await gateway.create(path, verb)).status == 200
    await gateway.create(base="/more")
    assert await gateway.paths() == {"/base": {"/hello": ["get", "post"], "/world": ["put"]}, "/more": {"/hello": ["get"]}}


async def test_the_list_has_what_clients_dereference(gateway: Gateway) -> None:
    await gateway.create()
    (row,) = (await gateway.guest.request("GET", f"{MANAGE}/getApi?basepath=/base")).json()["apis"]
    assert (row["id"], row["value"]["gwApiUrl"]) == ("API:guest:/base", f"{URL}/apis/guest/base")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("?basepath=/base", {"/base": {"/a": ["get"], "/b": ["get", "post"]}}, id="base path"),
        pytest.param("?basepath=base", {"/base": {"/a": ["get"], "/b": ["get", "post"]}}, id="base path without slash"),
        pytest.param("?name=My+API", {"/named": {"/a": ["get"]}}, id="name"),
        pytest.param("?basepath=/base&relpath=/b", {"/base": {"/b": ["get", "post"]}}, id="path"),
        pytest.param("?operation=POST", {"/base": {"/b": ["post"]}}, id="method"),
        pytest.param(
            "?basepath=/base&relpath=undefined&operation=undefined&limit=undefined&skip=undefined",
            {"/base": {"/a": ["get"], "/b": ["get", "post"]}},
            id="the text undefined",
        ),
        pytest.param("?basepath=/none", {}, id="nothing"),
        pytest.param("?limit=1", {"/base": {"/a": ["get"], "/b": ["get", "post"]}}, id="limit"),
        pytest.param("?limit=1&skip=1", {"/named": {"/a": ["get"]}}, id="skip"),
    ],
)
async def test_the_list_is_filtered(gateway: Gateway, query: str, expected: Any) -> None:
    for path, verb in (("/a", "get"), ("/b", "get"), ("/b", "post")):
        await gateway.create(path, verb)
    named = swagger()
    await gateway.put(named | {"basePath": "/named", "info": {"title": "My API"}, "paths": {"/a": named["paths"]["/hello"]}})
    assert await gateway.paths(query) == expected


@pytest.mark.parametrize(
    ("query", "left"),
    [
        pytest.param("basepath=/base", {}, id="all"),
        pytest.param("basepath=base&relpath=undefined&operation=undefined&force=true", {}, id="as aio asks"),
        pytest.param("basepath=/base&relpath=/b", {"/base": {"/a": ["get"]}}, id="a path"),
        pytest.param("basepath=/base&relpath=/b&operation=POST", {"/base": {"/a": ["get"], "/b": ["get"]}}, id="an operation"),
    ],
)
async def test_what_is_named_is_deleted(gateway: Gateway, query: str, left: Any) -> None:
    for path, verb in (("/a", "get"), ("/b", "get"), ("/b", "post")):
        await gateway.create(path, verb)
    answer = await gateway.guest.request("DELETE", f"{MANAGE}/deleteApi?{query}")
    assert (answer.status, answer.body) == (204, b"")
    assert await gateway.paths() == left


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("", 400, id="no base path"),
        pytest.param("?basepath=undefined", 400, id="base path undefined"),
        pytest.param("?basepath=/none", 404, id="no such API"),
        pytest.param("?basepath=/base&relpath=/none", 404, id="no such path"),
        pytest.param("?basepath=/base&relpath=/hello&operation=put", 404, id="no such operation"),
    ],
)
async def test_what_is_not_there_cannot_be_deleted(gateway: Gateway, query: str, status: int) -> None:
    await gateway.create()
    assert (await gateway.guest.request("DELETE", f"{MANAGE}/deleteApi{query}")).status == status


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"swagger": msgspec.json.encode(swagger()).decode()}, id="text in swagger"),
        pytest.param({"swagger": swagger()}, id="object in swagger"),
        pytest.param(swagger(), id="the document itself"),
        pytest.param(msgspec.json.encode({"swagger": swagger()}).decode(), id="all as text"),
    ],
)
async def test_a_document_is_taken_whole(gateway: Gateway, document: Any) -> None:
    answer = await gateway.guest.request("POST", f"{MANAGE}/createApi", json={"apidoc": document})
    assert (answer.status, answer.json()["gwApiUrl"]) == (200, f"{URL}/apis/guest/doc")
    assert answer.json()["apidoc"]["paths"]["/hello"]["get"]["x-openwhisk"]["namespace"] == "guest"


async def test_a_document_replaces_what_was_there(gateway: Gateway) -> None:
    await gateway.create("/old", base="/doc")
    await gateway.put(swagger())
    assert await gateway.paths() == {"/doc": {"/hello": ["get"]}}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        pytest.param("swagger: '2.0'", "not JSON", id="YAML"),
        pytest.param([], "must be an object", id="a list"),
        pytest.param({"openapi": "3.0.0"}, '"swagger": "2.0"', id="OpenAPI 3"),
        pytest.param(swagger() | {"swagger": 2.0}, '"swagger": "2.0"', id="a number for the version"),
        pytest.param({k: v for k, v in swagger().items() if k != "basePath"}, "basePath", id="no base path"),
        pytest.param(swagger() | {"paths": NOTHING}, "paths", id="no paths"),
        pytest.param(swagger() | {"paths": {"/a": 1}}, "'/a' must be an object", id="a path that is none"),
        pytest.param(swagger() | {"paths": {"/a": {"get": 1}}}, "get /a", id="an operation that is none"),
        pytest.param(swagger() | {"paths": {"/a": {"get": NOTHING}}}, "get /a", id="no action"),
        pytest.param(swagger() | {"paths": {"/a": {"get": {"x-openwhisk": {"action": 1}}}}}, "get /a", id="no name"),
        pytest.param(swagger() | {"paths": {"/a": {"get": {"x-openwhisk": {"action": "a/b"}}}}}, "get /a", id="no legal name"),
    ],
)
async def test_what_is_no_swagger_is_refused_with_a_sentence(gateway: Gateway, document: Any, text: str) -> None:
    answer = await gateway.put(document)
    assert answer.status == 400
    assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param({}, "apidoc", id="no apidoc"),
        pytest.param({"apidoc": "no json"}, "apidoc", id="no JSON"),
        pytest.param({"apidoc": {}}, "gatewayBasePath", id="no base path"),
        pytest.param(
            {"apidoc": {"gatewayBasePath": "/a", "gatewayPath": "/b", "gatewayMethod": "get"}}, "action", id="no action"
        ),
    ],
)
async def test_what_is_no_route_is_refused_with_a_sentence(gateway: Gateway, body: Any, text: str) -> None:
    answer = await gateway.guest.request("POST", f"{MANAGE}/createApi", json=body)
    assert answer.status == 400
    assert text in answer.json()["error"]


async def test_only_web_actions_can_be_behind_an_api(gateway: Gateway) -> None:
    await gateway.action("guest/private", web_export=False)
    answer = await gateway.create(name="private")
    assert (answer.status, "is not a web action" in answer.json()["error"]) == (400, True)
    answer = await gateway.create(name="missing")
    assert (answer.status, "does not exist" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"verb": "FETCH"}, 400, id="no such method"),
        pytest.param({"path": "/x/{id}", "responsetype": "json"}, 400, id="path parameters need http"),
        pytest.param({"path": "/x/{id}"}, 200, id="path parameters with http"),
        pytest.param({"responsetype": "xml"}, 400, id="no such response type"),
        pytest.param({"name": "/other/hello"}, 403, id="another's action"),
        pytest.param({"path": "/a\n"}, 400, id="a control character"),
    ],
)
async def test_operations_are_checked(gateway: Gateway, fields: dict[str, Any], status: int) -> None:
    await gateway.action("other/hello")
    assert (await gateway.create(**fields)).status == status


@pytest.mark.parametrize("name", ["pkg/inside", "/_/pkg/inside", "/guest/pkg/inside"])
async def test_actions_in_packages_are_named_in_every_way(gateway: Gateway, name: str) -> None:
    await gateway.action("guest/pkg/inside")
    answer = await gateway.create(name=name)
    assert answer.json()["apidoc"]["paths"]["/hello"]["get"]["x-openwhisk"]["package"] == "pkg"


async def test_it_is_done_for_who_calls_and_nobody_else(gateway: Gateway) -> None:
    await gateway.create()
    assert (await gateway.other.request("GET", f"{MANAGE}/getApi")).json() == {"apis": []}
    assert (await gateway.other.request("DELETE", f"{MANAGE}/deleteApi?basepath=/base")).status == 404
    spoofed = {"apidoc": swagger() | {"namespace": "guest"}, "__ow_user": "guest"}
    assert (await gateway.other.request("POST", f"{MANAGE}/createApi?__ow_user=guest", json=spoofed)).status == 403


@pytest.mark.parametrize("method_path", ["POST /createApi", "GET /getApi", "DELETE /deleteApi?basepath=/base"])
async def test_without_a_key_nothing_is_done(gateway: Gateway, method_path: str) -> None:
    method, _, path = method_path.partition(" ")
    answer = await gateway.anonymous.request(method, f"{MANAGE}{path}", json={})
    assert answer.status == 401


async def test_clients_may_ask_with_an_extension_and_deploying_ones_with_a_token(gateway: Gateway) -> None:
    await gateway.create()
    target = f"{MANAGE}/getApi.http?accesstoken=DUMMY+TOKEN&spaceguid=11111111-1111-1111-1111-111111111111"
    assert len((await gateway.guest.request("GET", target)).json()["apis"]) == 1
    deploying = await gateway.anonymous.request(
        "GET", f"/runtime{MANAGE}/getApi", bearer="guests-token", headers={"x-namespace-id": "guest"}
    )
    assert len(deploying.json()["apis"]) == 1
