"""Calls of APIs: from a path to a route, from the route to its web action."""

from contextlib import suppress

from ioruntime.core.apis.guarding import check_address
from ioruntime.core.apis.routes import ApiRoute, Guard, RouteMatch, Target
from ioruntime.core.apis.security import TokenNeededError, identify, wants_token
from ioruntime.core.web.exchange import Headers, WebRequest, WebResponse
from ioruntime.core.webactions import METHODS
from ioruntime.faces.gateway.errors import TokenInvalidError, TokenMissingError
from ioruntime.faces.gateway.services import GatewayServices
from ioruntime.faces.http.auth import basic_identity, bearer_token
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import MethodNotAllowedError
from ioruntime.faces.http.router import split_path
from ioruntime.model.errors import InvalidCredentialsError, NotFoundError, UnauthenticatedError
from ioruntime.model.identity import Identity
from ioruntime.ports.tokens import Claims

_SECURE_HEADER = "x-require-whisk-auth"
_ALLOWED_HEADERS = "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"
_NO_ROUTE = "The API has no such path."


class ServingHandler:
    """Serves everything below `/apis` and `/api`."""

    def __init__(self, services: GatewayServices) -> None:
        self._services = services

    async def serve(self, call: Call) -> Reply:
        """Run the web action behind a path of an API."""
        if call.method not in METHODS:
            raise MethodNotAllowedError(list(METHODS))
        namespace, segments = await self._address(call)
        match = (await self._services.apis.routes(namespace)).match(segments)
        if match is None:
            raise NotFoundError(_NO_ROUTE)
        call.operation = f"{call.method} /apis/{{ns}}/{{path}}"
        target = match.route.targets.get(call.method)
        if target is not None:
            return await self._run(call, namespace, match, target)
        if call.method == "OPTIONS":
            return _options(call, match.route)
        raise MethodNotAllowedError(match.route.methods)

    async def _address(self, call: Call) -> tuple[str, list[str]]:
        """Return whose API it is, and the segments from the base path on."""
        mount, *segments = split_path(call.scope.get("raw_path") or call.scope["path"].encode())
        if segments and not segments[-1]:
            segments.pop()
        named = self._services.namespace_of_host(call.scope["headers"]) if mount == "apis" else None
        if named is not None:
            return named, segments
        if not segments:
            raise NotFoundError(_NO_ROUTE)
        tenant, *segments = segments
        return tenant if mount == "apis" else await self._services.apis.namespace_of(tenant), segments

    async def _run(self, call: Call, namespace: str, match: RouteMatch, target: Target) -> Reply:
        await self._check(call, target.guard, (namespace, *match.route.base))
        backend = target.backend
        request = WebRequest(
            method=call.method,
            namespace=backend.path.namespace,
            package=backend.path.package,
            action=backend.path.name,
            extension=backend.response_type,
            path=match.rest,
            query=call.scope["query_string"].decode("latin-1"),
            headers=_headers(call, backend.secure_key),
            body=await call.body(limit_bytes=self._services.web.limits.payload_bytes),
            caller=await self._caller(call),
            transaction_id=call.transaction_id,
            extra_arguments=match.arguments,
            through_gateway=True,
        )
        return _reply(await self._services.web.serve(request))

    async def _check(self, call: Call, guard: Guard, api: tuple[str, ...]) -> None:
        client = call.scope.get("client")
        check_address(guard, client[0] if client else "")
        who: str | None = None
        if guard.clients or guard.security:
            who = await self._identify(call, guard)
        now_s = self._services.clock.monotonic_s()
        for rate in guard.rates:
            self._services.rates.count(rate, (*api, who), now_s)

    async def _identify(self, call: Call, guard: Guard) -> str | None:
        """Return who calls, as far as the operation asks for it."""
        claims: Claims | None = None
        token = bearer_token(call) if wants_token((*guard.clients, *guard.security)) else None
        if token is not None:
            try:
                claims = await self._services.authenticator.bearer(token)
            except InvalidCredentialsError as error:
                raise TokenInvalidError from error
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.scope["headers"]}
        try:
            client = identify(guard.clients, claims, headers)
            return identify(guard.security, claims, headers) or client
        except TokenNeededError as error:
            raise TokenMissingError from error

    async def _caller(self, call: Call) -> Identity | None:
        """Return whose valid key the request has; one that is not valid counts as none."""
        if call.header(b"authorization") is None:
            return None
        with suppress(UnauthenticatedError):
            return await basic_identity(self._services.authenticator, call)
        return None


def _options(call: Call, route: ApiRoute) -> Reply:
    """Answer without running anything: as the document says, else as for every page."""
    if route.options is not None:
        headers = tuple((name.encode(), value.encode()) for name, value in route.options.headers)
        return Reply.empty(route.options.status, headers)
    if not route.cors:
        raise MethodNotAllowedError(route.methods)
    wanted = call.header(b"access-control-request-headers")
    return Reply.empty(
        200,
        (
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", ", ".join(["OPTIONS", *route.methods]).encode()),
            (b"access-control-allow-headers", (wanted or _ALLOWED_HEADERS).encode("latin-1")),
        ),
    )


def _headers(call: Call, secure_key: str | None) -> Headers:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in call.scope["headers"]]
    if secure_key is None:
        return tuple(headers)
    return (*(pair for pair in headers if pair[0] != _SECURE_HEADER), (_SECURE_HEADER, secure_key))


def _reply(response: WebResponse) -> Reply:
    headers = tuple((name.encode(), _bytes(value)) for name, value in response.headers)
    if response.activation_id is not None:
        headers = (*headers, (b"x-openwhisk-activation-id", response.activation_id.encode()))
    return Reply(response.status, response.body, None, headers)


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
