"""Web actions: who may call, in whose name the action runs, and what comes back (OpenWhisk API contract, section 18).

An action with the annotation `web-export` is open to everybody by its URL. It runs in the name of the URL's namespace,
within that namespace's limits. What the request says becomes arguments (`web.arguments`), what the action answers
becomes a response (`web.result`), and responses that say so are given again without running it (`web.responsecache`).
"""

import hmac
from collections.abc import Callable
from typing import Any

import msgspec

from ioruntime.core.admission import Admission
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.invocation import EXTRA_LOGGING, Accepted, Invocations, Outcome
from ioruntime.core.resolve import Resolved, Resolver
from ioruntime.core.web.arguments import (
    NOT_ALLOWED,
    RESERVED,
    Context,
    context_of,
    encoded_context,
    fields_of,
    raw_fields_of,
    spliced,
)
from ioruntime.core.web.exchange import Headers, WebRequest, WebResponse, refusal
from ioruntime.core.web.mediatypes import accepts
from ioruntime.core.web.responsecache import ResponseCache
from ioruntime.core.web.result import render
from ioruntime.core.web.validators import AdobeValidator
from ioruntime.model.activation import Activation, Status
from ioruntime.model.errors import (
    ForbiddenError,
    InvalidError,
    IoRuntimeError,
    NotFoundError,
    UnauthenticatedError,
    WrongCollectionError,
)
from ioruntime.model.identity import Identity
from ioruntime.model.limits import Limits
from ioruntime.model.names import DEFAULT_PACKAGE, EntityPath, check_size
from ioruntime.model.params import Arguments, annotation, has_annotation
from ioruntime.ports.clock import Clock

METHODS = ("OPTIONS", "GET", "DELETE", "POST", "PUT", "HEAD", "PATCH")
CACHE_BYTES = 32 * 1024 * 1024

_UNAUTHENTICATED = "Authentication is possible but has failed or not yet been provided."
_FAILED = "There was an error processing your request."
_NOT_READY = "Response not yet ready."
_GUARDS = frozenset({"require-whisk-auth", "require-adobe-auth", "require-gw-validation"})
_CHECKED_ANEW = frozenset({"require-adobe-auth", "require-gw-validation"})
"""Annotations that make each request ask somebody whether it may."""
_REPEATED = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_CORS = frozenset({"access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"})
_MISSED = (("x-gw-cache", "MISS"),)
_ALLOWED_METHODS = ", ".join(METHODS)
_ALLOWED_HEADERS = "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"


class WebTarget(msgspec.Struct, frozen=True):
    """A web action, and who answers for what it does."""

    owner: Identity
    resolved: Resolved

    def annotation(self, key: str) -> Any:
        return annotation(self.resolved.action.annotations, key)

    @property
    def answers_options(self) -> bool:
        """True: the action itself answers OPTIONS and sets the headers for other origins."""
        return self.annotation("web-custom-options") is True


class Again(msgspec.Struct, frozen=True):
    """What requests with one head have in common; only their bodies differ."""

    target: WebTarget
    request: WebRequest
    """The first of them."""
    context: Context
    cors: Headers
    payload_bytes: int
    """The largest body."""
    keep: bool
    """Record it in any case."""


