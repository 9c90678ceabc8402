"""What describes an API: Swagger 2.0 with `x-openwhisk` telling which action is behind each operation *(pure)*.

A client either sends such a document whole, or one operation at a time, which is added to the document of its base path.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, TypeGuard, cast, get_args

import msgspec

from ioruntime.model.errors import InvalidError
from ioruntime.model.names import OWN_NAMESPACE, EntityPath

Swagger: TypeAlias = dict[str, Any]
ResponseType: TypeAlias = Literal["json", "http", "html", "svg", "text"]

VERBS = ("get", "put", "post", "delete", "patch", "head", "options")
RESPONSE_TYPES: dict[str, ResponseType] = {name: name for name in get_args(ResponseType)}
WHISK = "x-openwhisk"
SECURE_KEY = "x-require-whisk-auth"
_TEMPLATE = re.compile(r"\{[^{}/]+\}")
_VERSION = "1.0.0"


class Backend(msgspec.Struct, frozen=True):
    """The web action behind an operation."""

    path: EntityPath
    response_type: ResponseType
    secure_key: str | None = None
    """What the action wants in `X-Require-Whisk-Auth`."""


class RouteAction(msgspec.Struct, frozen=True, rename="camel"):
    """The action part of a route, as `wsk` and `aio` send it."""

    name: str
    namespace: str = OWN_NAMESPACE
    backend_url: str = ""
    secure_key: str | int | None = None


class Route(msgspec.Struct, frozen=True, rename="camel"):
    """One operation to add, as `wsk` and `aio` send it."""

    gateway_base_path: str
    gateway_path: str
    gateway_method: str
    action: RouteAction
    api_name: str | None = None


class _Whisk(msgspec.Struct, frozen=True):
    """`x-openwhisk` of an operation."""

    action: str
    namespace: str = OWN_NAMESPACE
    package: str = ""
    url: str = ""


def base_path_of(text: str) -> str:
    """Return a path as it is stored: one slash before it, none behind.

    Raises:
        InvalidError: it has characters that no URL has.
    """
    if not text.isprintable():
        raise InvalidError("A path of an API must have printable characters only.")
    return "/" + text.strip().strip("/")


def read_route(document: Any) -> Route:
    """Read one operation to add.

    Raises:
        InvalidError: a field is missing or wrong, and which.
    """
    try:
        route = msgspec.convert(document, Route)
    except msgspec.ValidationError as error:
        raise InvalidError(f"The apidoc is not valid: {error}") from error
    if route.gateway_method.lower() not in VERBS:
        raise InvalidError(f"The apidoc's gatewayMethod must be one of {', '.join(VERBS)}, not '{route.gateway_method}'.")
    return route


def backend_of_route(route: Route, namespace: str, response_type: str | None) -> Backend:
    """Find the action of a route.

    Args:
        namespace: the caller's own.
        response_type: what the client asked for beside the route; the end of the route's `backendUrl` says it too.

    Raises:
        InvalidError: no legal name, an unknown response type, or path parameters with one that is not `http`.
    """
    own = namespace if route.action.namespace == OWN_NAMESPACE else route.action.namespace
    name = route.action.name
    path = EntityPath.parse(name if name.startswith("/") else f"/{own}/{name}", own_namespace=namespace)
    wanted = response_type or _ending(route.action.backend_url) or "json"
    if wanted not in RESPONSE_TYPES:
        raise InvalidError(f"The response type must be one of {', '.join(RESPONSE_TYPES)}, not '{wanted}'.")
    if wanted != "http" and _TEMPLATE.search(route.gateway_path):
        raise InvalidError(f"The path '{route.gateway_path}' has parameters, which need the response type http.")
    key = route.action.secure_key
    return Backend(path, RESPONSE_TYPES[wanted], None if key is None else str(key))


def with_route(swagger: Swagger | None, route: Route, backend: Backend, url: str) -> Swagger:
    """Return the document with one operation more; an operation that is there already is replaced.

    Args:
        url: of the platform, for people who read the document.
    """
    base_path, verb = base_path_of(route.gateway_base_path), route.gateway_method.lower()
    relative = base_path_of(route.gateway_path)
    old: Swagger = swagger or {"swagger": "2.0", "info": {"title": base_path, "version": _VERSION}, "basePath": base_path}
    title = route.api_name or old["info"]["title"]
    paths: Swagger = old.get("paths", {})
    operation = _operation(verb, relative, backend, url)
    return old | {
        "info": old["info"] | {"title": title},
        "paths": paths | {relative: paths.get(relative, {}) | {verb: operation}},
    }


def read_swagger(text: Any, namespace: str) -> Swagger:
    """Read a whole document; each operation names its action afterwards.

    Args:
        text: JSON as text, or already read.
        namespace: the caller's own, for which `_` stands.

    Raises:
        InvalidError: it is not Swagger 2.0, or an operation has no action; the text says where.
    """
    document = _decoded(text)
    if document.get("swagger") != "2.0":
        raise InvalidError('The swagger document must have "swagger": "2.0"; other versions are not known.')
    if not isinstance(document.get("basePath"), str) or not _is_object(document.get("paths")) or not document["paths"]:
        raise InvalidError("The swagger document must have a basePath and paths.")
    base_path = base_path_of(document["basePath"])
    info: Swagger = document["info"] if _is_object(document.get("info")) else {}
    read = document | {"basePath": base_path, "info": {"title": base_path, "version": _VERSION} | info}
    paths: Swagger = document["paths"]
    read["paths"] = {base_path_of(p): _read_path(p, item, namespace) for p, item in paths.items() if p.startswith("/")}
    return read


def backends(swagger: Swagger) -> Iterator[tuple[str, str, Backend]]:
    """Yield path, verb and action of every operation that has one."""
    for path, verb, operation in operations(swagger):
        if WHISK in operation:
            yield path, verb, _backend(operation)


def operations(swagger: Swagger) -> Iterator[tuple[str, str, Swagger]]:
    """Yield path, verb and operation of all that a client can call."""
    for path, item in swagger["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield path, verb, item[verb]


def filtered(swagger: Swagger, path: str | None, verb: str | None) -> Swagger | None:
    """Return the document with those of its operations that match; None when none does."""
    return _kept(swagger, lambda p, v: (path is None or p == base_path_of(path)) and (verb is None or v == verb.lower()))


def without(swagger: Swagger, path: str | None, verb: str | None) -> Swagger | None:
    """Return the document without the operations that match; None when nothing is left."""
    return _kept(swagger, lambda p, v: (path is not None and p != base_path_of(path)) or (verb is not None and v != verb.lower()))


def _kept(swagger: Swagger, keep: Callable[[str, str], bool]) -> Swagger | None:
    paths: Swagger = {}
    for path, verb, _ in operations(swagger):
        if keep(path, verb):
            shared = {key: value for key, value in swagger["paths"][path].items() if key not in VERBS}
            paths.setdefault(path, shared)[verb] = swagger["paths"][path][verb]
    return swagger | {"paths": paths} if paths else None


def _operation(verb: str, path: str, backend: Backend, url: str) -> Swagger:
    target = backend.path
    package = target.package or "default"
    whisk = {
        "action": target.name,
        "namespace": target.namespace,
        "package": package,
        "url": f"{url}/api/v1/web/{target.namespace}/{package}/{target.name}.{backend.response_type}",
    }
    words = [word for word in re.split(r"\W+", path) if word]
    operation: Swagger = {
        "operationId": verb + "".join(word[:1].upper() + word[1:] for word in words),
        "responses": {"default": {"description": "Default response"}},
        WHISK: whisk,
    }
    if backend.secure_key is not None:
        operation[SECURE_KEY] = backend.secure_key
    names = [name.strip("{}") for name in _TEMPLATE.findall(path)]
    if names:
        operation["parameters"] = [{"name": name, "in": "path", "required": True, "type": "string"} for name in names]
    return operation


def _decoded(text: Any) -> Swagger:
    document = text
    if isinstance(text, str):
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidError(f"The swagger document is not JSON: {error}") from error
    if not _is_object(document):
        raise InvalidError("The swagger document must be an object.")
    return document


def _read_path(path: str, item: Any, namespace: str) -> Swagger:
    if not _is_object(item):
        raise InvalidError(f"The swagger document's path '{path}' must be an object.")
    return {key: _read_operation(path, key, value, namespace) if key in VERBS else value for key, value in item.items()}


def _read_operation(path: str, verb: str, operation: Any, namespace: str) -> Swagger:
    if not _is_object(operation):
        raise InvalidError(f"{verb} {path} of the swagger document must be an object.")
    operation = _naming_its_action(operation)
    if WHISK not in operation and verb == "options":
        return operation
    try:
        whisk = msgspec.convert(operation.get(WHISK), _Whisk)
        own = namespace if whisk.namespace == OWN_NAMESPACE else whisk.namespace
        read = operation | {WHISK: operation[WHISK] | {"namespace": own}}
        _backend(read)
    except (InvalidError, msgspec.ValidationError) as error:
        raise InvalidError(f"{verb} {path} of the swagger document must name its action in {WHISK}: {error}") from error
    return {"operationId": f"{verb}{path}"} | read


def _naming_its_action(operation: Swagger) -> Swagger:
    """Let `operationId` name the action, `namespace/package/action.json`, where nothing else does."""
    parts = str(operation.get("operationId", "")).split("/")
    if WHISK in operation or len(parts) != len(("namespace", "package", "action")):
        return operation
    namespace, package, action = parts
    name, dot, ending = action.rpartition(".")
    known = dot and ending in RESPONSE_TYPES
    whisk = {"namespace": namespace, "package": package, "action": name if known else action, "url": action}
    return operation | {WHISK: whisk}


def _backend(operation: Swagger) -> Backend:
    whisk = msgspec.convert(operation[WHISK], _Whisk)
    package = [whisk.package] if whisk.package else []
    key = operation.get(SECURE_KEY)
    path = EntityPath.of(whisk.namespace, *package, whisk.action)
    return Backend(path, _ending(whisk.url) or "http", None if key is None else str(key))


def _ending(url: str) -> ResponseType | None:
    """Return the extension at a URL's end."""
    return RESPONSE_TYPES.get(url.rpartition(".")[2])


def _is_object(value: Any) -> TypeGuard[Swagger]:
    return isinstance(value, dict) and all(isinstance(key, str) for key in cast("dict[object, object]", value))
