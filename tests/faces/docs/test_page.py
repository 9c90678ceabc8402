"""The page shows every operation that is not hidden, with what it takes and answers, and nothing that could run."""

from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from ioruntime.faces.docs.routes import face
from ioruntime.faces.http.application import Application, Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation, QueryParameter
from ioruntime.testing.asgi import AsgiClient, AsgiResponse

pytestmark = pytest.mark.anyio


class Leaf(msgspec.Struct, omit_defaults=True):
    """A part with parts of its own sort."""

    size: int
    colour: str | None = None
    children: "tuple[Leaf, ...]" = ()


class Told(msgspec.Struct):
    """A refusal."""

    told: str


class Seen(HTMLParser):
    """Tags, texts and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]

    def handle_data(self, data: str) -> None:
        self.text += data


class NoObserver:
    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception) -> None:
        raise error


async def grow(_: Call) -> Reply:
    """Grow a leaf of `size`, for <b>ever</b>."""
    return Reply.empty()


FLAG = QueryParameter("loud", {"type": "boolean", "default": False}, "Say `so` & more.")
PATH = "/garden/{ns}/leaves/{name}"
ROWS = (
    Operation(method="PUT", path=PATH, handler=grow, body=Leaf, answer=Leaf, query=(FLAG,), other_statuses=(404,)),
    Operation(method="GET", path=PATH, handler=grow, answer=(list[Leaf], dict[str, int]), security="bearer"),
    Operation(method="POST", path=PATH, handler=grow, body=dict[str, Any], example={"name": "it's"}, security="none"),
    Operation(method="DELETE", path="/secret/way", handler=grow, hidden=True),
)
GARDEN = Face(prefixes=("/garden",), operations=ROWS, title="Garden API", source="/garden/openapi.json", error=Told)
UNTITLED = Face(prefixes=("/quiet",), operations=(Operation(method="GET", path="/quiet", handler=grow),))


async def ask(path: str) -> AsgiResponse:
    return await AsgiClient(Application([face([GARDEN, UNTITLED], "1.2.3")], NoObserver())).request("GET", path)


async def shown() -> Seen:
    return Seen((await ask("/docs")).body.decode())


async def test_every_operation_is_there_unless_hidden_or_of_a_face_without_a_name() -> None:
    page = await shown()
    assert page.ids == [
        "garden-api",
        "garden-api-garden",
        "put-garden-ns-leaves-name",
        "get-garden-ns-leaves-name",
        "post-garden-ns-leaves-name",
    ]
    assert "1.2.3" in page.text
    assert "secret" not in page.text
    assert "quiet" not in page.text


async def test_the_text_tells_parameters_bodies_and_answers() -> None:
    text = (await shown()).text
    assert "Grow a leaf of size, for <b>ever</b>." in text
    assert "loudqueryboolean, default falseSay so & more." in text
    assert "size: integer\n  colour?: string | null\n  children?: [{" in text
    assert "404 Not Found" in text
    assert "told: string" in text


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(
            """curl -u "$AUTH" -X PUT "$APIHOST/garden/_/leaves/$NAME" -H 'Content-Type: application/json' -d '{"size":0}'""",
            id="key, and the least body",
        ),
        pytest.param(
            'curl -H "Authorization: Bearer $BEARER" -H "X-Api-Key: $APIKEY" "$APIHOST/garden/_/leaves/$NAME"', id="token"
        ),
        pytest.param("""-d '{"name":"it'"'"'s"}'""", id="an example with a quote"),
    ],
)
async def test_lines_to_try(line: str) -> None:
    assert line in (await shown()).text


async def test_nothing_runs_and_nothing_comes_from_elsewhere() -> None:
    answer, page = await ask("/docs"), await shown()
    assert {"script", "iframe", "img", "form"}.isdisjoint(page.tags)
    assert all(link.startswith(("#", "/")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_style_is_served_beside_it() -> None:
    style = await ask("/docs/style.css")
    assert (style.status, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert (await ask("/api/v1/docs")).body == (await ask("/docs/")).body
