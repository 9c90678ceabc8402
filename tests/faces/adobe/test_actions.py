"""Actions: create, read, list, update, delete; documents that can be sent back."""

from typing import Any

import pytest

from ioruntime.core.authenticate import identify
from ioruntime.core.catalog import ActionPut, ExecPut
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Parameter

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("acme")]

ACTIONS = "/runtime/namespaces/acme/42/actions"
SOURCE = "function main(args) { return args }"
FORM: dict[str, Any] = {
    "name": "hello",
    "code": SOURCE,
    "namespace": "string",
    "version": "0.0.1",
    "params": [{"key": "greeting", "value": {"text": "hi"}}],
    "annotations": [{"key": "description", "value": "says hi"}],
    "limits": {"timeout": "30000", "memory": "512", "logs": "1"},
    "exec": {"kind": "nodejs:24", "binary": False, "components": []},
    "url": "string",
}
MINIMAL: dict[str, Any] = {"name": "hello", "code": SOURCE, "exec": {"kind": "nodejs:24"}}
DOCUMENT: dict[str, Any] = {
    "name": "hello",
    "code": SOURCE,
    "namespace": "acme_42",
    "version": "0.0.1",
    "params": [{"key": "greeting", "value": {"text": "hi"}}],
    "annotations": [
        {"key": "description", "value": "says hi"},
        {"key": "provide-api-key", "value": False},
        {"key": "exec", "value": "nodejs:24"},
    ],
    "limits": {"timeout": "30000", "memory": "512", "logs": "1"},
    "exec": {"kind": "nodejs:24", "binary": False, "components": []},
    "url": "http://test/api/v1/namespaces/acme_42/actions/hello",
}
NOT_THERE = {"error_code": "404000", "message": "The requested resource does not exist."}


async def test_document_has_the_shape_of_the_reference(platform: Any) -> None:
    created = await platform.ask("POST", ACTIONS, json=FORM)
    assert (created.status, created.json()) == (200, DOCUMENT)
    read = await platform.ask("GET", f"{ACTIONS}/hello")
    assert (read.status, read.json()) == (200, DOCUMENT)
    listed = await platform.ask("GET", ACTIONS)
    assert (listed.status, listed.json()) == (200, [DOCUMENT])


async def test_fetched_document_can_be_put_back(platform: Any) -> None:
    await platform.ask("POST", ACTIONS, json=FORM | {"exec": {"kind": "nodejs:24", "main": "start"}})
    fetched = (await platform.ask("GET", f"{ACTIONS}/hello")).json()
    answer = await platform.ask("PUT", f"{ACTIONS}/hello", json=fetched)
    assert (answer.status, answer.json()) == (200, DOCUMENT | {"version": "0.0.2"})
    again = await platform.ask("PUT", f"{ACTIONS}/hello", json=fetched)
    assert again.json()["version"] == "0.0.3"
    assert platform_main(platform) == "start"


def platform_main(platform: Any) -> str | None:
    (action,) = platform.stores.entities._state.entities.values()
    return action.exec.main


