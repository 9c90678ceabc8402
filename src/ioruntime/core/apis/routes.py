"""Which operation of a namespace's APIs a request meets: compiled once, then only looked up *(pure)*."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec

from ioruntime.core.apis.documents import Backend, Swagger, backends, operations
from ioruntime.core.apis.rates import Rate, rates_of
from ioruntime.core.apis.security import Alternatives, alternatives_of, named_clients, texts_of

_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset({"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class Guard(msgspec.Struct, frozen=True):
    """Who may call an operation, and how often."""

    clients: Alternatives = ()
    """By `x-client-ids` beside any `security`."""
    security: Alternatives = ()
    allowed_addresses: tuple[str, ...] | None = None
    """Addresses and networks, such as `10.0.0.0/8`."""
    """None: from everywhere."""
    refused_addresses: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()
    """For each key or client, or for all together where nobody needs either."""


class Target(msgspec.Struct, frozen=True):
    """What an operation does."""

    backend: Backend
    guard: Guard


class Options(msgspec.Struct, frozen=True):
    """How OPTIONS on a path is answered without running anything."""

    status: int
    headers: tuple[tuple[str, str], ...]


class ApiRoute(msgspec.Struct, frozen=True):
    """One path with all its operations."""

    segments: tuple[str | None, ...]
    """Base path included; None stands for a parameter."""
    names: tuple[str, ...]
    """Of the parameters, in order."""
    base: tuple[str, ...]
    """The segments of the base path."""
    targets: dict[str, Target]
    """By method, in capitals."""
    options: Options | None
    """None: the platform's own answer."""
    cors: bool

    @property
    def methods(self) -> list[str]:
        return sorted(self.targets)


class RouteMatch(msgspec.Struct, frozen=True):
    """A path that was found."""

    route: ApiRoute
    arguments: dict[str, str]
    """Path parameters."""
    rest: str
    """What follows the base path."""


class Routes:
    """All routes of a namespace."""

    def __init__(self, documents: Iterable[Swagger]) -> None:
        self._by_length: dict[int, list[ApiRoute]] = {}
        for document in documents:
            for route in compile_api(document):
                self._by_length.setdefault(len(route.segments), []).append(route)
        for routes in self._by_length.values():  # literal segments win, the first ones most
            routes.sort(key=lambda route: [segment is None for segment in route.segments])

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def match(self, segments: Sequence[str]) -> RouteMatch | None:
        """Find the route of an unescaped path."""
        for route in self._by_length.get(len(segments), ()):
            if all(mine is None or mine == its for mine, its in zip(route.segments, segments, strict=True)):
                values = [its for mine, its in zip(route.segments, segments, strict=True) if mine is None]
                rest = "/" + "/".join(segments[len(route.base) :])
                return RouteMatch(route, dict(zip(route.names, values, strict=True)), rest)
        return None


def compile_api(document: Swagger) -> list[ApiRoute]:
    """Turn a document into its routes.

    Raises:
        InvalidError: its guards are not what they must be; never of a stored one.
    """
    base = _segments(document["basePath"])
    targets: dict[str, dict[str, Target]] = {path: {} for path, _, _ in operations(document)}
    for path, verb, backend in backends(document):
        guard = _guard(document, document["paths"][path][verb])
        targets[path][verb.upper()] = Target(backend, guard)
    cors = _cors(document)
    return [_route(base, path, found, document["paths"][path], cors=cors) for path, found in targets.items()]


def _route(base: list[str], path: str, targets: dict[str, Target], item: Swagger, *, cors: bool) -> ApiRoute:
    parts = [*base, *_segments(path)]
    names = [part[1:-1] for part in parts if _is_parameter(part)]
    return ApiRoute(
        segments=tuple(None if _is_parameter(part) else part for part in parts),
        names=tuple(names),
        base=tuple(base),
        targets=targets,
        options=_static_options(item.get("options")),
        cors=cors,
    )


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")


def _guard(document: Swagger, operation: Swagger) -> Guard:
    def either(key: str) -> Any:
        return operation.get(key, document.get(key))

    return Guard(
        clients=named_clients(document, operation),
        security=alternatives_of(document, operation),
        allowed_addresses=texts_of(either("x-ip-allowlist")),
        refused_addresses=texts_of(either("x-ip-disallowlist")) or (),
        rates=rates_of(document.get("x-gateway-rate-limit")),
    )


def _static_options(operation: Any) -> Options | None:
    """Read `responses.*.headers.*.default` of an `options` operation."""
    for status, response in _object(_object(operation).get("responses")).items():
        defaults = {
            name.lower(): _object(header).get("default") for name, header in _object(_object(response).get("headers")).items()
        }
        headers = tuple((name, str(value)) for name, value in defaults.items() if value is not None)
        if headers and all(_is_legal(*pair) for pair in headers):
            return Options(int(status) if re.fullmatch("[2-5][0-9][0-9]", status) else 200, headers)
    return None


def _is_legal(name: str, value: str) -> bool:
    """Tell whether a header can be sent, and says nothing about the connection or the length."""
    return bool(_HEADER_NAME.fullmatch(name)) and name not in _OURS and value.isascii() and value.isprintable()


def _cors(document: Swagger) -> bool:
    configurations = (document.get("x-gateway-configuration"), document.get("x-ibm-configuration"))
    return not any(_object(_object(each).get("cors")).get("enabled") is False for each in configurations)


def _object(value: Any) -> Swagger:
    return cast("Swagger", value) if isinstance(value, dict) else {}
