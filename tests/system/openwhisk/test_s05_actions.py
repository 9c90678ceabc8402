"""Section 5: create, update, read, delete actions."""

import base64
import io
import zipfile
from typing import Any

import pytest
from tests.system.openwhisk.conftest import ECHO, PYTHON, Api, annotation, code, pairs, refused

pytestmark = pytest.mark.timeout(60)


def archive() -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        writer.writestr("__main__.py", ECHO)
    return base64.b64encode(packed.getvalue()).decode()


CODE = f"'code' must be a string or attachment object defined in 'exec' for '{PYTHON}' actions"
LARGE = pairs(a="x" * 1_048_576)
MALFORMED = "The request content was malformed:\n"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        pytest.param({}, 400, "exec undefined", id="5.1 no exec"),
        pytest.param({"exec": {"code": "x"}}, 400, "'kind' must be a string defined in 'exec'", id="5.1 no kind"),
        pytest.param({"exec": {"kind": PYTHON}}, 400, CODE, id="5.1 no code"),
        pytest.param({"exec": {"kind": "sequence"}}, 400, "'components' must be defined", id="5.1 no components"),
        pytest.param(code() | {"parameters": {"a": 1}}, 400, MALFORMED, id="5.1 no array"),
        pytest.param(code(kind="cobol:85"), 400, "The specified runtime 'cobol:85' is not supported", id="5.1 unknown kind"),
        pytest.param(code() | {"parameters": LARGE}, 413, "parameters larger than allowed: ", id="5.1 large parameters"),
        pytest.param(code() | {"annotations": LARGE}, 413, "annotations larger than allowed: ", id="5.1 large annotations"),
    ],
)
def test_5_1_refusals(api: Api, body: Any, status: int, text: str) -> None:
    answer = api.ask("PUT", "actions/a", body)
    assert refused(answer)[0] == status
    assert refused(answer)[1].startswith(text)
    assert api.get("actions") == []


def test_5_1_packages_of_the_path(api: Api) -> None:
    assert refused(api.ask("PUT", "actions/none/a", code())) == (404, "The requested resource does not exist.")
    api.put("packages/p")
    api.put("packages/b", {"binding": {"namespace": "_", "name": "p"}})
    for method, body in (("PUT", code()), ("DELETE", None)):
        assert refused(api.ask(method, "actions/b/a", body)) == (400, "Operation not permitted on package binding.")
    assert api.action("p/a")["namespace"] == f"{api.namespace}/p"


@pytest.mark.parametrize(
    ("asked", "family"), [("python:default", "python"), (" PYTHON:3.11 ", "python"), ("nodejs:default", "nodejs")]
)
def test_5_1_kinds_are_stored_resolved(api: Api, asked: str, family: str) -> None:
    kind = api.put("actions/a", code(kind=asked))["exec"]["kind"]
    assert kind.startswith(f"{family}:")
    assert not kind.endswith("default")
    assert annotation(api.get("actions/a"), "exec") == kind


def test_5_1_archives_are_detected(api: Api) -> None:
    assert api.put("actions/z", code(archive()))["exec"]["binary"] is True
    assert api.result("z", {"a": 1}) == {"a": 1}
    assert api.action("t")["exec"]["binary"] is False
    assert api.put("actions/empty", code(""))["exec"]["code"] == ""


def test_5_1_updates(api: Api) -> None:
    api.action("a", parameters=pairs(p=1, q=2), annotations=pairs(x=1, y=2), limits={"timeout": 5000})
    after = api.put("actions/a", {"annotations": pairs(y=3), "delAnnotations": ["x"]}, overwrite=True)
    assert (annotation(after, "x"), annotation(after, "y"), after["limits"]["timeout"]) == (None, 3, 5000)
    assert after["parameters"] == pairs(p=1, q=2)
    assert api.put("actions/a", {"parameters": pairs(r=3)}, overwrite=True)["parameters"] == pairs(r=3)


def test_5_2_what_the_system_adds(api: Api) -> None:
    created = api.action("a", annotations=pairs(exec="mine"))
    assert (annotation(created, "exec"), annotation(created, "provide-api-key")) == (PYTHON, False)
    assert annotation(api.action("b", annotations=[{"key": "provide-api-key", "value": True}]), "provide-api-key") is True
    chain = api.put("actions/s", {"exec": {"kind": "sequence", "components": ["/_/a"]}, "parameters": pairs(p=1)})
    assert chain["parameters"] == [{"key": "_actions", "value": [f"/{api.namespace}/a"]}]
    assert chain["exec"]["components"] == [f"/{api.namespace}/a"]
    assert api.put("actions/s", code(), overwrite=True)["parameters"] == []


def test_5_3_read_and_delete(api: Api) -> None:
    api.put("packages/p", {"parameters": pairs(a=1, b=1)})
    api.action("p/a", parameters=pairs(b=2))
    got = api.get("actions/p/a")
    fields = {"namespace", "name", "version", "publish", "annotations", "parameters", "limits", "exec", "updated"}
    assert got.keys() == fields
    assert sorted(got["parameters"], key=lambda each: each["key"]) == pairs(a=1, b=2)
    assert got["exec"]["code"] == ECHO
    assert api.get("actions/p/a?code=false")["exec"] == {"kind": PYTHON, "binary": False}
    assert api.ask("DELETE", "actions/p/a").json()["name"] == "a"
    for method in ("GET", "DELETE"):
        assert refused(api.ask(method, "actions/p/a")) == (404, "The requested resource does not exist.")
