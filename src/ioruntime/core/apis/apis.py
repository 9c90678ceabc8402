"""The APIs of all namespaces: kept as notes, one for each base path, and looked up when a request comes."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ioruntime.core.apis.documents import (
    Backend,
    Swagger,
    backend_of_route,
    backends,
    base_path_of,
    filtered,
    read_route,
    read_swagger,
    with_route,
    without,
)
from ioruntime.core.apis.routes import Routes, compile_api
from ioruntime.core.entitlement import check_namespace
from ioruntime.core.resolve import Resolver
from ioruntime.model.errors import InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.identity import Identity
from ioruntime.model.names import OWN_NAMESPACE, check_size
from ioruntime.model.note import Note, note_path
from ioruntime.model.params import annotation
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import Collection, EntityStore
from ioruntime.ports.namespaces import NamespaceStore

_TOPIC = "api"
_PREFIX = note_path("", _TOPIC, "").key
_MOST = 10_000
_DOCUMENT_BYTES = 1024 * 1024


class Api(msgspec.Struct, frozen=True):
    """One API of a namespace."""

    namespace: str
    swagger: Swagger

    @property
    def base_path(self) -> str:
        return self.swagger["basePath"]

    @property
    def title(self) -> str:
        return self.swagger["info"]["title"]


class Apis:
    """Creates, shows, deletes and finds them."""

    def __init__(self, *, entities: EntityStore, namespaces: NamespaceStore, resolver: Resolver, clock: Clock, url: str) -> None:
        """
        Args:
            url: where clients reach the platform.
        """
        self._entities = entities
        self._namespaces = namespaces
        self._resolver = resolver
        self._clock = clock
        self._url = url
        self._routes: dict[str, Routes] = {}
        self._generation = 0

    def url_of(self, api: Api) -> str:
        """Return where clients call an API."""
        return f"{self._url}/apis/{api.namespace}{api.base_path}".rstrip("/")

    async def create(self, identity: Identity, apidoc: Any, *, response_type: str | None = None) -> Api:
        """Add an operation to the API of its base path, or replace a whole API by a document.

        Args:
            apidoc: a route as `wsk` sends it, or `{"swagger": document or its text}`; or the text of either.
            response_type: extension by which the route's action is asked.

        Raises:
            InvalidError: it is neither, or an action is no web action.
            ForbiddenError: it is for another's namespace, or an action is another's and not shared.
            TooLargeError: the document would be too large.
            ConflictError: somebody else changed the API at the same time.
        """
        given = _decoded(apidoc)
        namespace = given.get("namespace", OWN_NAMESPACE)
        if namespace != OWN_NAMESPACE:
            check_namespace(identity, str(namespace))
        if "swagger" in given:
            swagger = read_swagger(given if given["swagger"] == "2.0" else given["swagger"], identity.name)
            note = await self._note(identity.name, swagger["basePath"])
        else:
            route = read_route(given)
            backend = backend_of_route(route, identity.name, response_type)
            note = await self._note(identity.name, base_path_of(route.gateway_base_path))
            swagger = with_route(note.content.get("swagger"), route, backend, self._url)
        compile_api(swagger)
        for _, _, backend in backends(swagger):
            await self._check(identity, backend)
        return await self._write(note, swagger)

    async def find(
        self, identity: Identity, *, base_path: str | None = None, path: str | None = None, verb: str | None = None
    ) -> Sequence[Api]:
        """Return the caller's APIs with those of their operations that match.

        Args:
            base_path: with or without its slash; or the API's name.
        """
        found = [Api(note.path.namespace, note.content["swagger"]) for note in await self._notes(identity.name)]
        named = [api for api in found if base_path is None or _is_named(api, base_path)]
        shown = [(api, filtered(api.swagger, path, verb)) for api in sorted(named, key=lambda api: api.base_path)]
        return [Api(api.namespace, swagger) for api, swagger in shown if swagger is not None]

    async def delete(self, identity: Identity, base_path: str, *, path: str | None = None, verb: str | None = None) -> None:
        """Delete an API, one of its paths, or one operation.

        Raises:
            NotFoundError: the caller has no such API or operation.
            ConflictError: somebody else changed it at the same time.
        """
        notes = await self._notes(identity.name)
        note = next((n for n in notes if _is_named(Api(identity.name, n.content["swagger"]), base_path)), None)
        if note is None:
            raise NotFoundError(f"API '{base_path}' does not exist.")
        swagger: Swagger = note.content["swagger"]
        if filtered(swagger, path, verb) is None:
            raise NotFoundError(f"API '{base_path}' has no operation {verb or ''} {path or ''}.".replace("  ", " "))
        left = without(swagger, path, verb)
        if left is None:
            await self._entities.delete(note)
            self._forget(identity.name)
        else:
            await self._write(note, left)

    async def namespace_of(self, tenant: str) -> str:
        """Return the namespace that a name, or the uuid of a key, stands for."""
        found = await self._namespaces.by_uuid(tenant)
        return tenant if found is None else found.name

    async def routes(self, namespace: str) -> Routes:
        """Return the compiled routes of a namespace, or of none; remembered until an API changes."""
        routes = self._routes.get(namespace)
        if routes is not None:
            return routes
        generation = self._generation
        routes = Routes([note.content["swagger"] for note in await self._notes(namespace)])
        if routes and generation == self._generation:  # anybody may ask for names that do not exist: not remembered
            self._routes[namespace] = routes
        return routes

    def forget(self, namespace: str, key: str | None) -> None:
        """Drop the routes of a namespace when one of its APIs changed, or all of it went."""
        if key is None or key.startswith(_PREFIX):
            self._forget(namespace)

    def _forget(self, namespace: str) -> None:
        self._generation += 1
        self._routes.pop(namespace, None)

    async def _check(self, identity: Identity, backend: Backend) -> None:
        try:
            resolved = await self._resolver.runnable(identity, backend.path)
        except (NotFoundError, WrongCollectionError) as error:
            raise InvalidError(f"The API's action '/{backend.path}' does not exist.") from error
        if annotation(resolved.action.annotations, "web-export") is not True:
            raise InvalidError(f"The API's action '/{backend.path}' is not a web action: update it with web-export true.")

    async def _note(self, namespace: str, base_path: str) -> Note:
        found = await self._entities.read(note_path(namespace, _TOPIC, base_path))
        return found if isinstance(found, Note) else Note.of(namespace, _TOPIC, base_path, {})

    async def _notes(self, namespace: str) -> list[Note]:
        found = await self._entities.list(namespace, Collection.NOTES, limit=_MOST)
        return [note for note in found if isinstance(note, Note) and note.topic == _TOPIC]

    async def _write(self, note: Note, swagger: Swagger) -> Api:
        check_size("apidoc", len(msgspec.json.encode(swagger)), _DOCUMENT_BYTES)
        await self._entities.write(msgspec.structs.replace(note, content={"swagger": swagger}, updated_ms=self._clock.now_ms()))
        self._forget(note.path.namespace)
        return Api(note.path.namespace, swagger)


def _decoded(apidoc: Any) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(apidoc) if isinstance(apidoc, str) else apidoc
        return msgspec.convert(document, dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidError("The apidoc must be a JSON object, or the text of one.") from error


def _is_named(api: Api, wanted: str) -> bool:
    return api.base_path == base_path_of(wanted) or api.title == wanted
