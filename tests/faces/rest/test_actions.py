"""Actions over HTTP (sections 1.4, 3, 5 and 16 of the contract)."""

import base64
from typing import Any

import pytest

from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

A = "/api/v1/namespaces/_/actions"
P = "/api/v1/namespaces/_/packages"
CODE = "function main() { return {}; }"
NODE = {"kind": "nodejs:24", "code": CODE}
ZIP = base64.b64encode(b"PK\x05\x06" + bytes(18)).decode()


async def put(client: AsgiClient, name: str, *, overwrite: bool = False, **fields: Any) -> dict[str, Any]:
    query = "?overwrite=true" if overwrite else ""
    answer = await client.request("PUT", f"{A}/{name}{query}", json=fields)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_a_new_action_is_answered_whole(client: AsgiClient) -> None:
    action = await put(client, "hello", exec=NODE, parameters=[{"key": "a", "value": 1}, {"key": "b", "value": 2, "init": True}])
    updated = action.pop("updated")
    assert updated > 1_700_000_000_000
    assert action == {
        "namespace": "guest",
        "name": "hello",
        "version": "0.0.1",
        "publish": False,
        "annotations": [{"key": "provide-api-key", "value": False}, {"key": "exec", "value": "nodejs:24"}],
        "parameters": [{"key": "a", "value": 1}, {"key": "b", "value": 2, "init": True}],
        "limits": {"timeout": 60000, "memory": 256, "logs": 10, "concurrency": 1},
        "exec": {"kind": "nodejs:24", "code": CODE, "binary": False},
    }
    assert (await client.request("GET", f"{A}/hello")).json() == action | {"updated": updated}


@pytest.mark.parametrize(
    ("query", "has_code"),
    [
        pytest.param("", True, id="code is there unless asked otherwise"),
        pytest.param("?code=true", True, id="code=true"),
        pytest.param("?code=false", False, id="code=false leaves it out"),
    ],
)
async def test_get_with_and_without_code(client: AsgiClient, query: str, has_code: bool) -> None:
    await put(client, "zip", exec={"kind": "nodejs:default", "code": ZIP, "main": "go"})
    document = (await client.request("GET", f"{A}/zip{query}")).json()
    kept = {"kind": "nodejs:24", "binary": True, "main": "go"}
    assert document["exec"] == (kept | {"code": ZIP} if has_code else kept)


async def test_an_update_merges_and_counts_the_version_on(client: AsgiClient) -> None:
    await put(client, "a", exec=NODE, parameters=[{"key": "x", "value": 1}], annotations=[{"key": "one", "value": 1}])
    action = await put(client, "a", overwrite=True, annotations=[{"key": "two", "value": 2}], delAnnotations=["one"])
    assert action["version"] == "0.0.2"
    assert action["parameters"] == [{"key": "x", "value": 1}]
    assert action["exec"]["code"] == CODE
    assert {each["key"] for each in action["annotations"]} == {"provide-api-key", "exec", "two"}


async def test_an_update_may_set_the_version(client: AsgiClient) -> None:
    await put(client, "a", exec=NODE)
    assert (await put(client, "a", overwrite=True, version="2.0.0"))["version"] == "2.0.0"


async def test_a_copied_document_is_taken_without_its_identity(client: AsgiClient) -> None:
    document = await put(client, "a", exec=NODE)
    copy = (await client.request("PUT", f"{A}/b", json=document)).json()
    assert (copy["name"], copy["exec"]) == ("b", document["exec"])


async def test_delete_answers_what_it_was(client: AsgiClient) -> None:
    document = await put(client, "a", exec=NODE)
    assert (await client.request("DELETE", f"{A}/a")).json() == document
    assert (await client.request("GET", f"{A}/a")).status == 404


async def test_an_action_in_a_package(client: AsgiClient) -> None:
    await client.request("PUT", f"{P}/p", json={"parameters": [{"key": "x", "value": "package"}, {"key": "y", "value": 1}]})
    created = await put(client, "p/a", exec=NODE, parameters=[{"key": "x", "value": "action"}])
    assert (created["namespace"], created["name"]) == ("guest/p", "a")
    read = (await client.request("GET", f"{A}/p/a")).json()
    assert read["parameters"] == [{"key": "x", "value": "action"}, {"key": "y", "value": 1}]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_the_package_may_stand_in_the_namespace(client: AsgiClient, method: str) -> None:
    await client.request("PUT", f"{P}/p", json={})
    created = await put(client, "p/a", exec=NODE)
    assert (await client.request(method, "/api/v1/namespaces/guest%2Fp/actions/a")).json() == created


