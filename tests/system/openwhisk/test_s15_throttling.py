"""Section 15: how often, and how many at once."""

import pytest
from tests.system.openwhisk.conftest import Api, refused

from ioruntime.testing.server import Server, eventually

pytestmark = pytest.mark.timeout(60)


def limit(server: Server, api: Api, name: str, value: int) -> None:
    done = server.cli("limits", "set", api.namespace, f"{name}={value}")
    assert done.returncode == 0, done.stderr
    eventually(lambda: api.get("limits")[name] == value, within_s=30.0)


def test_15_invocations_per_minute(server: Server, api: Api) -> None:
    api.action("a")
    limit(server, api, "invocationsPerMinute", 2)
    assert [api.ask("POST", "actions/a").status for _ in range(2)] == [202, 202]
    answer = api.ask("POST", "actions/a")
    assert refused(answer) == (429, "Too many requests in the last minute (count: 3, allowed: 2).")
    assert 1 <= int(answer.headers["retry-after"]) <= 61


def test_15_fires_per_minute_are_counted_apart(server: Server, api: Api) -> None:
    api.action("a")
    api.put("triggers/t")
    api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    limit(server, api, "firesPerMinute", 1)
    assert api.ask("POST", "triggers/t").status == 202
    assert refused(api.ask("POST", "triggers/t")) == (429, "Too many requests in the last minute (count: 2, allowed: 1).")
    assert api.ask("POST", "actions/a").status == 202


def test_15_nothing_at_once(server: Server, api: Api) -> None:
    api.action("a")
    limit(server, api, "concurrentInvocations", 0)
    assert refused(api.run("a")) == (429, "Too many concurrent requests in flight (count: 1, allowed: 0).")


def test_15_a_sequence_counts_once(server: Server, api: Api) -> None:
    api.action("a")
    api.put("actions/s", {"exec": {"kind": "sequence", "components": ["/_/a"] * 5}})
    limit(server, api, "invocationsPerMinute", 1)
    assert api.run("s").status == 200
    assert refused(api.run("s"))[0] == 429
