"""What pages are made of, without pages: words, rows of forms, timing, logs."""

from typing import Any

import msgspec
import pytest

from ioruntime.faces.console import words
from ioruntime.faces.console.form import Form
from ioruntime.faces.console.pages import pairs
from ioruntime.faces.console.pages.logs import Line, lines_of
from ioruntime.faces.console.pages.timing import is_cold, parts_of, total_ms
from ioruntime.model.activation import Activation, new_activation_id
from ioruntime.model.params import Annotation, Parameter


def activation(duration_ms: int, **annotations: Any) -> Activation:
    return Activation(
        activation_id=new_activation_id(),
        namespace="ns",
        name="a",
        version="0.0.1",
        subject="ns",
        start_ms=0,
        duration_ms=duration_ms,
        annotations=tuple(Annotation(key, value) for key, value in annotations.items()),
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.size(0), "0 B"),
        (words.size(1536), "1.5 KB"),
        (words.size(48 * 1024 * 1024), "48 MB"),
        (words.duration(None), "–"),
        (words.duration(999), "999 ms"),
        (words.duration(1500), "1.50 s"),
        (words.duration(61_000), "1 min 1 s"),
        (words.moment(0), "1970-01-01 00:00:00"),
        (words.count(1_000_000), "1,000,000"),
        (words.pretty(msgspec.Raw(b'{"a":1}')), '{\n  "a": 1\n}'),
        (words.pretty(b"\xff"), "b'\\xff'"),
    ],
)
def test_values_read_like_this(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize("value", ["text", "1", "true", "", '"', 1, 1.5, True, None, {"a": [1]}, []])
def test_a_value_survives_a_field(value: Any) -> None:
    assert words.value_of(words.compact(value)) == value


def test_time_is_split_into_stages_of_one_scale() -> None:
    parts = parts_of(activation(80, waitTime=20, initTime=30))
    assert [(part.key, part.took_ms, part.from_percent, part.width_percent) for part in parts] == [
        ("queue", 20, 0, 20),
        ("init", 30, 20, 30),
        ("run", 50, 50, 50),
    ]
    assert total_ms(activation(80, waitTime=20, initTime=30)) == 100


def test_a_warm_activation_has_no_initialising_and_nothing_is_too_thin_to_see() -> None:
    parts = parts_of(activation(0, waitTime=0))
    assert [part.key for part in parts] == ["queue", "run"]
    assert all(part.width_percent > 0 and part.from_percent + part.width_percent <= 100 for part in parts)
    assert not is_cold(activation(1, waitTime=0))


def test_a_line_of_a_log_has_time_stream_and_text() -> None:
    logs = ("2026-01-02T03:04:05.678901Z stdout: hello: world", "2026-01-02T03:04:05.678Z     stderr: two\nlines", "odd")
    assert list(lines_of(logs)) == [
        Line("03:04:05.678", "stdout", "hello: world"),
        Line("03:04:05.678", "stderr", "two\nlines"),
        Line("", "stdout", "odd"),
    ]


def test_rows_become_parameters_and_back() -> None:
    form = Form(
        {
            "parameter": ["a", " b ", "", "c"],
            "parameter_value": ["1", "x", "lost", '{"d":2}'],
            "parameter_place": ["argument", "environment", "argument", "argument"],
        }
    )
    parameters = pairs.read_parameters(form)
    assert parameters == (Parameter("a", 1), Parameter("b", "x", init=True), Parameter("c", {"d": 2}))
    assert [row.is_environment for row in pairs.parameter_rows(parameters)] == [False, True, False]


@pytest.mark.parametrize("web", ["no", "yes", "raw"])
def test_the_choice_about_the_web_is_read_back(web: str) -> None:
    annotations = pairs.read_annotations(Form({"web": [web], "annotation": ["note", "exec"], "annotation_value": ["x", "y"]}))
    assert pairs.web_of(annotations) == web
    assert [row.key for row in pairs.annotation_rows(annotations)] == ["note"]


def test_what_the_form_does_not_show_is_not_dropped() -> None:
    before = [Annotation(key, True) for key in ("exec", "provide-api-key", "web-export", "note")]
    assert pairs.dropped(before, ()) == ("web-export", "note")