async def test_list_rows(client: AsgiClient) -> None:
    await client.request("PUT", f"{P}/p", json={})
    await put(client, "old", exec=NODE)
    await put(client, "p/new", exec={"kind": "nodejs:24", "code": ZIP}, parameters=[{"key": "x", "value": 1}])
    rows = (await client.request("GET", A)).json()
    assert [(row["namespace"], row["name"]) for row in rows] == [("guest/p", "new"), ("guest", "old")]
    assert set(rows[0]) == {"namespace", "name", "version", "publish", "annotations", "limits", "exec", "updated"}
    assert rows[0]["exec"] == {"binary": True}
    assert {"key": "exec", "value": "nodejs:24"} in rows[0]["annotations"]


async def test_list_of_a_package_needs_the_slash(client: AsgiClient) -> None:
    await client.request("PUT", f"{P}/p", json={})
    await put(client, "outside", exec=NODE)
    await put(client, "p/inside", exec=NODE)
    assert [row["name"] for row in (await client.request("GET", f"{A}/p/")).json()] == ["inside"]
    assert (await client.request("GET", f"{A}/p/?count=true")).json() == {"actions": 1}
    conflict = await client.request("GET", f"{A}/p")
    assert (conflict.status, conflict.json()["error"]) == (409, "Resource by this name exists but is not in this collection.")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("", ["c", "b", "a"], id="newest first"),
        pytest.param("?limit=2", ["c", "b"], id="limit"),
        pytest.param("?limit=0", ["c", "b", "a"], id="limit 0 is the most"),
        pytest.param("?skip=1&limit=1", ["b"], id="skip"),
        pytest.param("?limit=undefined&skip=", ["c", "b", "a"], id="the word undefined is nothing"),
    ],
)
async def test_paging(client: AsgiClient, query: str, names: list[str]) -> None:
    for name in "abc":
        await put(client, name, exec=NODE)
    assert [row["name"] for row in (await client.request("GET", f"{A}{query}")).json()] == names


