"""Who may call an API by token, scope and key, how often, and what the gateway does for actions that stand behind it."""

from typing import Any, TypeAlias

import msgspec
import pytest

from ioruntime.testing.asgi import AsgiResponse

pytestmark = pytest.mark.anyio

Gateway: TypeAlias = Any
"""The fixture of this folder."""
TOKEN = "guests-token"
"""Of the client `key`, with the scope `read:pets`."""
OAUTH = {"type": "oauth2", "authorizationUrl": "", "flow": "implicit", "scopes": {"read:pets": "", "write:pets": ""}}
KEY = {"type": "apiKey", "in": "header", "name": "X-Api-Key", "x-client-ids": ["ours", "theirs"]}
SECRET = {"type": "apiKey", "in": "header", "name": "X-Api-Secret", "x-client-ids": ["s3cret"]}
DEFINITIONS = {
    "scopes": OAUTH,
    "clients": OAUTH | {"x-client-ids": ["key"]},
    "others": OAUTH | {"x-client-ids": ["another"]},
    "api_key": KEY,
    "secret": SECRET,
}
TARGET = "/apis/guest/doc/hello"
NONE: list[str] = []


def document(*, security: Any = None, whole: Any = None, **fields: Any) -> dict[str, Any]:
    """Build a document with one operation, `GET /doc/hello`.

    Args:
        security: of the operation; None leaves it to the document.
        whole: the document's own.
    """
    operation: dict[str, Any] = {"x-openwhisk": {"namespace": "_", "action": "hello", "url": "hello.http"}}
    operation |= {} if security is None else {"security": security}
    shared = {} if whole is None else {"security": whole}
    paths = {"/hello": {"get": operation}}
    return {"swagger": "2.0", "basePath": "/doc", "paths": paths, "securityDefinitions": DEFINITIONS} | shared | fields


async def put(gateway: Gateway, given: dict[str, Any]) -> None:
    answer = await gateway.put(given)
    assert answer.status == 200, answer.body


async def call(gateway: Gateway, token: str | None = None, **headers: str) -> AsgiResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.anonymous.request("GET", TARGET, bearer=token, headers=sent)


def told(answer: AsgiResponse) -> tuple[str, str]:
    refused = answer.json()
    assert str(answer.status) == refused["error_code"][:3]
    return refused["error_code"], refused["message"]


@pytest.mark.parametrize(
    "security",
    [
        pytest.param([{"scopes": ["write:pets", "read:pets"]}], id="one of the scopes is enough"),
        pytest.param([{"scopes": NONE}], id="any token"),
        pytest.param([{"clients": NONE}], id="a token of a client that is named"),
        pytest.param([{"clients": ["read:pets"]}], id="client and scope"),
        pytest.param([{"scopes": ["read:pets"], "clients": NONE}], id="both of two"),
        pytest.param([{"others": NONE}, {"clients": NONE}], id="the second of two alternatives"),
        pytest.param([{"others": NONE}, dict[str, Any]()], id="an empty alternative"),
        pytest.param(NONE, id="none"),
    ],
)
async def test_who_meets_an_alternative_is_let_through(gateway: Gateway, security: Any) -> None:
    await put(gateway, document(security=security))
    assert (await call(gateway, TOKEN)).status == 200


@pytest.mark.parametrize(
    ("security", "token", "code", "message"),
    [
        pytest.param([{"scopes": ["write:pets"]}], TOKEN, "401015", "Scope mismatch", id="another scope"),
        pytest.param([{"others": NONE}], TOKEN, "403201", "Client ID not allowed to call this service", id="another client"),
        pytest.param(
            [{"clients": ["read:pets"], "others": NONE}],
            TOKEN,
            "403201",
            "Client ID not allowed to call this service",
            id="one of two",
        ),
        pytest.param([{"scopes": NONE}], None, "403010", "Oauth token is missing.", id="no token"),
        pytest.param([{"scopes": NONE}], "worthless", "401013", "Oauth token is not valid", id="a worthless token"),
        pytest.param(
            [{"scopes": ["x"]}, {"others": NONE}], TOKEN, "401015", "Scope mismatch", id="what the first one lacks is told"
        ),
    ],
)
async def test_who_meets_none_is_refused(gateway: Gateway, security: Any, token: str | None, code: str, message: str) -> None:
    await put(gateway, document(security=security))
    assert told(await call(gateway, token)) == (code, message)
    assert gateway.invoker.requests == []


