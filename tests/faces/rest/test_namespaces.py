"""Namespaces, limits, information, and the mount for Adobe's deploying clients (sections 1.1 and 4 of the contract)."""

from typing import Any

import pytest

from ioruntime.stores.memory import MemoryStores
from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

AT = "/api/v1/namespaces"
DEPLOY = "/runtime/api/v1/namespaces"
TOKEN = "guests-token"
LIMITS = {
    "invocationsPerMinute": 20,
    "concurrentInvocations": 5,
    "firesPerMinute": 6000,
    "minActionMemory": 128,
    "maxActionMemory": 512,
    "minActionLogs": 0,
    "maxActionLogs": 10,
    "minActionTimeout": 100,
    "maxActionTimeout": 300000,
    "minActionConcurrency": 1,
    "maxActionConcurrency": 500,
    "maxParameterSize": "500 B",
    "maxActionInstances": 5,
}


@pytest.mark.parametrize(
    ("target", "document"),
    [
        pytest.param(AT, ["guest"], id="namespaces"),
        pytest.param(f"{AT}/", ["guest"], id="namespaces with a slash"),
        pytest.param(f"{AT}/_/limits", LIMITS, id="limits"),
        pytest.param(f"{AT}/guest/limits/", LIMITS, id="limits with a slash"),
        pytest.param(f"{AT}/_/triggers", [], id="no triggers"),
        pytest.param(f"{AT}/_/rules/?limit=30", [], id="no rules"),
        pytest.param(f"{AT}/_/triggers?count=true", {"triggers": 0}, id="count of triggers"),
        pytest.param(f"{AT}/_/rules?count=true", {"rules": 0}, id="count of rules"),
        pytest.param("/runtime/namespaces/guest/logForwarding", {"adobe_io_runtime": {}}, id="log forwarding"),
        pytest.param("/runtime/runtime/namespaces/guest/logForwarding", {"adobe_io_runtime": {}}, id="log forwarding, deploying"),
    ],
)
async def test_reading(client: AsgiClient, target: str, document: object) -> None:
    answer = await client.request("GET", target)
    assert (answer.status, answer.json()) == (200, document)


async def test_a_namespaces_own_limits_show(client: AsgiClient, stores: MemoryStores) -> None:
    overrides = {"maxActionMemory": 256, "allowedKinds": ["nodejs:24"], "storeActivations": False}
    await stores.namespaces.set_overrides("guest", overrides)
    assert (await client.request("GET", f"{AT}/_/limits")).json() == LIMITS | overrides


async def test_some_limits_show_only_when_they_are_the_namespaces_own(client: AsgiClient, stores: MemoryStores) -> None:
    overrides = {"maxPayloadSize": 9, "truncationSize": 5, "warmedContainerKeepingCount": 2, "warmedContainerKeepingTimeout": 60}
    await stores.namespaces.set_overrides("guest", overrides)
    shown = {"maxPayloadSize": "9 B", "truncationSize": "5 B", "warmedContainerKeepingTimeout": "60 seconds"}
    assert (await client.request("GET", f"{AT}/_/limits")).json() == LIMITS | overrides | shown


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        pytest.param(f"{AT}/_/limits/x", 400, "Limits are shown all together, not 'x' alone.", id="one limit"),
        pytest.param(
            f"{AT}/_/triggers?limit=201",
            400,
            "The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for triggers.",
            id="page of triggers",
        ),
        pytest.param(
            "/runtime/namespaces/other/logForwarding",
            403,
            "The supplied authentication is not authorized to access 'other'.",
            id="another's log forwarding",
        ),
    ],
)
async def test_refusals(client: AsgiClient, target: str, status: int, text: str) -> None:
    answer = await client.request("GET", target)
    assert (answer.status, answer.json()["error"]) == (status, text)


@pytest.mark.parametrize("target", ["/api/v1", "/api/v1/", "/runtime/api/v1", "//api/v1"])
async def test_api_info_is_for_everybody(anonymous: AsgiClient, target: str) -> None:
    answer = await anonymous.request("GET", target)
    assert (answer.status, answer.json()) == (
        200,
        {
            "description": "OpenWhisk API",
            "api_version": "1.0.0",
            "api_version_path": "v1",
            "build": "2026-01-01",
            "buildno": "0.1.0",
            "swagger_paths": {"ui": "/docs", "api-docs": "/api-docs"},
        },
    )


