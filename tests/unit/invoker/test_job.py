"""What is worked out once for an action: what `/run` says of it, and which sandbox it wants."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.invoker.job import Jobs
from ioruntime.model.action import Action
from ioruntime.model.activation import ActivationId
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.kinds import Family, Kinds, NoInterpreterError
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.sandbox import Interpreter

NODE = Family(kind="nodejs:{}", image="i", default=24, oldest=6, newest=26, listed=(24,), command=("node",))
KINDS = Kinds.of({"nodejs": NODE}, ["nodejs:24"])
INTERPRETERS = {"nodejs:24": Interpreter("nodejs:24", ("node",), mounts=((Path("/n"), "/n"),))}
ID = ActivationId("0" * 32)
ACTION = Action(
    path=EntityPath("her", "a", "p"),
    exec=CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1)),
    version="0.0.7",
    revision=3,
    limits=ActionLimits(concurrency=5, timeout_ms=60_000),
)


def jobs() -> Jobs:
    return Jobs(KINDS, INTERPRETERS)


def request(action: Action = ACTION, *, arguments: bytes = b"{}", tid: str = "tid", **changes: Any) -> InvocationRequest:
    asked = InvocationRequest(
        activation_id=ID,
        transaction_id=tid,
        namespace="me",
        subject="me",
        action=action,
        arguments=msgspec.Raw(arguments),
        received_ms=5,
    )
    return msgspec.structs.replace(asked, **changes)


@pytest.mark.parametrize("arguments", [b'{"a": 1.50, "b":{}}', b"{}", b"[1, 2]"])
@pytest.mark.parametrize("tid", ["tid", 'a"b\\c'], ids=["plain", "with what JSON escapes"])
def test_run_hands_the_arguments_on_as_they_are(arguments: bytes, tid: str) -> None:
    asked = request(arguments=arguments, tid=tid)
    body = jobs().of(asked).run_payload(asked, now_ms=1000)
    assert body.startswith(b'{"value":' + arguments + b",")
    assert msgspec.json.decode(body) == {
        "value": msgspec.json.decode(arguments),
        "namespace": "me",
        "action_name": "/her/p/a",
        "action_version": "0.0.7",
        "activation_id": ID,
        "transaction_id": tid,
        "deadline": "61000",
    }


def test_run_brings_the_key_only_when_allowed() -> None:
    asked = request(api_key="u:k")
    assert msgspec.json.decode(jobs().of(asked).run_payload(asked, now_ms=0))["api_key"] == "u:k"


def test_a_job_is_made_once_for_an_action_as_it_is() -> None:
    found = jobs()
    job = found.of(request())
    assert found.of(request()) is job
    assert found.of(request(msgspec.structs.replace(ACTION))) is not job


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"namespace": "you"}, id="another namespace"),
        pytest.param({"api_key": "u:k"}, id="another key"),
        pytest.param({"binding": EntityPath("me", "b")}, id="through a binding"),
    ],
)
def test_what_differs_is_another_job(changes: dict[str, Any]) -> None:
    found = jobs()
    job, other = found.of(request()), found.of(request(**changes))
    assert other is not job
    assert found.of(request()).want == job.want


def test_a_sandbox_is_wanted_for_one_revision_by_one_way() -> None:
    assert jobs().of(request()).want.owner == "me/her/p/a@3"
    assert jobs().of(request(binding=EntityPath("me", "b"))).want.owner == "me/her/p/a@3 via me/b"
    assert jobs().of(request()).want.capacity == 5


def test_a_kind_that_nothing_runs() -> None:
    with pytest.raises(NoInterpreterError):
        Jobs(Kinds.of({"nodejs": NODE}, []), {}).of(request())
