"""Conductors over HTTP (OpenWhisk API contract, section 9)."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.faces.rest.services import RestServices
from ioruntime.model.activation import Activation, Status
from ioruntime.model.limits import Limits
from ioruntime.ports.bus import InvocationRequest
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.invoker import FakeInvoker, ended

pytestmark = pytest.mark.anyio

A = "/api/v1/namespaces/_/actions"
P = "/api/v1/namespaces/_/packages"
OTHER = "/api/v1/namespaces/other"
RECORDS = "/api/v1/namespaces/_/activations"
NODE = {"kind": "nodejs:24", "code": "code"}
HERS = "22222222-2222-2222-2222-222222222222:" + "o" * 64
TOO_MANY = "Too many actions in the composition."
LENGTH = 3

Said = Callable[[Any, int], Any]
"""What a conductor says, from what it gets and how often it was asked."""


@pytest.fixture
def limits() -> Limits:
    return Limits(invocations_per_minute=2, concurrent_invocations=1, sequence_length=LENGTH)


def pairs(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


async def put(client: AsgiClient, path: str, body: dict[str, Any], *, basic: str | None = None) -> None:
    answer = await client.request("PUT", f"{path}?overwrite=true", json=body, basic=basic)
    assert answer.status == 200, answer.body


async def put_conductor(client: AsgiClient, name: str = "c", truth: Any = True, **fields: Any) -> None:
    await put(client, f"{A}/{name}", {"exec": NODE, "annotations": pairs(conductor=truth), **fields})


async def put_sequence(client: AsgiClient, name: str, *components: str) -> None:
    await put(
        client, f"{A}/{name}", {"exec": {"kind": "sequence", "components": components}, "annotations": pairs(conductor=True)}
    )


async def invoke(client: AsgiClient, name: str = "c", payload: Any = None) -> AsgiResponse:
    return await client.request("POST", f"{A}/{name}?blocking=true", json=payload or {})


async def read_record(client: AsgiClient, activation_id: str) -> dict[str, Any]:
    answer = await client.request("GET", f"{RECORDS}/{activation_id}")
    assert answer.status == 200, answer.body
    return answer.json()


def noted(record: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in record["annotations"]}


class Play:
    """An invoker's function: conductors say what the test wants, components answer what they got and who they are."""

    def __init__(self, **said: Said) -> None:
        self.said = said
        self.got: list[tuple[str, Any]] = []

    def __call__(self, request: InvocationRequest) -> Activation:
        name, arguments = request.action.path.name, msgspec.json.decode(request.arguments)
        times = sum(1 for each, _ in self.got if each == name)
        self.got.append((name, arguments))
        result = self.said[name](arguments, times) if name in self.said else arguments | {"by": name}
        is_error = isinstance(result, dict) and "error" in result
        return ended(request, result, status=Status.APPLICATION_ERROR if is_error else Status.SUCCESS)

    def gets(self, name: str = "c") -> list[Any]:
        return [arguments for each, arguments in self.got if each == name]


def in_turn(*steps: Any) -> Said:
    return lambda _, times: steps[times]


@pytest.mark.parametrize(
    ("said", "status", "result"),
    [
        pytest.param({"x": 1}, 200, {"x": 1}, id="without action it is the whole result"),
        pytest.param({"params": {"x": 1}, "y": 2}, 200, {"x": 1}, id="or params when given"),
        pytest.param({"params": 7}, 200, {"value": 7}, id="boxed"),
        pytest.param({"params": None}, 200, {"value": None}, id="even null"),
        pytest.param({"params": [1]}, 200, {"value": [1]}, id="or an array"),
        pytest.param({"params": {}, "y": 2}, 200, {}, id="or nothing"),
        pytest.param({"state": {"s": 1}}, 200, {"state": {"s": 1}}, id="state alone is a result"),
        pytest.param({"error": "no"}, 502, {"error": "no"}, id="an error is an error"),
        pytest.param({"error": "no", "params": {"x": 1}}, 502, {"x": 1}, id="its status stays when it gives params"),
        pytest.param({"params": {"error": "no"}}, 200, {"error": "no"}, id="so does success when they hold an error"),
    ],
)
async def test_the_end(client: AsgiClient, invoker: FakeInvoker, said: Any, status: int, result: Any) -> None:
    await put_conductor(client)
    invoker.answer = Play(c=in_turn(said))
    answer = await invoke(client)
    assert (answer.status, answer.json()["response"]["result"]) == (status, result)
    assert answer.json()["response"]["status"] == ("success" if status == 200 else "application error")