@pytest.mark.parametrize(("query", "count"), [("count=true", 2), ("count=true&skip=1", 1), ("count=true&skip=9&limit=1", 0)])
async def test_count_honours_skip_and_ignores_limit(client: AsgiClient, query: str, count: int) -> None:
    for name in "ab":
        await put(client, name, exec=NODE)
    assert (await client.request("GET", f"{A}?{query}")).json() == {"actions": count}


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("limit=201", "limit", "The value '201' is not in the range of 0 to 200 for actions."),
        ("limit=-1", "limit", "The value '-1' is not in the range of 0 to 200 for actions."),
        ("limit=x", "limit", "The value 'x' is not an integer for actions."),
        ("skip=-1", "skip", "The value '-1' is not greater than or equal to 0 for actions."),
        ("skip=99999999999999999999", "skip", "The value '99999999999999999999' is not an integer for actions."),
        ("skip=1_0", "skip", "The value '1_0' is not an integer for actions."),
        ("count=maybe", "count", "'maybe' is not a valid Boolean value"),
    ],
)
async def test_paging_out_of_range(client: AsgiClient, query: str, parameter: str, detail: str) -> None:
    answer = await client.request("GET", f"{A}?{query}")
    assert (answer.status, answer.json()["error"]) == (400, f"The query parameter '{parameter}' was malformed:\n{detail}")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        pytest.param({}, 400, "exec undefined", id="no exec"),
        pytest.param({"exec": {}}, 400, "'kind' must be a string defined in 'exec'", id="no kind"),
        pytest.param(
            {"exec": {"kind": "cobol", "code": ""}},
            400,
            "The specified runtime 'cobol' is not supported by this platform. "
            "Valid values are: 'nodejs:22', 'nodejs:24', 'python:3.11'.",
            id="unknown kind",
        ),
        pytest.param(
            {"exec": {"kind": "nodejs:24"}},
            400,
            "'code' must be a string or attachment object defined in 'exec' for 'nodejs:24' actions",
            id="no code",
        ),
        pytest.param(
            {"exec": {"kind": "nodejs:24", "code": "x" * 1001}},
            413,
            "exec larger than allowed: 1001 > 1000 bytes.",
            id="code size",
        ),
        pytest.param(
            {"exec": NODE, "parameters": [{"key": "a", "value": "x" * 500}]},
            413,
            "parameters larger than allowed: 524 > 500 bytes.",
            id="parameters size",
        ),
        pytest.param(
            {"exec": NODE, "annotations": [{"key": "a", "value": "x" * 500}]},
            413,
            "annotations larger than allowed: 524 > 500 bytes.",
            id="annotations size",
        ),
        pytest.param(
            {"exec": NODE, "limits": {"timeout": 300_001}},
            400,
            "requirement failed: duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds",
            id="timeout above",
        ),
        pytest.param(
            {"exec": NODE, "limits": {"timeout": 99}},
            400,
            "requirement failed: duration 99 milliseconds below allowed threshold of 100 milliseconds",
            id="timeout below",
        ),
        pytest.param(
            {"exec": NODE, "limits": {"memory": 513}},
            400,
            "requirement failed: memory size 513 MB exceeds allowed threshold of 512 MB",
            id="memory above",
        ),
        pytest.param(
            {"exec": NODE, "limits": {"logs": 11}},
            400,
            "requirement failed: log size 11 MB exceeds allowed threshold of 10 MB",
            id="logs above",
        ),
        pytest.param(
            {"exec": NODE, "limits": {"concurrency": 501}},
            400,
            "requirement failed: concurrency 501 exceeds allowed threshold of 500",
            id="concurrency above",
        ),
        pytest.param(
            {"exec": NODE, "limits": {"instances": 6}},
            400,
            "Max action instance concurrency must not exceed your namespace concurrency of 5.",
            id="instances above",
        ),
        pytest.param(
            {"exec": NODE, "version": "0.0.0"},
            400,
            "'0.0.0' is not a semantic version of the form a.b.c above 0.0.0.",
            id="version 0.0.0",
        ),
        pytest.param(
            {"exec": NODE, "parameters": {}},
            400,
            "The request content was malformed:\nExpected `array`, got `object` - at `$.parameters`",
            id="parameters as an object",
        ),
        pytest.param(
            [], 400, "The request content was malformed:\nExpected `object`, got `array`", id="a body that is no object"
        ),
    ],
)
async def test_refused_bodies(client: AsgiClient, body: object, status: int, text: str) -> None:
    answer = await client.request("PUT", f"{A}/a", json=body)
    assert (answer.status, answer.json()["error"]) == (status, text)
    assert (await client.request("GET", f"{A}/a")).status == 404


async def test_a_put_needs_json(client: AsgiClient) -> None:
    answer = await client.request("PUT", f"{A}/a", body=b"{}", headers={"Content-Type": "text/plain"})
    expected = "The request's Content-Type is not supported. Expected:\napplication/json"
    assert (answer.status, answer.json()["error"]) == (415, expected)


async def test_a_put_without_overwrite_of_what_exists(client: AsgiClient) -> None:
    await put(client, "a", exec=NODE)
    answer = await client.request("PUT", f"{A}/a", json={"exec": NODE})
    assert (answer.status, answer.json()["error"]) == (409, "resource already exists")


async def test_a_put_into_a_package_that_does_not_exist(client: AsgiClient) -> None:
    answer = await client.request("PUT", f"{A}/p/a", json={"exec": NODE})
    assert (answer.status, answer.json()["error"]) == (404, "The requested resource does not exist.")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_the_name_of_a_package_is_no_action(client: AsgiClient, method: str) -> None:
    await client.request("PUT", f"{P}/p", json={})
    answer = await client.request(method, f"{A}/p?overwrite=true", json={"exec": NODE})
    assert (answer.status, answer.json()["error"]) == (409, "Resource by this name exists but is not in this collection.")