async def test_fetched_document_can_be_posted_to_another_namespace(platform: Any) -> None:
    await platform.namespaces.create(Owner.of("acme", "stage"))
    await platform.ask("POST", ACTIONS, json=FORM)
    fetched = (await platform.ask("GET", f"{ACTIONS}/hello")).json()
    answer = await platform.ask(
        "POST", "/runtime/namespaces/acme/stage/actions", token=platform.token("acme", "stage"), json=fetched
    )
    url = "http://test/api/v1/namespaces/acme_stage/actions/hello"
    assert (answer.status, answer.json()) == (200, DOCUMENT | {"namespace": "acme_stage", "url": url})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, {}, id="nothing but the version"),
        pytest.param({"code": "other()"}, {"code": "other()"}, id="code alone"),
        pytest.param({"exec": {"code": "other()"}}, {"code": "other()"}, id="code in exec"),
        pytest.param(
            {"exec": {"kind": "nodejs:22"}}, {"exec": {"kind": "nodejs:22", "binary": False, "components": []}}, id="kind"
        ),
        pytest.param({"params": []}, {"params": []}, id="no parameters"),
        pytest.param(
            {"parameters": [{"key": "a", "value": 1}]}, {"params": [{"key": "a", "value": 1}]}, id="parameters for params"
        ),
        pytest.param(
            {"limits": {"memory": 128}}, {"limits": {"timeout": "30000", "memory": "128", "logs": "1"}}, id="one limit, a number"
        ),
        pytest.param(
            {"limits": {"timeout": "1000"}}, {"limits": {"timeout": "1000", "memory": "512", "logs": "1"}}, id="one limit, text"
        ),
        pytest.param({"name": "other", "namespace": "else", "url": "x", "extra": 1}, {}, id="the path names the action"),
        pytest.param({"version": "0.0.1"}, {}, id="echoed version"),
        pytest.param({"version": "1.0.0"}, {"version": "1.0.0"}, id="higher version"),
        pytest.param({"code": None, "params": None, "limits": None, "exec": None, "version": None}, {}, id="null is absent"),
    ],
)
async def test_update_merges(platform: Any, change: dict[str, Any], expected: dict[str, Any]) -> None:
    await platform.ask("POST", ACTIONS, json=FORM)
    answer = await platform.ask("PUT", f"{ACTIONS}/hello", json=change)
    document = answer.json()
    document["annotations"][2]["value"] = "nodejs:24"
    assert (answer.status, document) == (200, DOCUMENT | {"version": "0.0.2"} | expected)


async def test_kind_of_an_update_shows_in_the_annotation(platform: Any) -> None:
    await platform.ask("POST", ACTIONS, json=FORM)
    answer = await platform.ask("PUT", f"{ACTIONS}/hello", json={"exec": {"kind": "nodejs:22"}})
    assert {"key": "exec", "value": "nodejs:22"} in answer.json()["annotations"]
    assert answer.json()["code"] == SOURCE


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["missing", "nopackage/hello", "nopackage%2Fhello"])
async def test_missing_action_is_not_found(platform: Any, method: str, name: str) -> None:
    answer = await platform.ask(method, f"{ACTIONS}/{name}", json=FORM)
    assert (answer.status, answer.json()) == (404, NOT_THERE)
    assert (await platform.ask("GET", ACTIONS)).json() == []


async def test_deleted_action_is_shown_once_more(platform: Any) -> None:
    await platform.ask("POST", ACTIONS, json=FORM)
    answer = await platform.ask("DELETE", f"{ACTIONS}/hello")
    assert (answer.status, answer.json()) == (200, DOCUMENT)
    assert (await platform.ask("GET", f"{ACTIONS}/hello")).status == 404


async def test_name_that_is_taken_is_a_conflict(platform: Any) -> None:
    await platform.ask("POST", ACTIONS, json=FORM)
    answer = await platform.ask("POST", ACTIONS, json=FORM)
    assert (answer.status, answer.json()) == (409, {"error_code": "409000", "message": "resource already exists"})


async def test_package_is_no_action(platform: Any) -> None:
    await platform.package(Owner("acme", "42"), "hello")
    for method, target in [
        ("GET", f"{ACTIONS}/hello"),
        ("POST", ACTIONS),
        ("PUT", f"{ACTIONS}/hello"),
        ("DELETE", f"{ACTIONS}/hello"),
    ]:
        answer = await platform.ask(method, target, json=FORM)
        text = "Resource by this name exists but is not in this collection."
        assert (answer.status, answer.json()) == (409, {"error_code": "409000", "message": text})


