"""Section 10: packages and bindings."""

from typing import Any

import pytest
from tests.system.openwhisk.conftest import Api, annotation, code, pairs, refused

pytestmark = pytest.mark.timeout(60)


def binding(name: str, namespace: str = "_") -> dict[str, Any]:
    return {"binding": {"namespace": namespace, "name": name}}


@pytest.mark.parametrize(
    ("name", "body", "status", "text"),
    [
        pytest.param("default", {}, 400, "Package name 'default' is reserved.", id="10 default"),
        pytest.param("x", binding("none"), 400, "Binding references a package that does not exist.", id="10 no target"),
        pytest.param("x", binding("a"), 409, "Cannot bind to a resource that is not a package.", id="10 no package"),
        pytest.param("x", binding("b"), 400, "Cannot bind to another package binding.", id="10 a binding"),
        pytest.param("p", binding("q"), 409, "Resource is a package and cannot be converted into a binding.", id="10 convert"),
        pytest.param("x", binding("x", "whisk.system"), 403, None, id="10 foreign and private"),
    ],
)
def test_10_refusals(api: Api, name: str, body: Any, status: int, text: str | None) -> None:
    api.action("a")
    for package in ("p", "q"):
        api.put(f"packages/{package}")
    api.put("packages/b", binding("p"))
    answer = refused(api.ask("PUT", f"packages/{name}?overwrite=true", body))
    assert answer[0] == status
    assert text is None or answer[1] == text


def test_10_an_updated_binding_keeps_its_target(api: Api) -> None:
    api.put("packages/p")
    api.put("packages/b", binding("p"))
    after = api.put("packages/b", {"parameters": pairs(x=1)}, overwrite=True)
    assert after["binding"] == annotation(after, "binding") == {"namespace": api.namespace, "name": "p"}


def test_10_reading(api: Api) -> None:
    api.put("packages/p", {"parameters": pairs(a=1, b=1), "annotations": pairs(of="package")})
    api.action("p/act")
    api.action("p/source", annotations=pairs(feed=False))
    api.put("packages/b", binding("p") | {"parameters": pairs(b=2), "annotations": pairs(of="binding")})
    whole, bound = api.get("packages/p"), api.get("packages/b")
    assert whole["binding"] == {}
    assert (bound["name"], annotation(bound, "of"), bound["namespace"]) == ("b", "binding", api.namespace)
    assert sorted(bound["parameters"], key=lambda each: each["key"]) == pairs(a=1, b=2)
    for package in (whole, bound):
        assert [each["name"] for each in package["actions"]] == ["act"]
        assert [each["name"] for each in package["feeds"]] == ["source"]
        assert package["actions"][0].keys() == {"name", "version", "annotations"}
    assert {row["namespace"] for row in api.get("actions/b/")} == {f"{api.namespace}/p"}


def test_10_deleting(api: Api) -> None:
    api.put("packages/p")
    for number, contents in (("1", "1 entity"), ("2", "2 entities")):
        api.action(f"p/a{number}")
        text = f"Package not empty (contains {contents}). Set force param or delete package contents."
        assert refused(api.ask("DELETE", "packages/p")) == (409, text)
    api.put("packages/b", binding("p"))
    assert api.ask("DELETE", "packages/p?force=true").status == 200
    assert api.get("actions") == []
    assert refused(api.ask("GET", "packages/p"))[0] == 404
    assert refused(api.ask("POST", "actions/b/a1"))[0] == 404


def test_10_through_a_binding(api: Api, other: Api) -> None:
    other.put("packages/tools", {"publish": True, "parameters": pairs(a=1, b=1)})
    other.action("tools/act")
    api.put("packages/b", binding("tools", other.namespace) | {"parameters": pairs(b=2)})
    assert api.result("b/act", {"c": 3}) == {"a": 1, "b": 2, "c": 3}
    record = api.client.ended(api.run("b/act").json()["activationId"])
    assert (record["namespace"], annotation(record, "path")) == (api.namespace, f"{other.namespace}/tools/act")
    for method in ("PUT", "DELETE"):
        answer = api.ask(method, "actions/b/act", code())
        assert refused(answer) == (400, "Operation not permitted on package binding.")
    assert annotation(api.get("actions/b/act"), "binding") is None