class WebActions:
    """Serves requests to web actions."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        resolver: Resolver,
        invocations: Invocations,
        admission: Admission,
        clock: Clock,
        cache: ResponseCache | None = None,
        adobe: bool = False,
    ) -> None:
        """Serve with these parts.

        Args:
            cache: where answers are kept; None keeps none.
            adobe: answer for an action that failed as Adobe's gateway does, not as OpenWhisk's controller.
        """
        self._authenticator = authenticator
        self._resolver = resolver
        self._invocations = invocations
        self._admission = admission
        self._clock = clock
        self._cache = cache
        self._adobe = adobe
        self._validator = AdobeValidator(authenticator.bearer)

    @property
    def limits(self) -> Limits:
        """What a request may bring."""
        return self._admission.limits

    async def serve(self, request: WebRequest) -> WebResponse:
        """Answer a request.

        An answer about an activation, refusals of its result among them, is returned. What comes before is raised.

        Raises:
            NotFoundError: no such namespace, action, or it is no web action.
            ThrottledError: the owner is over a limit.
            TooLargeError, InvalidError: the body, a final or a reserved parameter.
            UnauthenticatedError: the action wants credentials.
            UnavailableError: no invoker takes it.
        """
        return await self.run(await self.find(request), request)

    async def find(self, request: WebRequest) -> WebTarget:
        """Return the web action that a request names.

        Raises:
            NotFoundError: as `serve`.
        """
        try:
            path = EntityPath.of(request.namespace, request.package or DEFAULT_PACKAGE, request.action)
            owner, resolved = await self._authenticator.named(path.namespace), await self._resolver.action(path)
        except (InvalidError, WrongCollectionError, ForbiddenError) as error:
            raise NotFoundError from error
        if annotation(resolved.action.annotations, "web-export") is not True:
            raise NotFoundError
        return WebTarget(owner, resolved)

    async def run(self, target: WebTarget, request: WebRequest) -> WebResponse:
        """Answer a request to this web action.

        Raises:
            IoRuntimeError: as `serve`, but for what is not found.
        """
        response = await self._answer(target, request)
        added = cors_headers(target, request)
        if response.activation_id is not None:
            added = _not_said_by(response, added)
        return msgspec.structs.replace(response, headers=(*response.headers, *added))

    def again(self, target: WebTarget, request: WebRequest) -> "Again | None":
        """Work out what requests with the head of this one have in common; None: each must be answered for itself."""
        resolved, annotations = target.resolved, target.resolved.action.annotations
        is_checked_anew = any(a.key in _CHECKED_ANEW and a.value is not False for a in annotations)
        if request.method not in _REPEATED or is_checked_anew or target.annotation("raw-http") is True:
            return None
        if resolved.defaults or resolved.environment or resolved.final or resolved.is_composed:
            return None
        if self._cache is not None and _cache_key(target, request) is not None:
            return None
        context = encoded_context(request)
        if context is None:
            return None
        cors, payload_bytes = cors_headers(target, request), self._admission.limits_of(target.owner).payload_bytes
        return Again(target, request, context, cors, payload_bytes, request.header(EXTRA_LOGGING) == "on")

    def begin(self, again: "Again", body: bytes, done: Callable[[WebResponse | IoRuntimeError], None], *, code: str) -> bool:
        """Answer one more request with a known head, as `run` does; `done` is told once, later.

        Args:
            code: the transaction id.

        Returns:
            False when it takes a `run`; nothing was started.

        Raises:
            ThrottledError, UnavailableError: as `run`; nothing was started.
        """
        arguments = spliced(body, again.context) if len(body) <= again.payload_bytes else None
        if arguments is None:
            return False

        def ended(outcome: Outcome | IoRuntimeError) -> None:
            done(outcome if isinstance(outcome, IoRuntimeError) else self._shown(again, outcome, code))

        wait_ms = self.limits.blocking_wait_ms
        owner, resolved = again.target.owner, again.target.resolved
        return self._invocations.begin(owner, resolved, arguments, ended, transaction_id=code, wait_ms=wait_ms, keep=again.keep)

    def _shown(self, again: "Again", outcome: Outcome, code: str) -> WebResponse:
        response = self._rendered(outcome, again.request, code)
        marks = () if self._cache is None else _MISSED
        headers = (*response.headers, *marks, *_not_said_by(response, again.cors))
        return WebResponse(status=response.status, headers=headers, body=response.body, activation_id=outcome.activation_id)

    async def _answer(self, target: WebTarget, request: WebRequest) -> WebResponse:
        if self._cache is None:
            return await self._checked(target, request)
        key = _cache_key(target, request)
        kept = None if key is None else self._cache.find(key, request, self._clock.monotonic_s())
        if kept is not None and _is_accepted(kept, request):
            return _marked(kept, "HIT")
        response = await self._checked(target, request)
        if key is not None and response.activation_id is not None:
            self._cache.keep(key, request, response, self._clock.monotonic_s())
        return _marked(response, "MISS")

    async def _checked(self, target: WebTarget, request: WebRequest) -> WebResponse:
        """Check in the contract's order, then run."""
        self._admission.check(target.owner)
        if request.too_large is not None:
            raise request.too_large
        check_size("Request", len(request.body), self._admission.limits_of(target.owner).payload_bytes)
        if request.method == "OPTIONS":
            if not target.answers_options:
                return WebResponse(status=200)
        else:
            _check_whisk_auth(target, request)
            if target.annotation("require-gw-validation") is True and not request.through_gateway:
                raise UnauthenticatedError(_UNAUTHENTICATED)
            if target.annotation("require-adobe-auth") is True:
                refused = await self._validator.check(dict(reversed(request.headers)))
                if refused is not None:
                    return refusal(refused.status, refused.text)
        return await self._invoke(target, request)

    async def _invoke(self, target: WebTarget, request: WebRequest) -> WebResponse:
        resolved = target.resolved
        outcome = await self._invocations.invoke(
            target.owner,
            resolved if resolved.final.isdisjoint(RESERVED) else msgspec.structs.replace(resolved, final=frozenset()),
            _payload(target, request),
            transaction_id=request.transaction_id,
            wait_ms=self.limits.blocking_wait_ms,
            keep=request.header(EXTRA_LOGGING) == "on",
        )
        response = self._rendered(outcome, request, request.transaction_id)
        return msgspec.structs.replace(response, activation_id=outcome.activation_id)

    def _rendered(self, outcome: Outcome, request: WebRequest, code: str) -> WebResponse:
        if isinstance(outcome, Accepted):
            return refusal(202, _NOT_READY, code=code)
        result = _shown_result(outcome, adobe=self._adobe)
        if result is None:
            return refusal(400, _FAILED, code=code)
        try:
            response = render(result, request.extension)
        except InvalidError as error:
            return refusal(400, str(error), code=code)
        except NotFoundError as error:
            return refusal(404, str(error), code=code)
        if not _is_accepted(response, request):
            types = f"Resource representation is only available with these types:\n{response.header('content-type')}"
            return refusal(406, types, code=code)
        return response