@pytest.mark.parametrize("name", ["pkg/hello", "pkg%2Fhello", "pkg%2fhello"])
async def test_action_in_a_package(platform: Any, name: str) -> None:
    await platform.package(Owner("acme", "42"), "pkg", Parameter("shared", "package's"))
    created = await platform.ask("POST", ACTIONS, json=FORM | {"name": "pkg/hello"})
    url = "http://test/api/v1/namespaces/acme_42/actions/pkg/hello"
    document = DOCUMENT | {"name": "pkg/hello", "url": url}
    assert (created.status, created.json()) == (200, document)
    fetched = (await platform.ask("GET", f"{ACTIONS}/{name}")).json()
    assert fetched == document
    put = await platform.ask("PUT", f"{ACTIONS}/{name}", json=fetched)
    assert put.json() == document | {"version": "0.0.2"}
    ran = await platform.ask("POST", f"{ACTIONS}/{name}", json={"b": 2})
    assert ran.json()["response"]["result"] == {"shared": "package's", "greeting": {"text": "hi"}, "b": 2}
    assert (await platform.ask("DELETE", f"{ACTIONS}/{name}")).status == 200
    assert (await platform.ask("GET", ACTIONS)).json() == []


@pytest.mark.parametrize("name", ["default/hello", "default%2Fhello", "hello"])
async def test_default_package_is_none(platform: Any, name: str) -> None:
    await platform.ask("POST", ACTIONS, json=FORM | {"name": "default/hello"})
    assert (await platform.ask("GET", f"{ACTIONS}/{name}")).json() == DOCUMENT


async def test_package_must_be_there_first(platform: Any) -> None:
    answer = await platform.ask("POST", ACTIONS, json=FORM | {"name": "nopackage/hello"})
    assert (answer.status, answer.json()) == (404, NOT_THERE)


async def test_list_has_every_action_newest_first(platform: Any) -> None:
    await platform.package(Owner("acme", "42"), "pkg")
    names = ["one", "two", "pkg/one", "pkg/two"] + [f"more{i}" for i in range(250)]
    for name in names:
        assert (await platform.ask("POST", ACTIONS, json=MINIMAL | {"name": name})).status == 200
    listed = (await platform.ask("GET", ACTIONS)).json()
    assert [row["name"] for row in listed] == names[::-1]
    page = (await platform.ask("GET", f"{ACTIONS}?limit=2&skip=1")).json()
    assert [row["name"] for row in page] == ["more248", "more247"]
    rest = (await platform.ask("GET", f"{ACTIONS}?skip=252")).json()
    assert [row["name"] for row in rest] == ["two", "one"]


async def test_binary_code_comes_back_as_sent(platform: Any) -> None:
    code = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="
    created = await platform.ask("POST", ACTIONS, json=MINIMAL | {"code": code})
    assert (created.json()["code"], created.json()["exec"]["binary"]) == (code, True)
    put = await platform.ask("PUT", f"{ACTIONS}/hello", json=created.json())
    assert (put.json()["code"], put.json()["exec"]["binary"]) == (code, True)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        pytest.param(True, "http://test/api/v1/web/acme_42/default/hello", id="web action"),
        pytest.param(False, "http://test/api/v1/namespaces/acme_42/actions/hello", id="no web action"),
        pytest.param("true", "http://test/api/v1/namespaces/acme_42/actions/hello", id="text is not true"),
    ],
)
async def test_url_is_where_it_is_invoked(platform: Any, value: object, url: str) -> None:
    form = MINIMAL | {"annotations": [{"key": "web-export", "value": value}]}
    assert (await platform.ask("POST", ACTIONS, json=form)).json()["url"] == url


async def test_url_starts_with_what_the_operator_says(platform: Any) -> None:
    platform.client = platform.client_for(base_url="https://runtime.example")
    await platform.package(Owner("acme", "42"), "my pkg")
    form = MINIMAL | {"name": "my pkg/hi@1", "annotations": [{"key": "web-export", "value": True}]}
    answer = await platform.ask("POST", ACTIONS, json=form)
    assert answer.json()["url"] == "https://runtime.example/api/v1/web/acme_42/my%20pkg/hi@1"


