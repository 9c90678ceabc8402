"""OpenAPI documents as one page (pure): operations by API and by what they are about; no script, nothing from elsewhere."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from ioruntime.faces.docs.curl import curl
from ioruntime.faces.docs.sketch import Schema, Schemas

_TEMPLATE = Template((Path(__file__).parent / "page.html").read_text())
_CODE = re.compile("`([^`]+)`")
_UNSPOKEN = {"api", "v1", "runtime", "namespaces"}


class Described(msgspec.Struct, frozen=True):
    """One API, and where programs read the same."""

    document: Mapping[str, Any]
    """In OpenAPI's form."""
    source: str | None = None
    """Path of the document itself; None when it is served nowhere."""

    @property
    def title(self) -> str:
        return self.document["info"]["title"]


def page(apis: Sequence[Described], version: str) -> str:
    """Write the page."""
    return _TEMPLATE.substitute(
        version=escape(version),
        navigation="\n".join(_navigation(api) for api in apis),
        apis="\n".join(_api(api) for api in apis),
    )


def _navigation(api: Described) -> str:
    topics = "".join(f'<li><a href="#{_anchor(api, topic)}">{escape(topic)}</a></li>' for topic in _topics(api))
    return f'<p><a href="#{_anchor(api)}">{escape(api.title)}</a></p><ul>{topics}</ul>'


def _api(api: Described) -> str:
    schemas = Schemas(api.document["components"]["schemas"])
    source = "" if api.source is None else f' <a class="source" href="{api.source}">OpenAPI document</a>'
    parts = [f'<section id="{_anchor(api)}"><h2>{escape(api.title)}{source}</h2>']
    for topic, operations in _topics(api).items():
        parts.append(f'<h3 id="{_anchor(api, topic)}">{escape(topic)}</h3>')
        parts += [_operation(*each, schemas) for each in operations]
    return "\n".join([*parts, "</section>"])


def _topics(api: Described) -> dict[str, list[tuple[str, str, Schema]]]:
    """Group operations by the first word of their path that says what they are about; those alone in theirs come first."""
    topics: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in api.document["paths"].items():
        words = [part for part in path.split("/") if part and not part.startswith("{") and part not in _UNSPOKEN]
        for method, operation in methods.items():
            topics.setdefault(words[0] if words else "", []).append((method.upper(), path, operation))
    alone = [each for word, operations in topics.items() for each in operations if len(operations) == 1 or not word]
    others = {word: operations for word, operations in topics.items() if len(operations) > 1 and word}
    return ({"general": alone} if alone else {}) | others


def _operation(method: str, path: str, operation: Schema, schemas: Schemas) -> str:
    head = f'<b class="{method.lower()}">{method}</b> <code>{escape(path)}</code> <span>{_prose(operation["summary"])}</span>'
    return "\n".join(
        [
            f'<details id="{escape(operation["operationId"])}"><summary>{head}</summary>',
            *_parameters(operation["parameters"], schemas),
            *_body(operation.get("requestBody"), schemas),
            *_answers(operation["responses"], schemas),
            f"<h4>Try it</h4><pre>{escape(curl(method, path, operation, schemas))}</pre></details>",
        ]
    )


def _parameters(parameters: Sequence[Schema], schemas: Schemas) -> Iterator[str]:
    if not parameters:
        return
    yield "<h4>Parameters</h4><table><tr><th>Name</th><th>In</th><th>Value</th><th>Meaning</th></tr>"
    for each in parameters:
        cells = map(_prose, (each["name"], each["in"], _value(each["schema"], schemas), each.get("description", "")))
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    yield "</table>"


def _value(schema: Schema, schemas: Schemas) -> str:
    words = [schemas.sketch(schema)]
    words += [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    if "default" in schema:
        words.append(f"default {msgspec.json.encode(schema['default']).decode()}")
    return ", ".join(words)


def _body(body: Schema | None, schemas: Schemas) -> Iterator[str]:
    if body is not None:
        yield f"<h4>Body{'' if body['required'] else ', if any'}</h4>{_content(body, schemas)}"


def _answers(responses: Mapping[str, Schema], schemas: Schemas) -> Iterator[str]:
    yield "<h4>Answers</h4>"
    for status, response in responses.items():
        shape = _content(response, schemas)
        opened = " open" if status.startswith("2") else ""
        text = f"<b>{escape(status)}</b> {escape(response['description'])}"
        yield f"<details class=answer{opened}><summary>{text}</summary>{shape}</details>" if shape else f"<p>{text}, no body</p>"


def _content(holder: Schema, schemas: Schemas) -> str:
    return "".join(
        f"<pre>{escape(schemas.sketch(described['schema']))}</pre>" for described in holder.get("content", {}).values()
    )


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _anchor(api: Described, topic: str = "") -> str:
    return escape("-".join(f"{api.title} {topic}".lower().replace("/", "-").split()))
