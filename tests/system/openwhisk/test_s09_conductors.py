"""Section 9: conductors."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api, annotation, pairs

pytestmark = pytest.mark.timeout(180)
CONDUCTOR = pairs(conductor=True)
STEP = "def main(args): return {'n': args.get('n', 0) + 1}"
ECHO = "def main(args): return args"


def once(**answer: Any) -> str:
    """Write a conductor that answers this at first, and then shows what it gets."""
    return f"def main(args): return dict({answer!r}, state={{'again': 1}}) if 'again' not in args else {{'params': args}}"


def test_9_a_component_runs_and_the_state_comes_back(api: Api) -> None:
    api.action("step", STEP)
    api.action("c", once(action="step", params={"n": 5}), annotations=CONDUCTOR)
    assert api.result("c") == {"n": 6, "again": 1}


def test_9_no_action_ends_it(api: Api) -> None:
    api.action("c", ECHO, annotations=CONDUCTOR)
    assert api.result("c", {"x": 1}) == {"x": 1}
    assert api.result("c", {"params": {"y": 2}, "x": 1}) == {"y": 2}
    assert api.result("c", {"params": 7}) == {"value": 7}
    failed = api.run("c", {"error": "no"})
    assert (failed.status, failed.json()["response"]["status"]) == (502, "application error")


def test_9_a_components_error_is_the_conductors_to_judge(api: Api) -> None:
    api.action("fails", "def main(args): return {'error': 'no'}")
    api.action("c", once(action="fails"), annotations=CONDUCTOR)
    answer = api.run("c")
    assert answer.json()["response"]["result"] == {"error": "no", "again": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a/b/c/d", 'Failed to parse action name from json value "a/b/c/d" during composition.', id="9 no name"),
        pytest.param(7, "Failed to parse action name from json value 7 during composition.", id="9 a number"),
        pytest.param("none", "Failed to resolve action with name '{ns}/none' during composition.", id="9 missing"),
        pytest.param(
            "/whisk.system/none",
            "Failed entitlement check for action with name 'whisk.system/none' during composition.",
            id="9 foreign",
        ),
    ],
)
def test_9_problems_are_told_to_the_conductor(api: Api, name: Any, text: str) -> None:
    api.action("c", once(action=name), annotations=CONDUCTOR)
    assert api.run("c").json()["response"]["result"] == {"error": text.format(ns=api.namespace), "again": 1}


def test_9_limits(api: Api) -> None:
    api.action("step", STEP, limits={"concurrency": 1})
    api.action(
        "c", "def main(args): return {'action': 'step', 'params': args} if 'error' not in args else args", annotations=CONDUCTOR
    )
    answer = api.ask("POST", "actions/c?blocking=true", timeout_s=90.0)
    assert answer.json()["response"]["result"]["error"] == "Too many actions in the composition."
    record = api.client.ended(answer.json()["activationId"])
    assert len(record["logs"]) == 50 + 52


def test_9_records(api: Api) -> None:
    api.action("step", STEP)
    api.action("c", once(action="step"), annotations=CONDUCTOR)
    record = api.client.ended(api.run("c").json()["activationId"])
    assert (annotation(record, "conductor"), annotation(record, "kind"), annotation(record, "topmost")) == (
        True,
        "sequence",
        True,
    )
    parts = [api.client.ended(each) for each in record["logs"]]
    assert [part["name"] for part in parts] == ["c", "step", "c"]
    assert all(part["cause"] == record["activationId"] for part in parts)