@pytest.mark.parametrize(
    ("form", "status", "message"),
    [
        pytest.param({}, 400, "The field 'name' is required: 'name', or 'package/name'.", id="no name"),
        pytest.param({"name": ""}, 400, "The field 'name' is required: 'name', or 'package/name'.", id="empty name"),
        pytest.param({"name": "a"}, 400, "exec undefined", id="nothing to run"),
        pytest.param({"name": "a", "code": "x"}, 400, "'kind' must be a string defined in 'exec'", id="no kind"),
        pytest.param(
            {"name": "a", "exec": {"kind": "nodejs:24"}},
            400,
            "'code' must be a string or attachment object defined in 'exec' for 'nodejs:24' actions",
            id="no code",
        ),
        pytest.param(
            {"name": "a", "code": "x", "exec": {"kind": "cobol"}},
            400,
            "The specified runtime 'cobol' is not supported by this platform. Valid values are: 'nodejs:22', 'nodejs:24'.",
            id="unknown kind",
        ),
        pytest.param(
            MINIMAL | {"limits": {"timeout": "soon"}}, 400, "limits.timeout must be a whole number, not 'soon'.", id="text"
        ),
        pytest.param(
            MINIMAL | {"limits": {"memory": " 128"}}, 400, "limits.memory must be a whole number, not ' 128'.", id="blank"
        ),
        pytest.param(
            MINIMAL | {"limits": {"logs": 1.5}},
            400,
            "The request content was malformed:\nExpected `int | str | null`, got `float` - at `$.limits.logs`",
            id="fraction",
        ),
        pytest.param(
            MINIMAL | {"limits": {"logs": True}},
            400,
            "The request content was malformed:\nExpected `int | str | null`, got `bool` - at `$.limits.logs`",
            id="truth",
        ),
        pytest.param(
            MINIMAL | {"limits": {"memory": "64"}},
            400,
            "requirement failed: memory size 64 MB below allowed threshold of 128 MB",
            id="too little memory",
        ),
        pytest.param(
            MINIMAL | {"limits": {"timeout": "99999999"}},
            400,
            "requirement failed: duration 99999999 milliseconds exceeds allowed threshold of 300000 milliseconds",
            id="too much time",
        ),
        pytest.param(
            MINIMAL | {"params": {"a": 1}},
            400,
            "The request content was malformed:\nExpected `array | null`, got `object` - at `$.params`",
            id="parameters as an object",
        ),
        pytest.param(
            MINIMAL | {"params": [{"value": 1}]},
            400,
            "The request content was malformed:\nObject missing required field `key` - at `$.params[0]`",
            id="parameter without key",
        ),
        pytest.param(
            MINIMAL | {"version": "new"},
            400,
            "'new' is not a semantic version of the form a.b.c above 0.0.0.",
            id="no version",
        ),
        pytest.param(
            MINIMAL | {"name": "a/b/c"}, 400, "The name of the entity must be 'name' or 'package/name'.", id="deep name"
        ),
        pytest.param(MINIMAL | {"name": "a$"}, 400, "The name of the entity contains illegal characters.", id="illegal name"),
        pytest.param(
            MINIMAL | {"params": [{"key": "a", "value": "x" * 1_048_576}]},
            413,
            "parameters larger than allowed: 1048600 > 1048576 bytes.",
            id="large parameters",
        ),
        pytest.param([], 400, "The request content was malformed:\nExpected `object`, got `array`", id="no object"),
    ],
)
async def test_what_is_wrong_is_named(platform: Any, form: Any, status: int, message: str) -> None:
    answer = await platform.ask("POST", ACTIONS, json=form)
    assert (answer.status, answer.json()) == (status, {"error_code": f"{status}000", "message": message})
    assert (await platform.ask("GET", ACTIONS)).json() == []


