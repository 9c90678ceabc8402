"""Packages over HTTP (section 10 of the contract, without bindings)."""

from typing import Any

import pytest

from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

A = "/api/v1/namespaces/_/actions"
P = "/api/v1/namespaces/_/packages"
NODE = {"kind": "nodejs:24", "code": "code"}


async def put(client: AsgiClient, name: str, **fields: Any) -> dict[str, Any]:
    answer = await client.request("PUT", f"{P}/{name}", json=fields)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_a_new_package_is_answered_whole(client: AsgiClient) -> None:
    package = await put(client, "p", parameters=[{"key": "a", "value": 1}], annotations=[{"key": "b", "value": 2}], binding={})
    updated = package.pop("updated")
    assert package == {
        "namespace": "guest",
        "name": "p",
        "version": "0.0.1",
        "publish": False,
        "annotations": [{"key": "b", "value": 2}],
        "parameters": [{"key": "a", "value": 1}],
        "binding": {},
    }
    assert (await client.request("GET", f"{P}/p")).json() == package | {"updated": updated, "actions": [], "feeds": []}


async def test_get_shows_actions_and_feeds_apart(client: AsgiClient) -> None:
    await put(client, "p")
    await client.request("PUT", f"{A}/p/act", json={"exec": NODE})
    await client.request("PUT", f"{A}/p/feed", json={"exec": NODE, "annotations": [{"key": "feed", "value": False}]})
    package = (await client.request("GET", f"{P}/p")).json()
    exec_, key = {"key": "exec", "value": "nodejs:24"}, {"key": "provide-api-key", "value": False}
    assert package["actions"] == [{"name": "act", "version": "0.0.1", "annotations": [key, exec_]}]
    feed = {"name": "feed", "version": "0.0.1", "annotations": [{"key": "feed", "value": False}, key, exec_]}
    assert package["feeds"] == [feed]


async def test_an_update_keeps_what_is_absent(client: AsgiClient) -> None:
    await put(client, "p", parameters=[{"key": "a", "value": 1}], annotations=[{"key": "b", "value": 2}])
    answer = await client.request("PUT", f"{P}/p?overwrite=true", json={"annotations": [], "publish": True})
    package = answer.json()
    assert (package["version"], package["publish"], package["annotations"]) == ("0.0.2", True, [])
    assert package["parameters"] == [{"key": "a", "value": 1}]


@pytest.mark.parametrize(
    ("name", "body", "status", "text"),
    [
        pytest.param("default", {}, 400, "Package name 'default' is reserved.", id="the name default"),
        pytest.param(
            "p",
            {"binding": {"namespace": "_", "name": "q"}},
            400,
            "Binding references a package that does not exist.",
            id="a binding to nothing",
        ),
        pytest.param(
            "p",
            {"parameters": [{"key": "a", "value": "x" * 500}]},
            413,
            "parameters larger than allowed: 524 > 500 bytes.",
            id="parameters size",
        ),
        pytest.param(
            "p",
            {"publish": "yes"},
            400,
            "The request content was malformed:\nExpected `bool`, got `str` - at `$.publish`",
            id="a field of the wrong type",
        ),
        pytest.param("there", {}, 409, "resource already exists", id="no overwrite"),
        pytest.param("act", {}, 409, "Resource by this name exists but is not in this collection.", id="the name of an action"),
    ],
)
async def test_refused_puts(client: AsgiClient, name: str, body: object, status: int, text: str) -> None:
    await put(client, "there")
    await client.request("PUT", f"{A}/act", json={"exec": NODE})
    answer = await client.request("PUT", f"{P}/{name}", json=body)
    assert (answer.status, answer.json()["error"]) == (status, text)


@pytest.mark.parametrize(
    ("inside", "contents"),
    [pytest.param(1, "1 entity", id="one"), pytest.param(2, "2 entities", id="more")],
)
async def test_delete_of_what_is_not_empty(client: AsgiClient, inside: int, contents: str) -> None:
    package = await put(client, "p")
    for number in range(inside):
        await client.request("PUT", f"{A}/p/a{number}", json={"exec": NODE})
    refused = await client.request("DELETE", f"{P}/p")
    expected = f"Package not empty (contains {contents}). Set force param or delete package contents."
    assert (refused.status, refused.json()["error"]) == (409, expected)
    forced = await client.request("DELETE", f"{P}/p?force=true")
    assert (forced.status, forced.json()) == (200, package)
    assert (await client.request("GET", A)).json() == []


async def test_delete_of_what_is_empty(client: AsgiClient) -> None:
    package = await put(client, "p")
    assert (await client.request("DELETE", f"{P}/p")).json() == package
    assert (await client.request("DELETE", f"{P}/p")).status == 404


async def test_list_rows_and_count(client: AsgiClient) -> None:
    await put(client, "a")
    package = await put(client, "b")
    rows = (await client.request("GET", P)).json()
    assert [row["name"] for row in rows] == ["b", "a"]
    assert rows[0] == {key: value for key, value in package.items() if key != "parameters"} | {"binding": False}
    assert (await client.request("GET", f"{P}/?count=true&skip=1")).json() == {"packages": 1}
    refused = (await client.request("GET", f"{P}?limit=201")).json()["error"]
    assert refused.endswith("The value '201' is not in the range of 0 to 200 for packages.")


async def test_others_see_what_is_published(client: AsgiClient, stranger: AsgiClient) -> None:
    await put(client, "private")
    await put(client, "public", publish=True)
    await client.request("PUT", f"{A}/public/x", json={"exec": NODE})
    at = "/api/v1/namespaces/guest"
    assert [row["name"] for row in (await stranger.request("GET", f"{at}/packages")).json()] == ["public"]
    assert (await stranger.request("GET", f"{at}/packages?count=true")).json() == {"packages": 1}
    assert (await stranger.request("GET", f"{at}/packages/public")).json()["actions"][0]["name"] == "x"
    assert [row["name"] for row in (await stranger.request("GET", f"{at}/actions/public/")).json()] == ["x"]
    assert (await stranger.request("GET", f"{at}/actions/public/x")).json()["exec"]["code"] == "code"
    assert (await stranger.request("GET", f"{at}/packages/private")).status == 403
    assert (await stranger.request("PUT", f"{at}/actions/public/y", json={"exec": NODE})).status == 403
    assert (await stranger.request("GET", "/api/v1/namespaces/nobody/packages")).json() == []