async def test_an_array_is_an_end_too(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_conductor(client)
    invoker.answer = Play(c=in_turn([1]))
    assert (await invoke(client)).json() == [1]


@pytest.mark.parametrize(
    ("step", "handed", "back"),
    [
        pytest.param({"action": "a", "params": {"x": 1}}, {"x": 1}, {"x": 1, "by": "a"}, id="params"),
        pytest.param({"action": "a"}, {}, {"by": "a"}, id="no params are nothing"),
        pytest.param({"action": "a", "params": 1}, {"value": 1}, {"value": 1, "by": "a"}, id="params in a box"),
        pytest.param({"action": "a", "params": None}, {"value": None}, {"value": None, "by": "a"}, id="null in a box"),
        pytest.param(
            {"action": "a", "params": {"x": 1}, "state": {"x": 2, "s": 3}}, {"x": 1}, {"x": 2, "by": "a", "s": 3}, id="state wins"
        ),
        pytest.param({"action": "a", "state": 5}, {}, {"by": "a", "state": 5}, id="state in a box"),
        pytest.param({"action": "a", "state": None}, {}, {"by": "a", "state": None}, id="null as state in a box"),
        pytest.param({"action": "a", "error": "mine"}, {}, {"by": "a"}, id="an error with an action goes on"),
        pytest.param({"action": "fails", "params": {"x": 1}}, {"x": 1}, {"error": "fails"}, id="a component's error comes back"),
        pytest.param({"action": "fails", "state": {"s": 1}}, {}, {"error": "fails", "s": 1}, id="with the state"),
        pytest.param({"action": "list"}, {}, [1], id="an array comes back"),
        pytest.param({"action": "list", "state": {"s": 1}}, {}, {"value": [1], "s": 1}, id="with state in a box"),
        pytest.param({"action": "text"}, {}, {}, id="what is neither is nothing"),
    ],
)
async def test_one_step(client: AsgiClient, invoker: FakeInvoker, step: Any, handed: Any, back: Any) -> None:
    for name in ("a", "fails", "list", "text"):
        await put(client, f"{A}/{name}", {"exec": NODE})
    await put_conductor(client)
    invoker.answer = play = Play(
        c=in_turn(step, {"end": 1}), fails=in_turn({"error": "fails"}), list=in_turn([1]), text=in_turn("text")
    )
    answer = await invoke(client, payload={"start": True})
    assert answer.json()["response"]["result"] == {"end": 1}
    assert play.got == [("c", {"start": True}), (step["action"], handed), ("c", back)]


async def test_state_lives_for_one_step(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    invoker.answer = play = Play(c=in_turn({"action": "a", "state": {"s": 1}}, {"action": "a"}, {}))
    await invoke(client)
    assert play.gets() == [{}, {"by": "a", "s": 1}, {"by": "a"}]


@pytest.mark.parametrize(
    ("name", "ran"),
    [
        pytest.param("a", True, id="a name"),
        pytest.param("pack/a", True, id="a package and a name"),
        pytest.param("_/a", True, id="the own namespace"),
        pytest.param("/_/a", True, id="with a slash"),
        pytest.param("/_/pack/a", True, id="and a package"),
        pytest.param("/guest/pack/a", True, id="whole"),
        pytest.param("default/a", True, id="in the package that is none"),
        pytest.param("/other/tools/a", True, id="somebody else's"),
        pytest.param("bound/a", True, id="through a binding"),
    ],
)
async def test_names_that_are_understood(client: AsgiClient, invoker: FakeInvoker, name: str, *, ran: bool) -> None:
    await provide(client)
    invoker.answer = play = Play(c=in_turn({"action": name}, {}))
    await invoke(client)
    assert (len(play.gets("a")) == 1) is ran


async def provide(client: AsgiClient) -> None:
    """An action with one name in every place, and a conductor."""
    await put(client, f"{P}/pack", {})
    for path in ("a", "pack/a"):
        await put(client, f"{A}/{path}", {"exec": NODE})
    for package, publish in (("tools", True), ("private", False)):
        await put(client, f"{OTHER}/packages/{package}", {"publish": publish}, basic=HERS)
        await put(client, f"{OTHER}/actions/{package}/a", {"exec": NODE}, basic=HERS)
    await put(client, f"{P}/bound", {"binding": {"namespace": "other", "name": "tools"}})
    await put_conductor(client)


UNREAD = "Failed to parse action name from json value {} during composition."
UNKNOWN = "Failed to resolve action with name '{}' during composition."
DENIED = "Failed entitlement check for action with name '{}' during composition."


@pytest.mark.parametrize(
    ("action", "text"),
    [
        pytest.param("nothing", UNKNOWN.format("guest/nothing"), id="no such action"),
        pytest.param("nothing/a", UNKNOWN.format("guest/nothing/a"), id="no such package"),
        pytest.param("/_/pack/nothing", UNKNOWN.format("guest/pack/nothing"), id="none in the package"),
        pytest.param("pack", UNKNOWN.format("guest/pack"), id="a package"),
        pytest.param("/other/private/a", DENIED.format("other/private/a"), id="private"),
        pytest.param("/other/nothing/a", DENIED.format("other/nothing/a"), id="whether it is there is not told"),
        pytest.param("/other/a", DENIED.format("other/a"), id="in no package"),
        pytest.param("", UNREAD.format('""'), id="empty"),
        pytest.param("/", UNREAD.format('"/"'), id="a slash"),
        pytest.param("/a", UNREAD.format('"/a"'), id="a slash and a name"),
        pytest.param("a/b/c", UNREAD.format('"a/b/c"'), id="three parts without a slash"),
        pytest.param("/a/b/c/d", UNREAD.format('"/a/b/c/d"'), id="four parts"),
        pytest.param(" a", UNREAD.format('" a"'), id="blanks before"),
        pytest.param("ä", UNREAD.format('"ä"'), id="not ASCII"),
        pytest.param('"', UNREAD.format(r'"\""'), id="quotes are escaped"),
        pytest.param(None, UNREAD.format("null"), id="null"),
        pytest.param(12, UNREAD.format("12"), id="a number"),
        pytest.param(False, UNREAD.format("false"), id="a truth"),
        pytest.param(msgspec.Raw(b'{ "a": [1, 2] }'), UNREAD.format('{"a":[1,2]}'), id="an object, compact"),
        pytest.param({}, UNREAD.format("{}"), id="an empty object"),
        pytest.param(["a"], UNREAD.format('["a"]'), id="an array"),
    ],
)
async def test_what_is_wrong_with_the_next_step_is_told(client: AsgiClient, invoker: FakeInvoker, action: Any, text: str) -> None:
    await provide(client)
    invoker.answer = play = Play(c=in_turn({"action": action, "state": {"s": 1}}, {"action": action}, {"end": 1}))
    answer = await invoke(client)
    assert play.got == [("c", {}), ("c", {"error": text, "s": 1}), ("c", {"error": text})]
    assert (answer.status, answer.json()["response"]["result"]) == (200, {"end": 1})


async def test_who_echoes_the_problem_ends_with_it(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_conductor(client)
    answer = await invoke(client, payload={"action": 1})
    assert invoker.requests[1:] != []
    assert answer.json()["response"]["result"] == {"error": UNREAD.format("1")}


@pytest.mark.parametrize("depth", [3_000, 100_000])
async def test_a_name_that_is_nested_without_end(client: AsgiClient, invoker: FakeInvoker, depth: int) -> None:
    await put_conductor(client)
    action = msgspec.Raw(b"[" * depth + b"]" * depth)
    invoker.answer = Play(c=lambda got, times: msgspec.Raw(b'{"action":%b}' % bytes(action)) if times == 0 else {"n": len(got)})
    assert (await invoke(client)).status == 200


# Limits


@pytest.mark.parametrize(
    ("component", "runs"),
    [
        pytest.param("a", LENGTH, id="actions"),
        pytest.param("two", 2 * LENGTH, id="a sequence counts once"),
    ],
)
async def test_too_many_components_are_told(client: AsgiClient, invoker: FakeInvoker, component: str, runs: int) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_sequence(client, "two", "/_/a", "/_/a")
    await put_conductor(client)
    invoker.answer = play = Play(c=lambda got, _: got if "error" in got else {"action": component})
    answer = await invoke(client)
    assert (answer.status, answer.json()["response"]["result"]) == (502, {"error": TOO_MANY})
    assert (len(play.gets("a")), len(play.gets())) == (runs, LENGTH + 2)


async def test_too_many_runs_of_the_conductor_end_it(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_conductor(client)
    invoker.answer = play = Play(c=lambda _, __: {"action": "nothing"})
    answer = await invoke(client)
    response = answer.json()["response"]
    assert (answer.status, response["status"], response["result"]) == (502, "application error", {"error": TOO_MANY})
    assert len(play.gets()) == 2 * LENGTH + 1


async def test_limits_count_over_the_nesting(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    await put_conductor(client, "inner")
    inner = [{"action": "a"}, {"action": "a"}, {"end": 1}, {"action": "a"}, {"end": 2}]
    invoker.answer = play = Play(c=in_turn({"action": "inner"}, {"action": "inner"}, {"end": 3}), inner=in_turn(*inner))
    answer = await invoke(client)
    assert (answer.status, len(play.gets("a"))) == (502, 3)  # 3 of 3 components, but an eighth of 7 runs
    assert answer.json()["response"]["result"] == {"error": TOO_MANY}


@pytest.mark.parametrize("through_sequence", [False, True])
async def test_one_that_runs_itself_ends(client: AsgiClient, invoker: FakeInvoker, *, through_sequence: bool) -> None:
    await put_conductor(client)
    await put_sequence(client, "s", "/_/c")
    invoker.answer = play = Play(c=lambda _, __: {"action": "s" if through_sequence else "c"})
    answer = await invoke(client)
    assert (answer.status, answer.json()["response"]["result"]) == (502, {"error": TOO_MANY})
    assert len(play.gets()) <= 2 * LENGTH + 1


async def test_conductors_in_a_sequence_each_have_their_own(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    await put_sequence(client, "s", "/_/c", "/_/c")
    invoker.answer = play = Play(c=lambda _, times: {"n": times} if times % 4 == 3 else {"action": "a"})
    answer = await invoke(client, "s")
    assert (answer.status, answer.json()["response"]["result"], len(play.gets("a"))) == (200, {"n": 7}, 6)


async def test_success_with_an_error_ends_a_sequence(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    await put_sequence(client, "s", "/_/c", "/_/a")
    invoker.answer = play = Play(c=in_turn({"params": {"error": "no"}}))
    answer = await invoke(client, "s")
    assert (answer.status, answer.json()["response"]["result"], play.gets("a")) == (200, {"error": "no"}, [])


async def test_an_error_that_is_only_a_word_ends_nothing(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    await put_sequence(client, "s", "/_/c", "/_/a")
    invoker.answer = play = Play(c=in_turn({"params": {"x": {"error": "no"}}}))
    await invoke(client, "s")
    assert play.gets("a") == [{"x": {"error": "no"}}]


# Records


async def test_the_record(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE, "limits": {"memory": 512}})
    await put_conductor(client, limits={"memory": 128})
    invoker.answer = Play(c=in_turn({"action": "a"}, {"action": "nothing"}, {"end": 1}))
    answer = (await invoke(client)).json()
    record = await read_record(client, answer["activationId"])
    assert answer == record | {"logs": []}
    assert record["logs"] == [each.activation_id for each in invoker.requests]
    assert ([each.action.path.name for each in invoker.requests], record["duration"]) == (["c", "a", "c", "c"], 4)
    notes = noted(record)
    assert notes.pop("waitTime") >= 0
    assert notes == {
        "path": "guest/c",
        "kind": "sequence",
        "topmost": True,
        "conductor": True,
        "limits": {"timeout": 60000, "memory": 512, "logs": 10, "concurrency": 1},
    }
    assert "cause" not in record
    for id_, kind in zip(record["logs"], ["nodejs:24"] * 4, strict=True):
        part = await read_record(client, id_)
        assert (part["cause"], noted(part)["causedBy"], noted(part)["kind"]) == (record["activationId"], "sequence", kind)
        assert "conductor" not in noted(part)


async def test_the_record_of_a_conductor_inside(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put_conductor(client)
    await put_conductor(client, "inner")
    invoker.answer = Play(c=in_turn({"action": "inner"}, {}), inner=in_turn({"x": 1}))
    outer = await read_record(client, (await invoke(client)).json()["activationId"])
    inner = await read_record(client, outer["logs"][1])
    assert len(outer["logs"]) == 3
    assert (inner["name"], inner["cause"], len(inner["logs"])) == ("inner", outer["activationId"], 1)
    assert [noted(inner)[key] for key in ("topmost", "conductor", "kind", "causedBy")] == [False, True, "sequence", "sequence"]


async def test_it_counts_once(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    invoker.answer = Play(c=lambda _, times: {} if times % 3 == 2 else {"action": "a"})
    assert [(await invoke(client)).status for _ in range(3)] == [200, 200, 429]


# What it is


@pytest.mark.parametrize(
    ("truth", "conducts"),
    [(True, True), ("yes", True), (1, True), ({}, True), (False, False), (None, False), ("", False), (0, False)],
    ids=repr,
)
async def test_which_values_of_the_annotation_make_a_conductor(
    client: AsgiClient, invoker: FakeInvoker, truth: Any, *, conducts: bool
) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client, truth=truth)
    invoker.answer = Play(c=in_turn({"action": "a"}, {}))
    record = (await invoke(client)).json()
    assert noted(record).get("conductor", False) is conducts
    assert len(invoker.requests) == (3 if conducts else 1)


async def test_a_sequence_is_no_conductor(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_sequence(client, "s", "/_/a")
    record = (await invoke(client, "s", {"action": "nothing"})).json()
    assert (record["response"]["result"], "conductor" in noted(record)) == ({"action": "nothing"}, False)


async def test_its_parameters_are_merged_each_time(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put(client, f"{P}/pack", {"parameters": pairs(p=1)})
    parameters = [*pairs(x=1), {"key": "mode", "value": "fast", "init": True}]
    await put_conductor(client, "pack/c", parameters=parameters)
    invoker.answer = play = Play(c=in_turn({"action": "a", "params": {"x": 2}}, {}))
    await invoke(client, "pack/c", {"mode": "slow"})
    assert play.gets() == [{"p": 1, "x": 1}, {"p": 1, "x": 2, "by": "a"}]
    assert [each.environment for each in invoker.requests] == [{"mode": "slow"}, {}, {"mode": "fast"}]


async def test_final_parameters_bind_the_caller_but_not_the_steps(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client, parameters=pairs(x=1), annotations=pairs(conductor=True, final=True))
    invoker.answer = play = Play(c=in_turn({"action": "a", "params": {"x": 2}}, {}))
    assert (await invoke(client, payload={"x": 3})).status == 400
    assert (await invoke(client)).status == 200
    assert play.gets() == [{"x": 1}, {"x": 2, "by": "a"}]


async def test_through_a_binding_it_keeps_the_bindings_parameters(client: AsgiClient, invoker: FakeInvoker) -> None:
    await put(client, f"{OTHER}/packages/tools", {"publish": True, "parameters": pairs(x=1, y=1)}, basic=HERS)
    await put(client, f"{OTHER}/actions/tools/c", {"exec": NODE, "annotations": pairs(conductor=True)}, basic=HERS)
    await put(client, f"{P}/bound", {"binding": {"namespace": "other", "name": "tools"}, "parameters": pairs(y=2)})
    await put(client, f"{A}/a", {"exec": NODE})
    invoker.answer = play = Play(c=in_turn({"action": "a"}, {}))
    record = (await invoke(client, "bound/c")).json()
    assert play.got == [("c", {"x": 1, "y": 2}), ("a", {}), ("c", {"x": 1, "y": 2, "by": "a"})]
    assert (noted(record)["path"], noted(record)["binding"]) == ("other/tools/c", "guest/bound")


async def test_deleted_meanwhile_it_runs_to_its_end(client: AsgiClient, invoker: FakeInvoker, services: RestServices) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)
    invoker.answer = lambda _: None
    answer = await client.request("POST", f"{A}/c?blocking=true&timeout=1", json={})
    assert answer.status == 202
    await client.request("DELETE", f"{A}/c")
    invoker.answer = Play(c=in_turn({"end": 1}))
    invoker.finish(invoker.requests[0], ended(invoker.requests[0], {"action": "a"}))
    await services.invocations.drained()
    record = await read_record(client, answer.json()["activationId"])
    assert record["response"]["result"] == {"end": 1}


@pytest.mark.parametrize("at", [0, 1])
async def test_no_invoker_takes_it(client: AsgiClient, invoker: FakeInvoker, bus: LocalBus, at: int) -> None:
    await put(client, f"{A}/a", {"exec": NODE})
    await put_conductor(client)

    def leave(_: Any, __: int) -> Any:
        bus.leave("invoker0")
        return {"action": "a"}

    if at == 0:
        bus.leave("invoker0")
    invoker.answer = Play(c=leave)
    answer = await invoke(client)
    response = answer.json()["response"]
    assert (answer.status, response["status"]) == (500, "whisk internal error")
    assert response["result"] == {"error": "Activation failure during composition."}
