"""What clients see of an action, by what runs."""

import msgspec
import pytest

from ioruntime.faces.rest.documents import action_document, action_row
from ioruntime.model.action import Action
from ioruntime.model.exec import CodeExec, CodeReference, Exec, ImageExec, NativeExec, SequenceExec
from ioruntime.model.names import EntityPath

CODE = CodeReference("0" * 64, 4)


@pytest.mark.parametrize(
    ("exec_", "code", "document", "binary"),
    [
        pytest.param(
            CodeExec(kind="nodejs:24", code=CODE, main="go"),
            "code",
            {"kind": "nodejs:24", "code": "code", "binary": False, "main": "go"},
            False,
            id="source",
        ),
        pytest.param(
            CodeExec(kind="nodejs:24", code=CODE, binary=True), None, {"kind": "nodejs:24", "binary": True}, True, id="no code"
        ),
        pytest.param(
            ImageExec(image="me/mine", code=CODE, binary=True),
            "code",
            {"kind": "blackbox", "image": "me/mine", "code": "code", "binary": True},
            True,
            id="an image with code",
        ),
        pytest.param(
            ImageExec(image="me/mine"), None, {"kind": "blackbox", "image": "me/mine", "binary": False}, False, id="an image"
        ),
        pytest.param(
            SequenceExec(("/ns/a", "/ns/b")), None, {"kind": "sequence", "components": ["/ns/a", "/ns/b"]}, False, id="a sequence"
        ),
        pytest.param(NativeExec("alarms.once"), None, {"kind": "native", "binary": False}, False, id="the platform's own"),
    ],
)
def test_exec(exec_: Exec, code: str | None, document: dict[str, object], binary: bool) -> None:
    action = Action(path=EntityPath("ns", "a", "p"), exec=exec_)
    assert msgspec.json.decode(msgspec.json.encode(action_document(action, code)))["exec"] == document
    row = action_row(action)
    assert (row.namespace, row.exec.binary) == ("ns/p", binary)
