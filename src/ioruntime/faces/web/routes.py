"""Web actions over HTTP: everything below `/api/v1/web`, and again below `/runtime`; no rows, since any path may follow.

One handler takes it all: it finds the action before it reads the body, and makes one core call.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import cast

import msgspec

from ioruntime.core.web.exchange import Headers, WebRequest, WebResponse
from ioruntime.core.webactions import METHODS, Again, WebActions, WebTarget, cors_headers
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.auth import basic_identity, deploying_identity
from ioruntime.faces.http.call import Answer, Call, Reply
from ioruntime.faces.http.errors import Failure, MethodNotAllowedError, OpenWhiskError, failure_headers, failure_of
from ioruntime.faces.http.express import Freshness
from ioruntime.faces.web.address import PREFIXES, Address, parse_address
from ioruntime.faces.web.services import WebServices
from ioruntime.model.errors import ForbiddenError, IoRuntimeError, TooLargeError, UnauthenticatedError
from ioruntime.model.identity import Identity

_GATEWAY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"deny"),
    (b"x-xss-protection", b"1; mode=block"),
)


def face(services: WebServices) -> Face:
    """Build the face."""
    return Face(prefixes=PREFIXES, operations=(), error_form=pretty_form, unmatched=WebHandler(services).serve)


def pretty_form(call: Call, failure: Failure) -> Reply:
    """Answer as OpenWhisk does for web actions: indented, and without asking browsers for credentials."""
    body = msgspec.json.format(msgspec.json.encode(OpenWhiskError(failure.text, call.transaction_id)), indent=2)
    return Reply(failure.status, body, headers=failure_headers(failure))


class WebRecipe(msgspec.Struct, frozen=True):
    """Runs a web action once more (`faces/http/express.py`)."""

    web: WebActions
    again: Again
    freshness: Freshness
    finish: Callable[[Reply], Reply]

    def begin(self, body: bytes, transaction_id: str, answer: Answer) -> bool:
        """See `Recipe`."""
        if self.freshness.is_lost:
            return False

        def done(response: WebResponse | IoRuntimeError) -> None:
            answer(response if isinstance(response, IoRuntimeError) else self.finish(_reply_of(response)))

        try:
            return self.web.begin(self.again, body, done, code=transaction_id)
        except IoRuntimeError:
            return False  # the ordinary way says the same, and how


class WebHandler:
    """Translates requests to web actions."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._web = services.web

    async def serve(self, call: Call) -> Reply:
        """Run a web action."""
        if call.method not in METHODS:
            raise MethodNotAllowedError(list(METHODS))
        call.operation = f"{call.method} /api/v1/web/{{ns}}/{{package}}/{{action}}"
        raw_path: bytes = call.scope.get("raw_path") or call.scope["path"].encode()
        hosts = self._services.hosts
        named = None if hosts is None else hosts.namespace_of(call.scope["headers"])
        address = parse_address(raw_path, namespace=named)
        if hosts is not None and named is None and call.method != "OPTIONS":
            elsewhere = hosts.host_of(address.namespace, call.scope["headers"])
            if elsewhere is not None:
                return self._redirect(call, elsewhere, raw_path, address)
        return await self._serve(call, address)

    async def _serve(self, call: Call, address: Address) -> Reply:
        freshness = Freshness.now(self._services.authenticator, self._services.resolver)
        request = _request(call, address)
        target: WebTarget | None = None
        try:
            target = await self._web.find(request)
            request = await self._completed(call, request, address)
            response = await self._web.run(target, request)
        except IoRuntimeError as error:
            return self._reply(_refusal(call, error, cors_headers(target, request)))
        again = self._web.again(target, request)
        if again is not None:
            call.recipe = WebRecipe(self._web, again, freshness, self._reply)
        return self._reply(_reply_of(response))

    async def _completed(self, call: Call, request: WebRequest, address: Address) -> WebRequest:
        """Add what takes time: who calls, and the body."""
        caller = await self._caller(call, address)
        try:
            body, too_large = await call.body(limit_bytes=self._web.limits.payload_bytes), None
        except TooLargeError as error:
            body, too_large = b"", error
        if caller is None and not body and too_large is None:
            return request
        return msgspec.structs.replace(request, caller=caller, body=body, too_large=too_large)

    async def _caller(self, call: Call, address: Address) -> Identity | None:
        """Return whose valid credentials the request has; those that are not valid count as none."""
        if call.header(b"authorization") is None:
            return None
        call.params = {"ns": address.namespace}
        identify = basic_identity if address.mount == PREFIXES[0] else deploying_identity
        with suppress(UnauthenticatedError, ForbiddenError):
            return await identify(self._services.authenticator, call)
        return None

    def _redirect(self, call: Call, host: str, raw_path: bytes, address: Address) -> Reply:
        """Send the client to the namespace's own host, with a path that is one segment shorter."""
        below = raw_path.partition(b"?")[0].lstrip(b"/")[len(address.mount) :].partition(b"/")[2]
        query = cast("bytes", call.scope["query_string"])
        scheme = self._services.scheme or call.scope.get("scheme", "http")
        location = f"{scheme}://{host}{address.mount}/".encode() + below + (b"?" + query if query else b"")
        return Reply.empty(308, ((b"location", location), (b"access-control-allow-origin", b"*")))

    def _reply(self, reply: Reply) -> Reply:
        if not self._services.gateway_headers:
            return reply
        present = {name for name, _ in reply.headers}
        added = tuple(pair for pair in _GATEWAY_HEADERS if pair[0] not in present)
        return msgspec.structs.replace(reply, headers=(*reply.headers, *added))


def _request(call: Call, address: Address) -> WebRequest:
    return WebRequest(
        method=call.method,
        namespace=address.namespace,
        package=address.package,
        action=address.action,
        extension=address.extension,
        path=address.rest,
        query=call.scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in call.scope["headers"]),
        transaction_id=call.transaction_id,
    )


def _reply_of(response: WebResponse) -> Reply:
    headers = _encoded(response.headers)
    if response.activation_id is not None:
        headers = (*headers, (b"x-openwhisk-activation-id", response.activation_id.encode()))
    return Reply(response.status, response.body, None, headers)


def _refusal(call: Call, error: IoRuntimeError, cors: Headers) -> Reply:
    reply = pretty_form(call, failure_of(error))
    return msgspec.structs.replace(reply, headers=(*reply.headers, *_encoded(cors)))


def _encoded(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    return tuple([_header(pair) for pair in headers])


@lru_cache(1024)
def _header(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    return pair[0].encode(), _bytes(pair[1])


def _bytes(value: str) -> bytes:
    """Encode a header's value: as it came where that is possible, else in UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
