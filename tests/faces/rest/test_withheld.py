"""What may be run but not read: published packages where the operator says so, and code that its owner withholds."""

from typing import Any

import pytest

from ioruntime.model.limits import PROFILES, Limits
from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

GUEST = "/api/v1/namespaces/guest"
OTHER = "/api/v1/namespaces/other"
SOURCE = "function main() {}"
NODE = {"kind": "nodejs:24", "code": SOURCE}
WITHHELD = [{"key": "disable-download", "value": True}]


async def put(client: AsgiClient, path: str, body: object = None) -> Any:
    answer = await client.request("PUT", f"{path}?overwrite=true", json=body or {})
    assert answer.status == 200, answer.body
    return answer.json()


class TestExecuteOnly:
    """Packages of others can be invoked, listed and bound."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(execute_only=True)

    @pytest.fixture
    async def shared(self, client: AsgiClient, stranger: AsgiClient) -> None:
        """The other namespace's published package with an action, and guest's binding to it."""
        await put(stranger, f"{OTHER}/packages/tools", {"publish": True})
        await put(stranger, f"{OTHER}/actions/tools/act", {"exec": NODE})
        await put(client, f"{GUEST}/packages/mine", {"binding": {"namespace": "other", "name": "tools"}})

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("other/packages/tools", "GET not permitted for 'other/tools' since it's a shared package"),
            ("guest/packages/mine", "GET not permitted since guest/mine is a binding of a shared package"),
            ("other/actions/tools/act", "GET not permitted for 'other/tools/act' since it's an action in a shared package"),
            (
                "guest/actions/mine/act",
                "GET not permitted for 'guest/mine/act'. Resource does not exist or is an action in a shared package binding.",
            ),
        ],
    )
    async def test_they_are_not_read(self, client: AsgiClient, shared: None, path: str, text: str) -> None:
        answer = await client.request("GET", f"/api/v1/namespaces/{path}")
        assert (answer.status, answer.json()["error"]) == (403, text)

    async def test_they_are_run_and_listed(self, client: AsgiClient, shared: None) -> None:
        for path in (f"{OTHER}/actions/tools/act", f"{GUEST}/actions/mine/act"):
            assert (await client.request("POST", f"{path}?blocking=true")).status == 200
        for path in (f"{OTHER}/packages", f"{OTHER}/actions/tools/", f"{GUEST}/actions/mine/"):
            assert len((await client.request("GET", path)).json()) == 1

    async def test_their_owner_reads_them(self, stranger: AsgiClient, shared: None) -> None:
        for path in ("packages/tools", "actions/tools/act"):
            assert (await stranger.request("GET", f"{OTHER}/{path}")).status == 200

    async def test_bindings_to_ones_own_are_read(self, client: AsgiClient, shared: None) -> None:
        await put(client, f"{GUEST}/packages/own")
        await put(client, f"{GUEST}/actions/own/act", {"exec": NODE})
        await put(client, f"{GUEST}/packages/again", {"binding": {"namespace": "_", "name": "own"}})
        for path in ("packages/own", "packages/again", "actions/own/act", "actions/again/act"):
            assert (await client.request("GET", f"{GUEST}/{path}")).status == 200


def test_only_adobes_profile_withholds_packages() -> None:
    assert {name: limits.execute_only for name, limits in PROFILES.items()} == {"openwhisk": False, "adobe": True}


async def test_code_is_shown_nowhere_once_it_is_withheld(client: AsgiClient) -> None:
    created = await put(client, f"{GUEST}/actions/a", {"exec": NODE, "annotations": WITHHELD})
    assert created["exec"] == {"kind": "nodejs:24", "binary": False}
    for target in ("", "?code=false"):
        assert "code" not in (await client.request("GET", f"{GUEST}/actions/a{target}")).json()["exec"]
    asked = await client.request("GET", f"{GUEST}/actions/a?code=true")
    assert asked.status == 403
    assert asked.json()["error"] == "The code of the action 'guest/a' cannot be read: it has the annotation disable-download."
    assert "code" not in (await put(client, f"{GUEST}/actions/a", {"parameters": []}))["exec"]
    assert (await client.request("POST", f"{GUEST}/actions/a?blocking=true")).status == 200
    assert "code" not in (await client.request("DELETE", f"{GUEST}/actions/a")).json()["exec"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"annotations": [{"key": "disable-download", "value": False}]}, id="false"),
        pytest.param({"delAnnotations": ["disable-download"]}, id="deleted"),
        pytest.param({"exec": NODE, "delAnnotations": ["disable-download"]}, id="deleted with new code"),
    ],
)
async def test_it_cannot_be_taken_back(client: AsgiClient, change: Any) -> None:
    await put(client, f"{GUEST}/actions/a", {"exec": NODE, "annotations": WITHHELD})
    answer = await client.request("PUT", f"{GUEST}/actions/a?overwrite=true", json=change)
    assert (answer.status, answer.json()["error"]) == (400, "The annotation disable-download cannot be taken back.")
    assert (await client.request("GET", f"{GUEST}/actions/a?code=true")).status == 403


async def test_it_can_be_set_later(client: AsgiClient) -> None:
    await put(client, f"{GUEST}/actions/a", {"exec": NODE})
    assert (await client.request("GET", f"{GUEST}/actions/a?code=true")).json()["exec"]["code"] == SOURCE
    await put(client, f"{GUEST}/actions/a", {"annotations": WITHHELD})
    assert (await client.request("GET", f"{GUEST}/actions/a?code=true")).status == 403
