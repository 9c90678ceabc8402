"""One operation of an OpenAPI document as a line for a shell (pure); what the reader must fill in is a variable."""

import re
import shlex
from typing import Any

import msgspec

from ioruntime.faces.docs.sketch import Schema, Schemas

_SECRETS = {"basic": ('-u "$AUTH"',), "bearer": ('-H "Authorization: Bearer $BEARER"', '-H "X-Api-Key: $APIKEY"')}
_NAMES = re.compile(r"\{(\w+)\}")


def curl(method: str, path: str, operation: Schema, schemas: Schemas) -> str:
    """Write how to call an operation; with credentials, and the least body that it takes."""
    parts = ["curl", *_credentials(operation)]
    if method != "GET":
        parts += ["-X", method]
    parts.append(f'"$APIHOST{_NAMES.sub(_variable, path)}"')
    body = operation.get("requestBody")
    if body is not None:
        parts += _body(body, schemas)
    return " ".join(parts)


def _credentials(operation: Schema) -> tuple[str, ...]:
    schemes = [name for each in operation["security"] for name in each]
    return _SECRETS[schemes[0]] if schemes else ()


def _variable(match: re.Match[str]) -> str:
    return "_" if match[1] == "ns" else f"${match[1].upper()}"


def _body(body: Schema, schemas: Schemas) -> list[str]:
    content: dict[str, Any] = body["content"]
    media_type, described = next(iter(content.items()))
    example = described["example"] if "example" in described else schemas.example(described["schema"])
    return ["-H", shlex.quote(f"Content-Type: {media_type}"), "-d", shlex.quote(msgspec.json.encode(example).decode())]
