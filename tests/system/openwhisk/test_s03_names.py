"""Section 3: names, common fields, versions, updates."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.system.openwhisk.conftest import Api, code, pairs, refused

pytestmark = pytest.mark.timeout(60)
ILLEGAL = "The name of the entity contains illegal characters."


@pytest.mark.parametrize("name", ["a", "_", "A1", "a b", "a@b.c&d-e", "x" * 256, "0"])
def test_3_legal_names(api: Api, name: str) -> None:
    assert api.put(f"triggers/{quote(name)}")["name"] == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(" a", ILLEGAL, id="3 a blank before"),
        pytest.param("a ", ILLEGAL, id="3 a blank behind"),
        pytest.param(".a", ILLEGAL, id="3 punctuation before"),
        pytest.param("a$", ILLEGAL, id="3 another character"),
        pytest.param("x" * 257, "Name segement longer than allowed: 257 > 256.", id="3 too long"),
    ],
)
def test_3_illegal_names(api: Api, name: str, text: str) -> None:
    assert refused(api.ask("PUT", f"triggers/{quote(name)}", {})) == (400, text)


def test_3_case_matters(api: Api) -> None:
    api.put("triggers/a")
    assert api.put("triggers/A")["name"] == "A"


@pytest.mark.parametrize("first", ["actions/x", "packages/x", "triggers/x"])
def test_3_one_key_space(api: Api, first: str) -> None:
    api.put(first, code() if first.startswith("actions") else {})
    for second in {"actions/x", "packages/x", "triggers/x"} - {first}:
        body: Any = code() if second.startswith("actions") else {}
        text = "Resource by this name exists but is not in this collection."
        assert refused(api.ask("PUT", f"{second}?overwrite=true", body)) == (409, text)


def test_3_a_bare_name_in_a_body_is_refused(api: Api) -> None:
    text = "The fully qualified name of the entity must contain at least the namespace and the name of the entity."
    answer = api.ask("PUT", "rules/r", {"trigger": "t", "action": "a"})
    assert refused(answer)[0] == 400
    assert refused(answer)[1].endswith(text)


def test_3_common_fields_and_who_says_where(api: Api) -> None:
    created = api.put("triggers/t", {"namespace": "elsewhere", "name": "other"})
    assert (created["namespace"], created["name"], created["version"]) == (api.namespace, "t", "0.0.1")
    assert (created["publish"], created["annotations"]) == (False, [])
    assert created["updated"] > 1_600_000_000_000


def test_3_versions(api: Api) -> None:
    api.put("triggers/t")
    assert api.put("triggers/t", overwrite=True)["version"] == "0.0.2"
    assert api.put("triggers/t", {"version": "3.2.1"}, overwrite=True)["version"] == "3.2.1"
    assert api.put("triggers/t", overwrite=True)["version"] == "3.2.2"
    for wrong in ("0.0.0", "", "1.x"):
        assert api.ask("PUT", "triggers/t?overwrite=true", {"version": wrong}).status == 400


def test_3_updates_merge(api: Api) -> None:
    api.put("packages/p", {"publish": True, "parameters": pairs(a=1), "annotations": pairs(b=2)})
    after = api.put("packages/p", {"parameters": pairs(c=3)}, overwrite=True)
    assert (after["publish"], after["parameters"], after["annotations"]) == (True, pairs(c=3), pairs(b=2))
    assert refused(api.ask("PUT", "packages/p", {})) == (409, "resource already exists")
    assert api.ask("DELETE", "packages/p").json()["name"] == "p"
