"""`aio rt package`: parameters that are inherited, bindings, and deleting what is not empty."""

import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.server import ServerClient

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
PACKAGES = "/api/v1/namespaces/_/packages"


def test_a_package_a_binding_and_their_parameters(aio: Aio, api: ServerClient) -> None:
    aio.write("echo.js", "function main(params) { return params }")
    made = aio.json("package create tools --param a package --param b package --annotation why test --json")
    assert (made["publish"], made["parameters"][0]) == (False, {"key": "a", "value": "package"})
    aio("action create tools/echo echo.js --param b action")
    namespace = made["namespace"]
    aio(f"package bind /{namespace}/tools bound --param a binding")
    assert aio.json("action invoke tools/echo --result") == {"a": "package", "b": "action"}
    assert aio.json("action invoke bound/echo --result --param c call") == {"a": "binding", "b": "action", "c": "call"}
    shown = aio.json("package get bound")
    assert shown["binding"] == {"namespace": namespace, "name": "tools"}
    assert [each["name"] for each in shown["actions"]] == ["echo"]
    listed = {each["name"]: each["binding"] for each in aio.json("package list --json")}
    assert listed == {"tools": False, "bound": {"namespace": namespace, "name": "tools"}}
    assert [each["name"] for each in aio.json("action list tools --json")] == ["echo"]
    aio("package update tools --shared yes")
    assert api.request("GET", f"{PACKAGES}/tools").json()["publish"] is True


def test_deleting_with_and_without_what_is_inside(aio: Aio, api: ServerClient) -> None:
    aio.write("echo.js", "function main(params) { return params }")
    aio("package create full")
    aio("action create full/echo echo.js")
    assert "409 Conflict" in aio.refused("package delete full")
    aio("package delete full --recursive")
    assert api.request("GET", PACKAGES).json() == []
    assert api.request("GET", "/api/v1/namespaces/_/actions").json() == []
    assert "404 Not Found" in aio.refused("package get full")