def cors_headers(target: WebTarget | None, request: WebRequest) -> Headers:
    """Return the headers that let pages of other origins read the answer; none when the action sees to it itself."""
    if target is not None and target.answers_options:
        return ()
    return (
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", _ALLOWED_METHODS),
        ("access-control-allow-headers", request.header("access-control-request-headers") or _ALLOWED_HEADERS),
    )


def _not_said_by(response: WebResponse, added: Headers) -> Headers:
    """Leave out what an action says itself: one that names origins is not overruled, and twice is never right."""
    own = {name for name, _ in response.headers}
    return added if own.isdisjoint(_CORS) else tuple([pair for pair in added if pair[0] not in own])


def _payload(target: WebTarget, request: WebRequest) -> Arguments:
    if target.annotation("raw-http") is True:
        return raw_fields_of(request) | context_of(request)
    fields = fields_of(request)
    given = fields.keys() - RESERVED
    if not target.resolved.final.isdisjoint(given):
        raise InvalidError(NOT_ALLOWED)
    return fields | context_of(request)


def _check_whisk_auth(target: WebTarget, request: WebRequest) -> None:
    if not has_annotation(target.resolved.action.annotations, "require-whisk-auth"):
        return
    match target.annotation("require-whisk-auth"):
        case False:
            return
        case True if request.caller is not None:
            return
        case str() | int() | float() as secret if secret is not True:
            text = secret if isinstance(secret, str) else msgspec.json.encode(secret).decode()
            if hmac.compare_digest(text.encode(), (request.header("x-require-whisk-auth") or "").encode()):
                return
        case _:
            pass
    raise UnauthenticatedError(_UNAUTHENTICATED)


def _shown_result(activation: Activation, *, adobe: bool) -> msgspec.Raw | None:
    """Return what is shown of an activation; None when nothing is."""
    match activation.status:
        case Status.SUCCESS:
            return activation.result
        case Status.APPLICATION_ERROR:
            return _error_of(activation)
        case _:
            return _error_of(activation) if adobe else None


def _error_of(activation: Activation) -> msgspec.Raw | None:
    try:
        return msgspec.json.decode(activation.result, type=dict[str, msgspec.Raw]).get("error")
    except (msgspec.DecodeError, RecursionError):  # it is JSON for the action, which may hold half of a character
        return None


def _is_accepted(response: WebResponse, request: WebRequest) -> bool:
    accept, content_type = request.header("accept"), response.header("content-type")
    return not accept or content_type is None or accepts(accept, content_type.partition(";")[0].strip().lower())


def _cache_key(target: WebTarget, request: WebRequest) -> tuple[object, ...] | None:
    """Name what an answer depends on, beside headers; None when it depends on who asks.

    The revisions are part of it, so no answer outlives the code and the parameters that made it.
    """
    if request.method != "GET" or request.body or request.extra_arguments:
        return None
    by_caller = request.header("authorization") or request.header("x-require-whisk-auth")
    annotations = target.resolved.action.annotations
    guarded = any(a.key in _GUARDS and a.value is not False for a in annotations)
    if by_caller or guarded:
        return None
    resolved = target.resolved
    layers = (resolved.action, resolved.package, resolved.binding)
    revisions = tuple(layer.revision for layer in layers if layer is not None)
    return request.namespace, request.package, request.action, request.extension, request.path, request.query, revisions


def _marked(response: WebResponse, cache: str) -> WebResponse:
    return msgspec.structs.replace(response, headers=(*response.headers, ("x-gw-cache", cache)))