async def test_an_operation_without_security_has_the_documents(gateway: Gateway) -> None:
    await put(gateway, document(whole=[{"scopes": ["write:pets"]}]))
    assert told(await call(gateway, TOKEN))[0] == "401015"
    await put(gateway, document(whole=[{"scopes": ["write:pets"]}], security=[]))
    assert (await call(gateway)).status == 200


async def test_keys_come_in_the_header_that_the_document_names(gateway: Gateway) -> None:
    await put(gateway, document(security=[{"api_key": NONE}]))
    assert told(await call(gateway)) == ("403000", "Api Key is required")
    assert told(await call(gateway, x_api_key="guess")) == ("403003", "Api Key is invalid")
    assert (await call(gateway, x_api_key="theirs")).status == 200


async def test_a_key_may_need_its_secret(gateway: Gateway) -> None:
    await put(gateway, document(security=[{"api_key": NONE, "secret": NONE}]))
    assert told(await call(gateway, x_api_key="ours"))[0] == "403000"
    assert told(await call(gateway, x_api_key="ours", x_api_secret="guess"))[0] == "403003"
    assert (await call(gateway, x_api_key="ours", x_api_secret="s3cret")).status == 200


async def test_each_key_has_a_rate_of_its_own(gateway: Gateway) -> None:
    limit = [{"unit": "minute", "units": 1, "rate": 2}]
    await put(gateway, document(security=[{"api_key": NONE}], **{"x-gateway-rate-limit": limit}))
    statuses = [(await call(gateway, x_api_key="ours")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = await call(gateway, x_api_key="ours")
    assert told(refused) == ("429050", "Too many requests")
    assert refused.headers["retry-after"] == "30"
    assert (await call(gateway, x_api_key="theirs")).status == 200


async def test_a_rate_without_keys_is_for_all_together(gateway: Gateway) -> None:
    await put(gateway, document(**{"x-gateway-rate-limit": [{"unit": "hour", "units": 2, "rate": 1}]}))
    assert [(await call(gateway)).status for _ in range(2)] == [200, 429]


async def test_an_action_may_be_there_for_the_gateway_alone(gateway: Gateway) -> None:
    await gateway.action("guest/behind", require_gw_validation=True)
    given = document(security=[{"scopes": ["read:pets"]}])
    given["paths"]["/hello"]["get"]["x-openwhisk"]["action"] = "behind"
    await put(gateway, given)
    assert (await call(gateway, TOKEN)).status == 200
    assert told(await call(gateway))[0] == "403010"


async def test_operation_ids_may_name_the_action(gateway: Gateway) -> None:
    given = document()
    given["paths"]["/hello"]["get"] = {"operationId": "guest/default/hello.json"}
    await put(gateway, given)
    assert "body" in (await call(gateway)).json()


@pytest.mark.parametrize("field", ["x-gateway-configuration", "x-ibm-configuration"])
async def test_other_origins_can_be_shut_out(gateway: Gateway, field: str) -> None:
    await put(gateway, document(**{field: {"cors": {"enabled": False}}}))
    assert (await gateway.anonymous.request("OPTIONS", TARGET)).status == 405


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"security": [{"none": NONE}]}, "names 'none', which is not among its securityDefinitions", id="no definition"
        ),
        pytest.param({"security": {"scopes": NONE}}, "must be a list", id="no list"),
        pytest.param({"security": [{"scopes": "read:pets"}]}, "must be a list", id="no list of scopes"),
        pytest.param({"securityDefinitions": {"a": {"type": "basic"}}, "security": [{"a": NONE}]}, "'a'", id="another type"),
        pytest.param(
            {"securityDefinitions": {"a": KEY | {"in": "query"}}, "security": [{"a": NONE}]},
            "must name a header",
            id="key in the query",
        ),
        pytest.param(
            {"securityDefinitions": {"a": KEY | {"x-client-ids": NONE}}, "security": [{"a": NONE}]},
            "must list its keys",
            id="no keys",
        ),
        pytest.param({"securityDefinitions": 7}, "security of the swagger document", id="definitions that are none"),
        pytest.param({"x-gateway-rate-limit": [{"unit": "week", "units": 1, "rate": 1}]}, "unit, units and rate", id="a week"),
        pytest.param({"x-gateway-rate-limit": [{"unit": "day", "units": 1, "rate": 0}]}, "above 0", id="a rate of 0"),
        pytest.param({"x-gateway-rate-limit": {"unit": "day"}}, "unit, units and rate", id="a rate that is no list"),
    ],
)
async def test_a_document_that_guards_nothing_is_refused(gateway: Gateway, given: dict[str, Any], said: str) -> None:
    answer = await gateway.put(document() | given)
    assert answer.status == 400
    assert said in msgspec.json.decode(answer.body)["error"]
