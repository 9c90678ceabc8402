"""The body of `/init`, field by field."""

from typing import Any

import msgspec

from ioruntime.invoker.payload import init_payload
from ioruntime.model.action import Action
from ioruntime.model.activation import ActivationId
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.ports.bus import InvocationRequest

EXEC = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
ID = ActivationId("0" * 32)


def request(environment: dict[str, str] | None = None, *, api_key: str | None = None, concurrency: int = 1) -> InvocationRequest:
    return InvocationRequest(
        activation_id=ID,
        transaction_id="tid",
        namespace="me",
        subject="me",
        action=Action(path=EntityPath("her", "a", "p"), exec=EXEC, version="0.0.7", limits=ActionLimits(concurrency=concurrency)),
        arguments=msgspec.Raw(b"{}"),
        environment=environment or {},
        api_key=api_key,
        received_ms=5,
    )


def init(
    of: InvocationRequest, exec_: CodeExec = EXEC, *, source: str | None = "let x", directory: str | None = None
) -> dict[str, Any]:
    return msgspec.json.decode(init_payload(of, exec_, source=source, directory=directory, now_ms=1000))["value"]


OW = {
    "__OW_NAMESPACE": "me",
    "__OW_ACTION_NAME": "/her/p/a",
    "__OW_ACTION_VERSION": "0.0.7",
    "__OW_ACTIVATION_ID": ID,
    "__OW_TRANSACTION_ID": "tid",
    "__OW_DEADLINE": "61000",
}


def test_init_with_source() -> None:
    assert init(request()) == {
        "name": "a",
        "main": "main",
        "code": "let x",
        "binary": False,
        "env": OW,
        "concurrent": False,
    }


def test_init_with_a_directory() -> None:
    binary = CodeExec(kind="nodejs:24", code=EXEC.code, binary=True, main="handler")
    value = init(request(), binary, source=None, directory="/code")
    assert (value["main"], value["code"], value["binary"], value["directory"]) == ("handler", "", True, "/code")


def test_a_shared_sandbox_knows_it() -> None:
    assert init(request(concurrency=2))["concurrent"] is True


def test_the_environment_has_init_parameters_and_the_key_when_allowed() -> None:
    assert init(request({"mine": "x"}, api_key="u:k"))["env"] == OW | {"mine": "x", "__OW_API_KEY": "u:k"}


def test_a_parameter_cannot_pretend_to_be_the_platform() -> None:
    assert init(request({"__OW_NAMESPACE": "whisk.system"}))["env"] == OW
