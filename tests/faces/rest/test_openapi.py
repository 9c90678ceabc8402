"""The API's description tells the truth: what the face answers is what it says."""

from collections.abc import Mapping
from typing import Any

import pytest

from ioruntime.faces.rest.routes import face
from ioruntime.faces.rest.services import RestServices
from ioruntime.model.activation import Status
from ioruntime.testing.asgi import AsgiClient, AsgiResponse
from ioruntime.testing.invoker import FakeInvoker, ended

pytestmark = pytest.mark.anyio

NS = "/api/v1/namespaces/{ns}"
NODE = {"kind": "nodejs:24", "code": "code"}
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def conforms(value: Any, schema: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Check a value by the part of JSON Schema that the document uses; objects may have no keys that are not described."""
    if "$ref" in schema:
        return conforms(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return any(conforms(value, each, document) for each in schema["anyOf"])
    type_ = TYPES[schema["type"]] if "type" in schema else object
    if not isinstance(value, type_) or (isinstance(value, bool) and schema.get("type") == "integer"):
        return False
    match value:
        case dict():
            return _object_conforms(value, schema, document)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        case list():
            return all(conforms(each, schema.get("items", {}), document) for each in value)  # pyright: ignore[reportUnknownVariableType] - any JSON
        case _:
            return True


def _object_conforms(value: dict[str, Any], schema: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    if not set(schema.get("required", ())) <= set(value):
        return False
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    if properties and others is None and not set(value) <= set(properties):
        return False
    return all(conforms(each, properties.get(key, others or {}), document) for key, each in value.items())


@pytest.fixture
async def document(anonymous: AsgiClient) -> dict[str, Any]:
    answer = await anonymous.request("GET", "/api/v1/api-docs")
    assert answer.status == 200
    return answer.json()


async def test_the_check_itself() -> None:
    document = {"components": {"schemas": {"A": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}}
    schema = {"anyOf": [{"type": "array", "items": {"$ref": "#/components/schemas/A"}}, {"type": "string"}]}
    assert conforms([{"a": 1}], schema, document)
    assert conforms("x", schema, document)
    assert not conforms([{}], schema, document)
    assert not conforms([{"a": True}], schema, document)
    assert not conforms([{"a": 1, "b": 2}], schema, document)


async def test_every_operation_has_a_summary(services: RestServices) -> None:
    for operation in face(services).operations:
        assert operation.summary.endswith("."), operation.path


async def test_every_operation_is_there_for_deploying_clients(services: RestServices) -> None:
    operations = {(row.method, row.path) for row in face(services).operations if "/api/v1" in row.path}
    basic = {each for each in operations if each[1].startswith("/api/v1")}
    assert operations - basic == {(method, f"/runtime{path}") for method, path in basic}


async def test_the_document_has_every_operation_that_is_not_hidden(services: RestServices, document: dict[str, Any]) -> None:
    shown = {(row.method.lower(), row.path.removesuffix("[/]")) for row in face(services).operations if not row.hidden}
    assert {(method, path) for path, methods in document["paths"].items() for method in methods} == shown
    assert not any(path.startswith("/runtime") for path in document["paths"])


async def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def check(part: Any) -> None:
        match part:
            case {"$ref": str(reference)}:
                assert reference.removeprefix("#/components/schemas/") in schemas
            case dict():
                for each in part.values():  # pyright: ignore[reportUnknownVariableType] - any JSON
                    check(each)
            case list():
                for each in part:  # pyright: ignore[reportUnknownVariableType] - any JSON
                    check(each)
            case _:
                pass

    check(document)


async def test_path_parameters_and_security(document: dict[str, Any]) -> None:
    put = document["paths"][f"{NS}/actions/{{package}}/{{name}}"]["put"]
    assert [each["name"] for each in put["parameters"]] == ["ns", "package", "name", "overwrite"]
    assert put["security"] == [{"basic": []}]
    assert put["requestBody"]["required"] is True
    assert document["paths"]["/api/v1"]["get"]["security"] == []
    assert set(document["components"]["securitySchemes"]) == {"basic", "bearer"}


@pytest.mark.parametrize("role", ["client", "anonymous", "stranger"])
async def test_answers_conform(
    role: str, request: pytest.FixtureRequest, client: AsgiClient, invoker: FakeInvoker, document: dict[str, Any]
) -> None:
    asking: AsgiClient = request.getfixturevalue(role)
    await _make_things(client)
    invoked = await client.request("POST", "/api/v1/namespaces/_/actions/a?blocking=true", json={"x": [1, None]})
    invoker.answer = lambda each: ended(each, {"error": "no"}, status=Status.APPLICATION_ERROR)
    values = {"ns": "guest", "package": "p", "name": "a", "id": invoked.json()["activationId"]}
    for path, methods in document["paths"].items():
        if path == f"{NS}/logs":
            continue  # it has no end
        target = path.format_map(values | {"name": _name(path)})
        for method, operation in sorted(methods.items(), reverse=True):
            for query in _queries(operation):
                answer = await asking.request(method.upper(), target + query, json=_body(method, path))
                _check(answer, operation, document, f"{method} {target}{query}")


async def _make_things(client: AsgiClient) -> None:
    await client.request("PUT", "/api/v1/namespaces/_/packages/p", json={"parameters": [{"key": "k", "value": {"deep": 1}}]})
    feed = {"exec": NODE, "annotations": [{"key": "feed", "value": True}], "limits": {"instances": 2}}
    await client.request("PUT", "/api/v1/namespaces/_/actions/p/feed", json=feed)
    await client.request("PUT", "/api/v1/namespaces/_/actions/a", json={"exec": NODE | {"main": "go"}})
    await client.request("PUT", "/api/v1/namespaces/_/triggers/t", json={"parameters": [{"key": "k", "value": 1}]})
    for rule in ("r", "r2"):
        await client.request("PUT", f"/api/v1/namespaces/_/rules/{rule}", json={"trigger": "/_/t", "action": "/_/a"})


def _name(path: str) -> str:
    return "t" if "/triggers/" in path else "r" if "/rules/" in path else "a"


def _queries(operation: Mapping[str, Any]) -> list[str]:
    flags = [
        each["name"] for each in operation["parameters"] if each["in"] == "query" and each["schema"].get("type") == "boolean"
    ]
    return ["", *(f"?{name}=true" for name in flags if name != "follow"), "?limit=x", "?blocking=true&result=true"]


def _body(method: str, path: str) -> dict[str, Any]:
    if method == "post" and "/rules/" in path:
        return {"status": "inactive"}
    return {"exec": NODE} if method == "put" and "/actions/" in path else {}


def _check(answer: AsgiResponse, operation: Mapping[str, Any], document: Mapping[str, Any], what: str) -> None:
    described = operation["responses"].get(str(answer.status))
    assert described is not None, f"{what} -> {answer.status}"
    if "content" not in described:
        assert answer.body == b"", what
        return
    assert conforms(answer.json(), described["content"]["application/json"]["schema"], document), f"{what} -> {answer.json()}"
