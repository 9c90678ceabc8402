"""What a form means for actions that the catalog gets as sequences or images (pure)."""

from typing import Any

import msgspec
import pytest

from ioruntime.core.catalog import ExecPut
from ioruntime.faces.adobe.documents import action_document
from ioruntime.faces.adobe.forms import ActionForm, creation, update
from ioruntime.model.action import Action
from ioruntime.model.exec import CodeExec, CodeReference, Exec, ImageExec, SequenceExec
from ioruntime.model.names import EntityPath

CODE = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 4), main="start")
SEQUENCE = SequenceExec(("/acme_42/one", "/acme_42/two"))
IMAGE = ImageExec(image="acme/image", main="start")
STEPS = {"components": ["/acme_42/one"]}


def action(exec_: Exec) -> Action:
    return Action(path=EntityPath("acme_42", "hello"), exec=exec_, version="0.0.9")


def form(document: Any) -> ActionForm:
    return msgspec.convert(document, ActionForm)


@pytest.mark.parametrize(
    ("exec_", "code", "expected"),
    [
        pytest.param(CODE, "main", ExecPut(kind="nodejs:24", code="main", main="start"), id="code"),
        pytest.param(SEQUENCE, None, ExecPut(kind="sequence", components=SEQUENCE.components), id="sequence"),
        pytest.param(IMAGE, None, ExecPut(kind="blackbox", code="", main="start", image="acme/image"), id="image"),
    ],
)
def test_document_read_back_is_the_same_action(exec_: Exec, code: str | None, expected: ExecPut) -> None:
    document = msgspec.to_builtins(action_document(action(exec_), code, base_url=""))
    put = update(form(document), action(exec_), code)
    assert (put.exec, put.version) == (expected, msgspec.UNSET)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"exec": STEPS}, ExecPut(kind="sequence", components=("/acme_42/one",)), id="components say it"),
        pytest.param(
            {"exec": STEPS | {"kind": "sequence"}, "code": ""},
            ExecPut(kind="sequence", components=("/acme_42/one",)),
            id="empty code beside",
        ),
        pytest.param({"exec": {"kind": "sequence"}}, ExecPut(kind="sequence", components=()), id="empty sequence"),
        pytest.param({"exec": {"kind": "nodejs:24", "code": "a"}}, ExecPut(kind="nodejs:24", code="a"), id="code in exec"),
        pytest.param(
            {"exec": {"kind": "nodejs:24", "code": "a"}, "code": "b"}, ExecPut(kind="nodejs:24", code="b"), id="code on top wins"
        ),
        pytest.param({}, msgspec.UNSET, id="nothing"),
    ],
)
def test_new_action(document: Any, expected: Any) -> None:
    assert creation(form(document)).exec == expected


def test_code_becomes_a_sequence() -> None:
    put = update(form({"exec": STEPS}), action(CODE), "main")
    assert put.exec == ExecPut(kind="sequence", components=("/acme_42/one",))


def test_sequence_becomes_code() -> None:
    put = update(form({"exec": {"kind": "nodejs:24"}, "code": "main"}), action(SEQUENCE), None)
    assert put.exec == ExecPut(kind="nodejs:24", code="main")
