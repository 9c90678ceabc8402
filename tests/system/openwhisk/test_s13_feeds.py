"""Section 13: feeds, and the packages that clients expect in `whisk.system`."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api

pytestmark = pytest.mark.timeout(60)


def feed(api: Api, name: str, event: str, **parameters: Any) -> Any:
    path = f"/api/v1/namespaces/whisk.system/actions/alarms/{name}?blocking=true"
    payload = {"lifecycleEvent": event, "triggerName": "/_/t", "authKey": "x:y"} | parameters
    answer = api.ask("POST", path, payload)
    return answer.status, answer.json()["response"]["result"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        pytest.param("alarm", {"cron": "0 0 1 1 *"}, id="13 five fields"),
        pytest.param("alarm", {"cron": "0 0 0 1 1 *", "timezone": "Europe/Berlin"}, id="13 six fields"),
        pytest.param("interval", {"minutes": 600}, id="13 interval"),
        pytest.param("once", {"date": "2099-01-01T00:00:00.000Z", "deleteAfterFire": "rules"}, id="13 once"),
    ],
)
def test_13_lifecycle(api: Api, name: str, parameters: dict[str, Any]) -> None:
    api.put("triggers/t")
    assert feed(api, name, "CREATE", **parameters)[0] == 200
    status, read = feed(api, name, "READ")
    assert (status, read["config"]["name"], read["status"]["active"]) == (200, "t", True)
    assert feed(api, name, "DELETE")[0] == 200
    assert feed(api, name, "READ")[0] == 502


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        pytest.param("alarm", {"cron": "nonsense"}, id="13 no cron"),
        pytest.param("alarm", {"cron": "0 0 30 2 *"}, id="13 a cron that never fires"),
        pytest.param("interval", {"minutes": 0}, id="13 no time"),
        pytest.param("once", {"date": "2001-01-01T00:00:00.000Z"}, id="13 a date that is over"),
    ],
)
def test_13_refusals(api: Api, name: str, parameters: dict[str, Any]) -> None:
    api.put("triggers/t")
    status, result = feed(api, name, "CREATE", **parameters)
    assert (status, list(result)) == (502, ["error"])


@pytest.mark.parametrize(
    ("package", "actions"),
    [
        ("utils", {"echo", "cat", "sort", "split", "head", "date", "hosturl", "namespace", "smash"}),
        ("samples", {"helloWorld", "greeting", "wordCount", "curl", "echo"}),
        ("alarms", {"alarm", "interval", "once"}),
    ],
)
def test_13_packages_of_the_system(api: Api, package: str, actions: set[str]) -> None:
    found = api.get(f"/api/v1/namespaces/whisk.system/packages/{package}")
    assert actions <= {each["name"] for each in (*found["actions"], *found["feeds"])}
