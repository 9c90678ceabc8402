"""Section 4: namespaces, limits, what anybody may know."""

import pytest
from tests.system.openwhisk.conftest import NAMESPACES, Api, refused

from ioruntime.testing.server import ServerClient

pytestmark = pytest.mark.timeout(60)


def test_4_namespaces(api: Api) -> None:
    assert api.get(NAMESPACES) == [api.namespace]
    for method in ("PUT", "POST", "DELETE"):
        assert refused(api.ask(method, NAMESPACES))[0] == 405
    assert refused(api.ask("GET", f"{NAMESPACES}/{api.namespace}"))[0] == 404


@pytest.mark.parametrize("path", ["limits", "limits/"])
def test_4_limits(api: Api, path: str) -> None:
    limits = api.get(path)
    numbers = {"invocationsPerMinute", "concurrentInvocations", "firesPerMinute", "maxActionInstances"}
    numbers |= {f"{end}Action{what}" for end in ("min", "max") for what in ("Memory", "Logs", "Timeout", "Concurrency")}
    assert all(isinstance(limits[name], int) for name in numbers)
    assert limits["maxParameterSize"] == "1048576 B"
    assert limits["maxActionInstances"] == limits["concurrentInvocations"]
    assert limits.keys() == numbers | {"maxParameterSize"}


def test_4_no_single_limit(api: Api) -> None:
    assert refused(api.ask("GET", "limits/x"))[0] == 400
    assert refused(api.ask("POST", "limits/x"))[0] == 405


def test_4_the_api(anybody: ServerClient) -> None:
    told = anybody.request("GET", "/api/v1").json()
    assert (told["description"], told["api_version"], told["api_version_path"]) == ("OpenWhisk API", "1.0.0", "v1")
    assert isinstance(told["build"], str)
    assert isinstance(told["buildno"], str)
    assert told["swagger_paths"] == {"ui": "/docs", "api-docs": "/api-docs"}
    assert anybody.request("GET", "/ping").body == b"pong"


def test_4_the_system(anybody: ServerClient) -> None:
    told = anybody.request("GET", "/").json()
    assert (told["description"], told["api_paths"]) == ("OpenWhisk", ["/api/v1"])
    single = {"actions_per_minute", "triggers_per_minute", "concurrent_actions", "sequence_length"}
    bounds = {f"{end}_action_{what}" for end in ("default", "min", "max") for what in ("duration", "memory", "logs")}
    assert told["limits"].keys() == single | bounds
    assert (told["limits"]["sequence_length"], told["limits"]["default_action_memory"]) == (50, 256 * 1024 * 1024)
    for family in ("nodejs", "python"):
        assert sum(each["default"] for each in told["runtimes"][family]) == 1
        assert {"kind", "default", "deprecated", "attached", "requireMain"} <= told["runtimes"][family][0].keys()
