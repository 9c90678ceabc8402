"""Section 8: sequences."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api, annotation, pairs, refused

pytestmark = pytest.mark.timeout(60)
COUNT = "def main(args): return {'n': args.get('n', 0) + 1} if 'stop' not in args else {'error': 'stopped'}"


def sequence(*components: str) -> dict[str, Any]:
    return {"exec": {"kind": "sequence", "components": list(components)}}


@pytest.mark.parametrize(
    ("components", "status", "text"),
    [
        pytest.param([], 400, "No component specified for the sequence.", id="8 none"),
        pytest.param(["/_/none"], 400, "Sequence component does not exist.", id="8 missing"),
        pytest.param(["/_/a"] * 51, 400, "Too many actions in the sequence.", id="8 too many"),
        pytest.param(["/_/s"], 400, "Sequence may not refer to itself.", id="8 itself"),
    ],
)
def test_8_checks(api: Api, components: list[str], status: int, text: str) -> None:
    api.action("a", COUNT)
    api.put("actions/s", sequence("/_/a"))
    assert refused(api.ask("PUT", "actions/s?overwrite=true", sequence(*components))) == (status, text)


def test_8_cycles_and_foreign_components(api: Api, other: Api) -> None:
    api.action("a", COUNT)
    api.put("actions/s", sequence("/_/a"))
    api.put("actions/t", sequence("/_/s"))
    assert refused(api.ask("PUT", "actions/s?overwrite=true", sequence("/_/t")))[1] == "Sequence may not refer to itself."
    api.put("actions/wide", sequence(*["/_/a"] * 26))
    assert refused(api.ask("PUT", "actions/x", sequence("/_/wide", "/_/wide")))[1] == "Too many actions in the sequence."
    assert refused(api.ask("PUT", "actions/y", sequence(f"/{other.namespace}/a")))[0] == 403


def test_8_the_whole_result_is_handed_on(api: Api) -> None:
    api.put("packages/p", {"parameters": pairs(extra=1)})
    api.action("p/show", "def main(args): return args")
    api.action("list", "def main(args): return [args.get('n')]")
    api.action("take", "def main(args): return {'got': args}")
    api.put("actions/s", sequence("/_/p/show", "/_/p/show"))
    assert api.result("s", {"n": 5}) == {"n": 5, "extra": 1}
    api.put("actions/t", sequence("/_/list", "/_/take"))
    assert api.result("t", {"n": 5}) == {"got": [5]}


def test_8_an_error_stops_it(api: Api) -> None:
    api.action("a", COUNT)
    api.action("b", "def main(args): return {'stop': 1}")
    api.put("actions/s", sequence("/_/b", "/_/a", "/_/a"))
    answer = api.run("s", {"error": "in the payload stops nothing"})
    record = answer.json()
    assert (answer.status, record["response"]["result"]) == (502, {"error": "stopped"})
    assert len(api.client.ended(record["activationId"])["logs"]) == 2


def test_8_a_component_that_is_gone(api: Api) -> None:
    api.action("a", COUNT)
    api.put("actions/s", sequence("/_/a"))
    api.ask("DELETE", "actions/a")
    answer = api.run("s")
    assert (answer.status, answer.json()["response"]["result"]) == (502, {"error": "Sequence component does not exist."})


def test_8_records(api: Api) -> None:
    api.action("a", COUNT, limits={"memory": 128})
    api.put("actions/inner", sequence("/_/a"))
    api.put("actions/s", sequence("/_/a", "/_/inner"))
    record = api.client.ended(api.run("s").json()["activationId"])
    assert record["response"]["result"] == {"n": 2}
    assert (annotation(record, "topmost"), annotation(record, "kind")) == (True, "sequence")
    assert annotation(record, "path") == f"{api.namespace}/s"
    assert "cause" not in record
    parts = [api.client.ended(each) for each in record["logs"]]
    assert [part["name"] for part in parts] == ["a", "inner"]
    assert all(part["cause"] == record["activationId"] and annotation(part, "causedBy") == "sequence" for part in parts)
    assert record["duration"] == sum(part["duration"] for part in parts)
    assert annotation(parts[1], "topmost") is False
    assert annotation(record, "limits")["memory"] == 128
