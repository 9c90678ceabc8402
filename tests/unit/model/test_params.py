"""Which parameter wins, and what an annotation means."""

from typing import Any

import pytest

from ioruntime.model.errors import InvalidError
from ioruntime.model.params import (
    Annotation,
    Parameter,
    annotation,
    environment_of,
    has_annotation,
    is_truthy,
    merge_annotations,
    merge_parameters,
    read_arguments,
)


def test_later_layers_win_as_a_whole_and_keep_the_place() -> None:
    package = (Parameter("a", 1, init=True), Parameter("b", 2))
    action = (Parameter("c", 3), Parameter("a", 4))
    assert merge_parameters(package, action) == (Parameter("a", 4), Parameter("b", 2), Parameter("c", 3))


def test_the_last_of_one_layer_wins() -> None:
    assert merge_parameters((Parameter("a", 1), Parameter("a", 2))) == (Parameter("a", 2),)
    assert merge_annotations((Annotation("a", 1), Annotation("b")), (Annotation("a", 2),)) == (
        Annotation("a", 2),
        Annotation("b"),
    )


def test_annotations_are_found_by_key() -> None:
    annotations = (Annotation("final", False), Annotation("nothing"))
    assert annotation(annotations, "final") is False
    assert annotation(annotations, "raw-http") is None
    assert has_annotation(annotations, "nothing")
    assert not has_annotation(annotations, "raw-http")


@pytest.mark.parametrize("value", [None, False, "", 0, 0.0])
def test_no(value: Any) -> None:
    assert not is_truthy(value)


@pytest.mark.parametrize("value", [True, "false", 1, -0.5, [], {}, "0"])
def test_yes(value: Any) -> None:
    assert is_truthy(value)


def test_arguments_keep_their_bytes() -> None:
    read = read_arguments(b'{"a": 1.50, "b": {"c":  [1, 2]}, "a\\u0062": null}')
    assert {key: bytes(value) for key, value in read.items()} == {"a": b"1.50", "b": b'{"c":  [1, 2]}', "ab": b"null"}


def test_no_body_is_no_arguments() -> None:
    assert read_arguments(b"") == {}


@pytest.mark.parametrize(
    "body",
    [b"[]", b"1", b"null", b'"a"', b"{", b'{"a":}', b"{} x", b'{"a":\xff}', b'{"\xff":1}', b" ", b'{"a":' + b"[" * 100_000],
)
def test_arguments_are_an_object(body: bytes) -> None:
    with pytest.raises(InvalidError, match=r"^The body must be a JSON object: "):
        read_arguments(body)


def test_environment_variables_are_text() -> None:
    values: dict[str, Any] = {"text": "a b", "number": 1, "null": None, "object": {"a": [True]}, "umlaut": "ä"}
    assert environment_of(values) == {"text": "a b", "number": "1", "null": "null", "object": '{"a":[true]}', "umlaut": "ä"}
