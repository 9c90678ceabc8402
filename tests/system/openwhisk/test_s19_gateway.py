"""Section 19: the API gateway."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import WEB, Api, refused

from ioruntime.testing.server import ServerClient

pytestmark = pytest.mark.timeout(60)
MANAGE = "/api/v1/web/whisk.system/apimgmt"
SHOW = "def main(args): return {'body': {'name': args.get('name'), 'method': args['__ow_method']}}"


def route(base: str, relative: str, verb: str = "get", **action: Any) -> dict[str, Any]:
    whisk = {"name": "hello", "namespace": "_", "backendMethod": "GET", "backendUrl": "x", "authkey": "a:b"} | action
    document = {"namespace": "_", "gatewayBasePath": base, "gatewayPath": relative, "gatewayMethod": verb, "id": f"API:_:{base}"}
    return {"apidoc": document | {"action": whisk}}


def create(api: Api, body: Any) -> Any:
    answer = api.ask("POST", f"{MANAGE}/createApi?responsetype=http", body)
    assert answer.status == 200, answer.body
    return answer.json()


@pytest.fixture
def ready(api: Api) -> Api:
    """A namespace with the web action `hello`."""
    api.action("hello", SHOW, annotations=[WEB])
    return api


def test_19_create_get_delete(ready: Api) -> None:
    created = create(ready, route("/club", "/people/{name}"))
    create(ready, route("/club", "/people", "post"))
    assert created["gwApiUrl"].endswith(f"/apis/{ready.namespace}/club")
    (row,) = ready.get(f"{MANAGE}/getApi?basepath=/club")["apis"]
    document = row["value"]["apidoc"]
    assert (document["basePath"], sorted(document["paths"])) == ("/club", ["/people", "/people/{name}"])
    operation = document["paths"]["/people"]["post"]
    assert operation["operationId"]
    assert operation["x-openwhisk"].keys() == {"namespace", "package", "action", "url"}
    assert ready.ask("DELETE", f"{MANAGE}/deleteApi?basepath=/club&relpath=/people&operation=post").status == 204
    assert ready.ask("DELETE", f"{MANAGE}/deleteApi?basepath=/club&force=true").status == 204
    assert ready.get(f"{MANAGE}/getApi")["apis"] == []


def test_19_filters_may_be_undefined(ready: Api) -> None:
    create(ready, route("/club", "/people"))
    query = "basepath=club&relpath=undefined&operation=undefined&limit=undefined&skip=undefined"
    assert len(ready.get(f"{MANAGE}/getApi?{query}")["apis"]) == 1


def test_19_swagger(ready: Api, anybody: ServerClient) -> None:
    whisk = {"namespace": "_", "package": "default", "action": "hello", "url": "hello.http"}
    swagger = {"swagger": "2.0", "info": {"title": "t"}, "basePath": "/s", "paths": {"/x": {"put": {"x-openwhisk": whisk}}}}
    create(ready, {"apidoc": {"namespace": "_", "swagger": swagger}})
    assert anybody.request("PUT", f"/apis/{ready.namespace}/s/x").json()["method"] == "put"


def test_19_calls(ready: Api, anybody: ServerClient) -> None:
    create(ready, route("/club", "/people/{name}"))
    at = f"/apis/{ready.namespace}/club/people/Ada"
    answer = anybody.request("GET", at)
    assert (answer.status, answer.json()) == (200, {"name": "Ada", "method": "get"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert anybody.request("OPTIONS", at).status == 200
    assert anybody.request("POST", at).status == 405
    assert anybody.request("GET", f"/apis/{ready.namespace}/club/nothing").json()["error_code"] == "404000"


def test_19_the_secret_of_the_action_is_the_gateways(ready: Api, anybody: ServerClient) -> None:
    ready.action("locked", SHOW, annotations=[WEB, {"key": "require-whisk-auth", "value": "s"}])
    create(ready, route("/club", "/locked", name="locked", secureKey="s"))
    assert anybody.request("GET", f"/apis/{ready.namespace}/club/locked").status == 200
    assert anybody.request("GET", f"/api/v1/web/{ready.namespace}/default/locked").status == 401


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="19 nothing"),
        pytest.param({"apidoc": "no JSON"}, id="19 no JSON"),
        pytest.param({"apidoc": {"swagger": "no swagger"}}, id="19 no swagger"),
        pytest.param(route("/club", "/x", name="none"), id="19 no such action"),
        pytest.param(route("/club", "/x", name="plain"), id="19 no web action"),
        pytest.param(route("/club", "/x", "fetch"), id="19 no method"),
    ],
)
def test_19_refusals(ready: Api, body: Any) -> None:
    ready.action("plain")
    assert refused(ready.ask("POST", f"{MANAGE}/createApi?responsetype=http", body))[0] == 400


def test_19_management_needs_a_key(ready: Api, anybody: ServerClient) -> None:
    assert anybody.request("GET", f"{MANAGE}/getApi").status == 401
    assert ready.ask("DELETE", f"{MANAGE}/deleteApi?basepath=/none").status == 404
