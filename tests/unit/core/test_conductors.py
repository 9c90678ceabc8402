"""What a conductor says is read whatever it is."""

from typing import Any

import msgspec
import pytest

from ioruntime.core.conductors import Step, boxed, component_path, read_step, with_state
from ioruntime.core.steps import Budget

Raw = msgspec.Raw


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(b"{}", Step(), id="nothing"),
        pytest.param(b"[1]", Step(), id="an array names nothing"),
        pytest.param(b'"x"', Step(), id="nor does a text"),
        pytest.param(b"{", Step(), id="nor what is no JSON"),
        pytest.param(b'{"\xff":1}', Step(), id="nor what is no text"),
        pytest.param(b'{"action":"a"}', Step(Raw(b'"a"')), id="an action"),
        pytest.param(b'{"action":null}', Step(Raw(b"null")), id="null is an action too"),
        pytest.param(b'{"params":{"x":1}}', Step(params=Raw(b'{"x":1}')), id="params"),
        pytest.param(b'{"params":[ ]}', Step(params=Raw(b'{"value":[ ]}')), id="params in a box"),
        pytest.param(b'{"state": {"x":1}}', Step(state={"x": Raw(b"1")}), id="state"),
        pytest.param(b'{"state":"x"}', Step(state={"state": Raw(b'"x"')}), id="state in a box"),
    ],
)
def test_read_step(said: bytes, expected: Step) -> None:
    assert read_step(Raw(said)) == expected


@pytest.mark.parametrize(
    ("result", "state", "expected"),
    [
        pytest.param({"a": 1}, {}, {"a": 1}, id="without state"),
        pytest.param([1], {}, [1], id="an array without state"),
        pytest.param("x", {}, {}, id="a text without state"),
        pytest.param({"a": 1, "b": 1}, {"b": 2}, {"a": 1, "b": 2}, id="state wins"),
        pytest.param([1], {"b": 2}, {"value": [1], "b": 2}, id="an array with state"),
    ],
)
def test_with_state(result: Any, state: dict[str, Any], expected: Any) -> None:
    encoded = {key: Raw(msgspec.json.encode(value)) for key, value in state.items()}
    assert msgspec.json.decode(with_state(Raw(msgspec.json.encode(result)), encoded)) == expected


def test_an_object_needs_no_box() -> None:
    assert boxed(Raw(b' {"a":1}'), "value") == Raw(b' {"a":1}')


def test_a_name_of_bytes_that_are_no_text_is_none() -> None:
    assert component_path(Raw(b'"\xff"'), "me") is None


def test_sequences_inside_share_their_count_and_conductors_inside_begin_anew() -> None:
    top = Budget.of(3)
    inside = top.inside_sequence()
    assert (inside.actions is top.actions, inside.conducted is top.conducted, inside.levels) == (True, False, 2)


def test_below_a_conductor_sequences_begin_anew_and_conductors_share() -> None:
    top = Budget.of(3)
    below = top.inside_conductor()
    deeper = below.inside_sequence()
    assert (below.actions is top.actions, below.conducted is top.conducted) == (False, True)
    assert (deeper.actions is below.actions, deeper.conducted is top.conducted) == (True, True)


def test_what_is_taken_is_gone() -> None:
    runs = Budget.of(1).conducted.runs
    assert [runs.take() for _ in range(5)] == [True, True, True, False, False]
