"""What is read out of AsyncAPI documents and of plain metadata."""

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.client.metadata import EventSort, ProviderDraft, read_metadata
from ioruntime.model.errors import InvalidError

SHOP = Path(__file__).parents[3] / "examples" / "events" / "shop.json"
SAMPLE = base64.b64encode(b'{"article":"tea"}').decode()


def read(document: Any) -> ProviderDraft:
    return read_metadata(msgspec.json.encode(document))


def test_asyncapi_3() -> None:
    draft = read_metadata(SHOP.read_bytes())
    assert (draft.label, draft.description) == ("Shop", "What a shop tells of itself")
    assert {each.event_code: (each.label, each.sample_event_template) for each in draft.events} == {
        "sold": ("Something was sold", SAMPLE),
        "returned": ("Something came back", None),
    }


def test_asyncapi_2() -> None:
    one, two = {"name": "a", "title": "A"}, {"$ref": "#/components/messages/b"}
    channels = {"x": {"subscribe": {"message": one}}, "y": {"publish": {"message": {"oneOf": [two, {"summary": "third"}]}}}}
    messages = {"b": {"messageId": "b", "description": "B"}}
    draft = read({"asyncapi": "2.6.0", "info": {"title": "T"}, "channels": channels, "components": {"messages": messages}})
    assert [each.event_code for each in draft.events] == ["a", "b", "y"]
    assert draft.events[1].description == "B"


def test_plain_metadata() -> None:
    events = [{"event_code": "a", "label": "A", "description": "x", "sample_event_template": "e30="}]
    draft = read({"label": "Garden", "description": "What grows", "events": events})
    sort = EventSort(event_code="a", label="A", description="x", sample_event_template="e30=")
    assert draft == ProviderDraft("Garden", "What grows", (sort,))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"asyncapi: 3.0.0", id="YAML"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(b'{"label": "x", "events": []}', id="no event"),
        pytest.param(b'{"label": "x", "events": [{"label": "y"}]}', id="an event without a code"),
        pytest.param(b'{"asyncapi": "3.0.0", "info": [], "channels": 5}', id="other types"),
    ],
)
def test_what_describes_no_provider(content: bytes) -> None:
    with pytest.raises(InvalidError):
        read_metadata(content)


def test_references_that_go_round_end() -> None:
    circle = {"a": {"$ref": "#/channels/a"}}
    with pytest.raises(InvalidError):
        read({"asyncapi": "3.0.0", "info": {"title": "x"}, "channels": circle})