@pytest.mark.parametrize("version", ["new", "0.0.0", "1.0"])
async def test_wrong_version_of_an_update_is_named(platform: Any, version: str) -> None:
    await platform.ask("POST", ACTIONS, json=FORM)
    answer = await platform.ask("PUT", f"{ACTIONS}/hello", json={"version": version})
    assert (answer.status, answer.json()["message"]) == (
        400,
        f"'{version}' is not a semantic version of the form a.b.c above 0.0.0.",
    )


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        pytest.param({}, b"{}", 415, id="no type"),
        pytest.param({"content-type": "text/plain"}, b"{}", 415, id="text"),
        pytest.param({"content-type": "application/json"}, b"{", 400, id="half an object"),
        pytest.param({"content-type": "application/json"}, b"", 400, id="nothing"),
        pytest.param({"content-type": "application/json"}, b'{"name":"\xff"}', 400, id="not UTF-8"),
        pytest.param({"content-type": "application/json; charset=utf-8"}, b"[" * 100_000, 400, id="deep"),
        pytest.param({"content-type": "application/json", "content-length": "99999999"}, b"{}", 413, id="announced as too large"),
    ],
)
@pytest.mark.parametrize(("method", "target"), [("POST", ACTIONS), ("PUT", f"{ACTIONS}/hello")])
async def test_bodies_that_are_no_form(
    platform: Any, method: str, target: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await platform.ask(method, target, headers=headers, body=body)
    assert (answer.status, answer.json()["error_code"]) == (status, f"{status}000")


async def test_kind_that_a_namespace_may_not_have(platform: Any, acme: Namespace) -> None:
    await platform.namespaces.set_limits(acme.name, {"allowedKinds": ["nodejs:22"]})
    answer = await platform.ask("POST", ACTIONS, json=FORM)
    text = "The supplied authentication is not authorized to access actions of kind 'nodejs:24'."
    assert (answer.status, answer.json()) == (403, {"error_code": "403100", "message": text})


async def test_system_actions_are_the_same_for_everybody(platform: Any) -> None:
    target, token = "/runtime/system/actions", platform.token("nobody", "0")
    assert (await platform.ask("GET", target, token=token)).json() == []
    system = await platform.namespaces.create(Owner.of("whisk", "system"), name="whisk.system", auth=AuthKey.generate())
    path = EntityPath.of("whisk.system", "echo")
    put = ActionPut(exec=ExecPut(kind="nodejs:24", code=SOURCE))
    await platform.catalog.put(identify(system), path, put, overwrite=False)
    (row,) = (await platform.ask("GET", target, token=token)).json()
    assert set(row) == set(DOCUMENT)
    url = "http://test/api/v1/namespaces/whisk.system/actions/echo"
    assert (row["name"], row["namespace"], row["code"], row["url"]) == ("echo", "whisk.system", SOURCE, url)


async def test_document_of_the_api_needs_no_credentials(platform: Any) -> None:
    answer = await platform.client.request("GET", "/runtime/api-docs")
    assert answer.status == 200
    paths = answer.json()["paths"]
    assert set(paths) == {
        "/runtime/admin/namespaces/{orgId}/{intId}",
        "/runtime/admin/namespaces/{orgId}/{intId}/reset",
        ACTIONS.replace("acme/42", "{orgId}/{intId}"),
        ACTIONS.replace("acme/42", "{orgId}/{intId}") + "/{name}",
        ACTIONS.replace("acme/42", "{orgId}/{intId}") + "/{package}/{name}",
        "/runtime/namespaces/{orgId}/{intId}/handleEventRegistration",
        "/runtime/namespaces/{orgId}/{intId}/handleEventUpdate/{clientId}/{registrationId}",
        "/runtime/namespaces/{orgId}/{intId}/handleEventStatus/{clientId}/{registrationId}/{status}",
        "/runtime/namespaces/{orgId}/{intId}/handleEventDeletion/{clientId}/{registrationId}",
        "/runtime/system/actions",
    }
    assert all(row["summary"] for path in paths.values() for row in path.values())
