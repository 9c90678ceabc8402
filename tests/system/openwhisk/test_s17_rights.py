"""Section 17: who may do what to whose things."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import NAMESPACES, Api, code, refused

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def theirs(other: Api) -> str:
    """Path of a namespace with a published and a private package, an action in each, and one of everything else."""
    other.put("packages/open", {"publish": True})
    other.put("packages/closed")
    for name in ("open/a", "closed/a", "alone"):
        other.action(name)
    other.put("triggers/t")
    other.put("rules/r", {"trigger": "/_/t", "action": "/_/alone"})
    return f"{NAMESPACES}/{other.namespace}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "packages/open", None, id="17 read a published package"),
        pytest.param("GET", "actions/open/", None, id="17 list its actions"),
        pytest.param("GET", "actions/open/a", None, id="17 read one"),
        pytest.param("POST", "actions/open/a?blocking=true", {}, id="17 invoke one"),
    ],
)
def test_17_what_is_published_is_for_everybody(api: Api, theirs: str, method: str, path: str, body: Any) -> None:
    assert api.ask(method, f"{theirs}/{path}", {} if body is None else body).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "packages/closed", None),
        ("GET", "packages/none", None),
        ("GET", "actions/closed/a", None),
        ("GET", "actions/alone", None),
        ("GET", "actions/none", None),
        ("POST", "actions/alone", {}),
        ("POST", "actions/open/none", {}),
        ("PUT", "actions/open/new", code()),
        ("PUT", "packages/open?overwrite=true", {}),
        ("DELETE", "actions/open/a", None),
        ("DELETE", "packages/open", None),
        ("GET", "triggers/t", None),
        ("POST", "triggers/t", {}),
        ("GET", "rules/r", None),
        ("POST", "rules/r", {"status": "inactive"}),
        ("GET", "actions", None),
        ("GET", "triggers", None),
        ("GET", "rules", None),
        ("GET", "activations", None),
        ("GET", f"activations/{'0' * 32}", None),
    ],
)
def test_17_nothing_else_and_nobody_learns_what_there_is(api: Api, theirs: str, method: str, path: str, body: Any) -> None:
    answer = api.ask(method, f"{theirs}/{path}", {} if body is None else body)
    assert refused(answer)[0] == 403
    assert refused(answer)[1].startswith("The supplied authentication is not authorized to access '")


def test_17_binding(api: Api, other: Api, theirs: str) -> None:
    api.put("packages/b", {"binding": {"namespace": other.namespace, "name": "open"}})
    for name in ("closed", "none"):
        answer = api.ask("PUT", "packages/c", {"binding": {"namespace": other.namespace, "name": name}})
        assert refused(answer)[0] == 403


def test_17_lists_show_what_is_public(api: Api, theirs: str) -> None:
    assert [row["name"] for row in api.get(f"{theirs}/packages")] == ["open"]


def test_17_ones_own_that_is_missing(api: Api) -> None:
    for path in ("packages/none", "actions/none", "triggers/none", "rules/none"):
        assert refused(api.ask("GET", path))[0] == 404
