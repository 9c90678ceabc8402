"""Package bindings (OpenWhisk API contract, section 10) and what they let through (section 17)."""

from typing import Any

import msgspec
import pytest

from ioruntime.testing.asgi import AsgiClient
from ioruntime.testing.invoker import FakeInvoker

pytestmark = pytest.mark.anyio

GUEST = "/api/v1/namespaces/guest"
OTHER = "/api/v1/namespaces/other"
HERS = f"{'22222222-2222-2222-2222-222222222222'}:{'o' * 64}"
NODE = {"kind": "nodejs:24", "code": "function main() {}"}


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


async def put(client: AsgiClient, path: str, body: object = None, *, basic: str | None = None) -> Any:
    answer = await client.request("PUT", f"{path}?overwrite=true", json=body or {}, basic=basic)
    assert answer.status == 200, answer.body
    return answer.json()


async def provide(client: AsgiClient, *, publish: bool = True) -> None:
    """Let the other namespace have a package with an action, and guest's binding to it."""
    await put(client, f"{OTHER}/packages/tools", {"publish": True, "parameters": pairs(a="package", b="package")}, basic=HERS)
    await put(client, f"{OTHER}/actions/tools/act", {"exec": NODE, "parameters": pairs(c="action")}, basic=HERS)
    await put(
        client,
        f"{GUEST}/packages/mine",
        {"binding": {"namespace": "other", "name": "tools"}, "parameters": pairs(b="binding", c="binding")},
    )
    if not publish:
        await put(client, f"{OTHER}/packages/tools", {"publish": False}, basic=HERS)


async def test_parameters_merge_package_binding_action_call(client: AsgiClient, invoker: FakeInvoker) -> None:
    await provide(client)
    answer = await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true", json={"d": "call"})
    assert msgspec.json.decode(invoker.requests[-1].arguments) == {"a": "package", "b": "binding", "c": "action", "d": "call"}
    record = answer.json()
    assert (record["namespace"], record["name"]) == ("guest", "act")
    annotations = {a["key"]: a["value"] for a in record["annotations"]}
    assert (annotations["path"], annotations["binding"]) == ("other/tools/act", "guest/mine")


async def test_activations_are_listed_by_the_bindings_name(client: AsgiClient) -> None:
    await provide(client)
    await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true")
    assert len((await client.request("GET", f"{GUEST}/activations?name=mine/act")).json()) == 1
    assert (await client.request("GET", f"{GUEST}/activations?name=tools/act")).json() == []


async def test_get_of_a_binding_shows_merged_parameters_and_the_targets_actions(client: AsgiClient) -> None:
    await provide(client)
    package = (await client.request("GET", f"{GUEST}/packages/mine")).json()
    assert package["binding"] == {"namespace": "other", "name": "tools"}
    assert {p["key"]: p["value"] for p in package["parameters"]} == {"a": "package", "b": "binding", "c": "binding"}
    assert [action["name"] for action in package["actions"]] == ["act"]
    assert {"key": "binding", "value": {"namespace": "other", "name": "tools"}} in package["annotations"]


async def test_get_of_an_action_through_a_binding_merges_parameters(client: AsgiClient) -> None:
    await provide(client)
    action = (await client.request("GET", f"{GUEST}/actions/mine/act")).json()
    assert {p["key"]: p["value"] for p in action["parameters"]} == {"a": "package", "b": "binding", "c": "action"}


async def test_the_list_of_a_binding_is_the_targets(client: AsgiClient) -> None:
    await provide(client)
    listed = (await client.request("GET", f"{GUEST}/actions/mine/")).json()
    assert [(row["namespace"], row["name"]) for row in listed] == [("other/tools", "act")]
    assert (await client.request("GET", f"{GUEST}/actions/mine/?count=true")).json() == {"actions": 1}


async def test_a_clients_own_binding_annotation_is_dropped(client: AsgiClient) -> None:
    await provide(client)
    package = await put(client, f"{GUEST}/packages/mine", {"annotations": pairs(binding="mine", note="kept")})
    assert {a["key"]: a["value"] for a in package["annotations"]} == {
        "note": "kept",
        "binding": {"namespace": "other", "name": "tools"},
    }
    assert package["binding"] == {"namespace": "other", "name": "tools"}


@pytest.mark.parametrize(
    ("binding", "status", "text"),
    [
        pytest.param({"namespace": "_", "name": "no"}, 400, "Binding references a package that does not exist.", id="to nothing"),
        pytest.param(
            {"namespace": "_", "name": "act"}, 409, "Cannot bind to a resource that is not a package.", id="to an action"
        ),
        pytest.param({"namespace": "_", "name": "mine"}, 400, "Cannot bind to another package binding.", id="to a binding"),
        pytest.param(
            {"namespace": "other", "name": "private"},
            403,
            "The supplied authentication is not authorized to access 'other/private'.",
            id="to another's private package",
        ),
        pytest.param(
            {"namespace": "other", "name": "no"},
            403,
            "The supplied authentication is not authorized to access 'other/no'.",
            id="to another's package that is not there",
        ),
        pytest.param(
            {"name": "tools"},
            400,
            "The field 'binding' must have exactly the fields 'namespace' and 'name'.",
            id="without namespace",
        ),
    ],
)
async def test_refused_bindings(client: AsgiClient, binding: dict[str, str], status: int, text: str) -> None:
    await provide(client)
    await put(client, f"{OTHER}/packages/private", basic=HERS)
    await put(client, f"{GUEST}/actions/act", {"exec": NODE})
    answer = await client.request("PUT", f"{GUEST}/packages/new", json={"binding": binding})
    assert (answer.status, answer.json()["error"]) == (status, text)


async def test_a_package_does_not_become_a_binding(client: AsgiClient) -> None:
    await provide(client)
    await put(client, f"{GUEST}/packages/plain")
    body = {"binding": {"namespace": "other", "name": "tools"}}
    answer = await client.request("PUT", f"{GUEST}/packages/plain?overwrite=true", json=body)
    assert (answer.status, answer.json()["error"]) == (409, "Resource is a package and cannot be converted into a binding.")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_nothing_is_written_through_a_binding(client: AsgiClient, method: str) -> None:
    await provide(client)
    answer = await client.request(method, f"{GUEST}/actions/mine/act", json={"exec": NODE} if method == "PUT" else None)
    assert (answer.status, answer.json()["error"]) == (400, "Operation not permitted on package binding.")


async def test_a_change_of_the_target_is_seen_at_once(client: AsgiClient, invoker: FakeInvoker) -> None:
    await provide(client)
    await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true")
    await put(client, f"{OTHER}/packages/tools", {"parameters": pairs(a="new")}, basic=HERS)
    await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true")
    assert msgspec.json.decode(invoker.requests[-1].arguments)["a"] == "new"


async def test_a_target_that_is_private_again_is_refused(client: AsgiClient) -> None:
    await provide(client)
    await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true")
    await put(client, f"{OTHER}/packages/tools", {"publish": False}, basic=HERS)
    assert (await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true")).status == 403


async def test_a_binding_dangles_after_its_target_is_gone(client: AsgiClient) -> None:
    await provide(client)
    assert (await client.request("DELETE", f"{OTHER}/packages/tools?force=true", basic=HERS)).status == 200
    assert (await client.request("POST", f"{GUEST}/actions/mine/act?blocking=true")).status == 404
    assert (await client.request("DELETE", f"{GUEST}/packages/mine")).status == 200
