"""JSON Schema in two forms that people read (pure): a sketch of what may be there, and an example of what must be."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

Schema: TypeAlias = Mapping[str, Any]

_INDENT = "  "
_DEPTH_MOST = 5
_EXAMPLES: dict[str, Any] = {"string": "...", "integer": 0, "number": 0, "boolean": False, "null": None}


class Schemas:
    """The schemas of one document, by their names."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def sketch(self, schema: Schema, depth: int = 0) -> str:
        """Write a schema like the JSON it describes, with types for values; `?` marks what may be left out."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return " | ".join(dict.fromkeys(self.sketch(each, depth) for each in schema["anyOf"]))
        if "enum" in schema:
            return " | ".join(msgspec.json.encode(each).decode() for each in schema["enum"])
        if depth > _DEPTH_MOST:
            return "..."
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return f"[{self.sketch(schema.get('items') or {}, depth)}]"
            case str(name):
                return name
            case _:
                return "anything"

    def example(self, schema: Schema, depth: int = 0) -> Any:
        """Return the least value that a schema allows."""
        schema = self._resolved(schema)
        if "default" in schema:
            return schema["default"]
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0], depth)
        match schema.get("type"):
            case "object" if depth <= _DEPTH_MOST:
                required = schema.get("required", ())
                return {name: self.example(schema["properties"][name], depth + 1) for name in required}
            case "array":
                return []
            case str(name):
                return _EXAMPLES.get(name, {})
            case _:
                return {}

    def _object(self, schema: Schema, depth: int) -> str:
        required = set(schema.get("required", ()))
        properties: Mapping[str, Schema] = schema.get("properties", {})
        lines = [f"{name}{'' if name in required else '?'}: {self.sketch(each, depth + 1)}" for name, each in properties.items()]
        others = schema.get("additionalProperties")
        if isinstance(others, dict) or not lines:
            lines.append(f"any name: {self.sketch(others if isinstance(others, dict) else {}, depth + 1)}")  # pyright: ignore[reportUnknownArgumentType] - any JSON
        inner = "".join(f"\n{_INDENT * (depth + 1)}{line}" for line in lines)
        return f"{{{inner}\n{_INDENT * depth}}}"

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._components[schema["$ref"].rpartition("/")[2]]
        return schema
