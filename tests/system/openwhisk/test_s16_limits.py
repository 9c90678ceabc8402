"""Section 16: limits of actions."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api, code, refused

from ioruntime.testing.server import Server, eventually

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"timeout": 300_001}, "duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds"),
        ({"timeout": 99}, "duration 99 milliseconds below allowed threshold of 100 milliseconds"),
        ({"memory": 513}, "memory size 513 MB exceeds allowed threshold of 512 MB"),
        ({"memory": 127}, "memory size 127 MB below allowed threshold of 128 MB"),
        ({"logs": 11}, "log size 11 MB exceeds allowed threshold of 10 MB"),
        ({"concurrency": 501}, "concurrency 501 exceeds allowed threshold of 500"),
        ({"concurrency": 0}, "concurrency 0 below allowed threshold of 1"),
        ({"instances": 0}, "Action container concurrency must be greater than or equal to 1."),
        ({"timeout": 1.5}, "The request content was malformed:\n"),
        ({"memory": "256"}, "The request content was malformed:\n"),
    ],
)
def test_16_violations(api: Api, limits: Any, text: str) -> None:
    answer = refused(api.ask("PUT", "actions/a", code() | {"limits": limits}))
    assert answer[0] == 400
    assert text in answer[1]


def test_16_bounds_and_defaults(api: Api) -> None:
    assert api.action("a")["limits"] == {"timeout": 60_000, "memory": 256, "logs": 10, "concurrency": 1}
    most = {"timeout": 300_000, "memory": 512, "logs": 10, "concurrency": 500}
    assert api.action("b", limits=most)["limits"] == most
    least = {"timeout": 100, "memory": 128, "logs": 0, "concurrency": 1}
    assert api.action("c", limits=least)["limits"] == least


def test_16_a_namespaces_own_limit_is_named(server: Server, api: Api) -> None:
    assert server.cli("limits", "set", api.namespace, "maxActionMemory=200").returncode == 0
    eventually(lambda: api.get("limits")["maxActionMemory"] == 200, within_s=30.0)
    answer = refused(api.ask("PUT", "actions/a", code() | {"limits": {"memory": 513}}))
    assert "memory size 513 MB exceeds allowed threshold of 200 MB" in answer[1]


def test_16_time_is_enforced(api: Api) -> None:
    api.action("slow", "import time\ndef main(args): time.sleep(30)", limits={"timeout": 200})
    answer = api.run("slow")
    assert answer.status == 502
    assert answer.json()["response"]["result"]["error"].startswith("The action exceeded its time limits of 200 milliseconds")


def test_16_sizes_at_the_bound(api: Api) -> None:
    api.action("a", "def main(args): return {'n': len(args['x'])}")
    body = b'{"x":"' + b"y" * (1_048_576 - 8) + b'"}'
    answer = api.ask("POST", "actions/a?blocking=true&result=true", body=body, headers={"Content-Type": "application/json"})
    assert (len(body), answer.json()) == (1_048_576, {"n": 1_048_568})
