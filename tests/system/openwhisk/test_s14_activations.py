"""Section 14: records of activations."""

import re
from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api, annotation, refused

pytestmark = pytest.mark.timeout(60)
PRINTING = "import sys\ndef main(args):\n    print('out')\n    print('err', file=sys.stderr)\n    return {'done': 1}"


def ended(api: Api, name: str, payload: Any = None) -> Any:
    return api.client.ended(api.run(name, payload or {}).json()["activationId"])


def test_14_1_record(api: Api) -> None:
    api.action("a", PRINTING)
    record = ended(api, "a")
    assert re.fullmatch("[0-9a-f]{32}", record["activationId"])
    assert (record["namespace"], record["name"], record["version"]) == (api.namespace, "a", "0.0.1")
    assert record["end"] - record["start"] == record["duration"]
    assert record["response"] == {"status": "success", "success": True, "result": {"done": 1}, "size": 11}
    assert "statusCode" not in record["response"]
    assert record["publish"] is False
    assert annotation(record, "path") == f"{api.namespace}/a"
    assert annotation(record, "kind").startswith("python:")
    assert annotation(record, "limits").keys() >= {"timeout", "memory", "logs", "concurrency"}
    assert (annotation(record, "timeout"), annotation(record, "initTime") is None) == (False, False)
    assert annotation(record, "waitTime") >= 0


def test_14_1_log_lines(api: Api) -> None:
    api.action("a", PRINTING)
    lines = ended(api, "a")["logs"]
    form = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z) +(stdout|stderr): (out|err)")
    assert sorted(match[2] for match in map(form.fullmatch, lines) if match) == ["stderr", "stdout"]


def test_14_1_limits_of_logs_and_results(api: Api) -> None:
    api.action("loud", "def main(args):\n    print('x' * 3_000_000)\n    return {}", limits={"logs": 1})
    last = ended(api, "loud")["logs"][-1]
    assert "Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes." in last
    api.action("large", "def main(args): return {'x': 'y' * 1_100_000}")
    response = ended(api, "large")["response"]
    assert response["status"] == "application error"
    assert re.match(
        r"The action produced a response that exceeded the allowed length: \d+ > 1048576 bytes\.", response["result"]["error"]
    )


def test_14_2_single(api: Api) -> None:
    api.action("a", PRINTING)
    record = ended(api, "a")
    path = f"activations/{record['activationId']}"
    assert api.get(path) == record
    assert api.get(f"{path}/result") == record["response"]
    assert api.get(f"{path}/logs") == {"logs": record["logs"]}
    for method in ("PUT", "POST", "DELETE"):
        assert refused(api.ask(method, path))[0] == 405


@pytest.mark.parametrize(
    ("activation_id", "status", "text"),
    [
        ("0" * 31, 400, "Activation id length is 31 but must be 32."),
        ("z" * 32, 400, "The activation id is not valid."),
        ("0" * 32, 404, "The requested resource does not exist."),
    ],
)
def test_14_2_refusals(api: Api, activation_id: str, status: int, text: str) -> None:
    for part in ("", "/result", "/logs"):
        assert refused(api.ask("GET", f"activations/{activation_id}{part}")) == (status, text)


def test_14_3_lists(api: Api) -> None:
    api.put("packages/p")
    api.action("a")
    api.action("p/a")
    first, second = ended(api, "a"), ended(api, "p/a")
    rows = api.get("activations")
    assert [row["start"] for row in rows] == [second["start"], first["start"]]
    summary = {"namespace", "name", "version", "publish", "annotations", "activationId", "start", "end", "duration", "statusCode"}
    assert rows[0].keys() == summary
    assert rows[0]["statusCode"] == 0
    assert len(api.get("activations?name=a")) == 2
    assert [row["activationId"] for row in api.get("activations?name=p/a")] == [second["activationId"]]
    assert len(api.get("activations?name=")) == 2
    assert api.get(f"activations?docs=true&upto={first['start']}") == [first] or first["start"] == second["start"]
    assert second["activationId"] in {row["activationId"] for row in api.get(f"activations?since={second['start']}")}
    assert api.get("activations?count=true") == {"activations": 2}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("name=a/b/c", "Parameter may be a 'simple' name or 'package-name/simple' name: a/b/c"),
        ("since=x", "Parameter is not a valid value for epoch seconds: x"),
        ("upto=x", "Parameter is not a valid value for epoch seconds: x"),
        ("docs=true&count=true", "The parameter 'docs' is not permitted with 'count'."),
    ],
)
def test_14_3_refusals(api: Api, query: str, text: str) -> None:
    answer = refused(api.ask("GET", f"activations?{query}"))
    assert answer[0] == 400
    assert answer[1].endswith(text)