@pytest.mark.parametrize("target", ["/", "", "/runtime", "/runtime/"])
async def test_system_info_is_for_everybody(anonymous: AsgiClient, target: str) -> None:
    info = (await anonymous.request("GET", target)).json()
    assert (info["description"], info["api_paths"]) == ("OpenWhisk", ["/api/v1"])
    assert info["limits"] == {
        "actions_per_minute": 20,
        "triggers_per_minute": 6000,
        "concurrent_actions": 5,
        "sequence_length": 50,
        "default_action_duration": 60_000,
        "min_action_duration": 100,
        "max_action_duration": 300_000,
        "default_action_memory": 268_435_456,
        "min_action_memory": 134_217_728,
        "max_action_memory": 536_870_912,
        "default_action_logs": 10_485_760,
        "min_action_logs": 0,
        "max_action_logs": 10_485_760,
    }
    assert [kind["kind"] for kind in info["runtimes"]["nodejs"]] == ["nodejs:22", "nodejs:24"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("guest", {}, id="the namespace in the path"),
        pytest.param("_", {"x-namespace-id": "guest"}, id="the namespace in the header"),
        pytest.param("guest", {"x-namespace-id": "guest"}, id="in both"),
        pytest.param("guest", {"x-namespace-id": "_"}, id="a header that says nothing"),
    ],
)
async def test_a_token_deploys(anonymous: AsgiClient, path: str, headers: dict[str, str]) -> None:
    body: dict[str, Any] = {"exec": {"kind": "nodejs:24", "code": "code"}}
    at = f"{DEPLOY}/{path}/actions/a"
    put = await anonymous.request("PUT", at, json=body, bearer=TOKEN, headers=headers)
    assert (put.status, put.json()["namespace"]) == (200, "guest")
    invoked = await anonymous.request("POST", f"{at}?blocking=true", bearer=TOKEN, headers=headers)
    assert (invoked.status, invoked.json()["subject"]) == (200, "guest")
    assert (await anonymous.request("DELETE", at, bearer=TOKEN, headers=headers)).status == 200


async def test_a_token_invokes_others_in_the_name_of_its_header(
    anonymous: AsgiClient, stranger: AsgiClient, client: AsgiClient
) -> None:
    await stranger.request("PUT", f"{AT}/_/packages/shared", json={"publish": True})
    await stranger.request("PUT", f"{AT}/_/actions/shared/x", json={"exec": {"kind": "nodejs:24", "code": "code"}})
    answer = await anonymous.request(
        "POST", f"{DEPLOY}/other/actions/shared/x?blocking=true", bearer=TOKEN, headers={"x-namespace-id": "guest"}
    )
    assert (answer.status, answer.json()["namespace"]) == (200, "guest")


@pytest.mark.parametrize(
    ("bearer", "target", "status", "text"),
    [
        pytest.param("wrong", f"{DEPLOY}/guest/actions", 401, "The supplied authentication is invalid", id="a wrong token"),
        pytest.param(
            TOKEN,
            f"{DEPLOY}/other/actions",
            403,
            "The supplied authentication is not authorized to access 'other'.",
            id="a namespace out of reach",
        ),
        pytest.param(
            TOKEN,
            f"{DEPLOY}/_/actions",
            401,
            "A bearer token needs the namespace in the path or in the header x-namespace-id.",
            id="no namespace at all",
        ),
    ],
)
async def test_tokens_that_do_not_reach(anonymous: AsgiClient, bearer: str, target: str, status: int, text: str) -> None:
    answer = await anonymous.request("GET", target, bearer=bearer)
    assert (answer.status, answer.json()["error"]) == (status, text)


async def test_the_deploying_mount_takes_basic_too(client: AsgiClient) -> None:
    assert (await client.request("GET", f"{DEPLOY}/_/actions")).json() == []
    assert (await client.request("GET", "/runtime/api/v1/nonsense")).status == 404
