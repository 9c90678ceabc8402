"""The ASGI application: finds the operation, runs it, and puts every refusal into the form of its face."""

import contextlib
import re
import time
from collections.abc import Sequence
from secrets import token_hex
from typing import Any, Protocol

import msgspec

from ioruntime.core.throttle import Guesses
from ioruntime.faces.http.call import WHOLE_ANSWER, Call, ClientGoneError, Receive, Recipe, Reply, Respond, Scope, Send
from ioruntime.faces.http.errors import (
    NOT_FOUND,
    ErrorForm,
    MethodNotAllowedError,
    OpenWhiskError,
    failure_of,
    openwhisk_form,
)
from ioruntime.faces.http.operation import Handler, Operation
from ioruntime.faces.http.router import Match, Router, split_path
from ioruntime.faces.http.streaming import StreamReply, send_pieces
from ioruntime.model.errors import InvalidCredentialsError, IoRuntimeError, NotFoundError, ThrottledError

_TRANSACTION_ID = re.compile(r"[\x21-\x7e]{1,128}")
_RESERVED = "sid_"


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """A group of operations below some prefixes, with their ways in common."""

    prefixes: tuple[str, ...]
    """Paths below these that match no operation are refused in this face's form."""
    operations: tuple[Operation, ...]
    error_form: ErrorForm = openwhisk_form
    error: Any = OpenWhiskError
    """Type of the body that `error_form` writes."""
    title: str = ""
    """The API's name for people; without one, its operations are in no description for people."""
    source: str | None = None
    """Path of its OpenAPI document, if it is served."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Added to every answer."""
    unmatched: Handler | None = None
    """Runs before a path without operation is refused; to ask for credentials first."""
    options: bool = False
    """True: OPTIONS on any path is answered with 200, the headers above and no body."""


class Observer(Protocol):
    """Hears of every request."""

    def answered(self, call: Call, status: int, *, took_s: float) -> None: ...

    def crashed(self, call: Call, error: Exception, /) -> None:
        """A bug: the client got a 500 that tells nothing."""
        ...


class Application:
    """Serves the operations of all faces."""

    def __init__(self, faces: Sequence[Face], observer: Observer, *, guesses: Guesses | None = None) -> None:
        """Serve these faces.

        Args:
            guesses: counts wrong credentials; None counts none.
        """
        self._guesses = guesses
        self.faces = tuple(faces)
        self._faces = sorted(
            ((prefix, face) for face in faces for prefix in face.prefixes), key=lambda pair: len(pair[0]), reverse=True
        )
        self._face_of = {
            id(operation): (face, f"{operation.method} {operation.path}") for face in faces for operation in face.operations
        }
        self._router = Router([operation for face in faces for operation in face.operations])
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started_s = time.perf_counter()
        call = Call(scope, receive, _transaction_id(scope))
        try:
            face, reply = await self._answer(call)
        except ClientGoneError:
            return
        if call.recipe is not None and (extension := call.scope.get("extensions", _NONE).get(WHOLE_ANSWER)):
            extension["learn"](Repeat(call, call.recipe, face, self._observer))
        if isinstance(reply, StreamReply):
            await self._stream(call, face, reply, receive, send)
        else:
            await _send(call, face, reply, send)
        self._observer.answered(call, reply.status, took_s=time.perf_counter() - started_s)

    async def _stream(self, call: Call, face: Face, reply: StreamReply, receive: Receive, send: Send) -> None:
        headers = [header for header in _headers(call, face, reply) if header[0] != b"content-length"]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        try:
            await send_pieces(reply, receive, send)
        except* Exception as group:  # noqa: BLE001 - the observer logs them with their tracebacks
            for error in group.exceptions:
                self._observer.crashed(call, error)

    async def _answer(self, call: Call) -> tuple[Face, Reply]:
        face: Face | None = None
        try:
            match = self._router.match(split_path(call.scope.get("raw_path") or call.scope["path"].encode()))
            operation = None if match is None else match.operation(call.method)
            if match is None or operation is None:
                face = self._face(call)
                return face, await self._refuse(face, call, match)
            call.params = match.params_of(call.method)
            face, call.operation = self._face_of[id(operation)]
            return face, await operation.handler(call)
        except ClientGoneError:
            raise
        except IoRuntimeError as error:
            face = face or self._face(call)
            return face, face.error_form(call, failure_of(self._counted(call, error)))
        except Exception as error:  # noqa: BLE001 - the observer logs it with its traceback
            self._observer.crashed(call, error)
            face = face or self._face(call)
            return face, face.error_form(call, failure_of(error))

    def _counted(self, call: Call, error: IoRuntimeError) -> IoRuntimeError:
        """Return what is said: of too many wrong credentials from one address, no more than that."""
        client = call.scope.get("client")
        if self._guesses is None or client is None or not isinstance(error, InvalidCredentialsError):
            return error
        try:
            self._guesses.count(client[0], time.monotonic())
        except ThrottledError as throttled:
            return throttled
        return error

    async def _refuse(self, face: Face, call: Call, match: Match | None) -> Reply:
        return await (self._unmatched(face, call) if match is None else self._other_method(face, call, sorted(match.methods)))

    def _face(self, call: Call) -> Face:
        """Find whose form a refusal takes when no operation says so."""
        path = "/" + call.scope["path"].lstrip("/")
        for prefix, face in self._faces:
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return face
        return _NO_FACE

    async def _unmatched(self, face: Face, call: Call) -> Reply:
        if face.options and call.method == "OPTIONS":
            return Reply.empty(200)
        if face.unmatched is not None:
            return await face.unmatched(call)
        raise NotFoundError(NOT_FOUND)

    async def _other_method(self, face: Face, call: Call, methods: list[str]) -> Reply:
        if face.options and call.method == "OPTIONS":
            return Reply.empty(200)
        if face.unmatched is not None:
            with contextlib.suppress(NotFoundError):
                await face.unmatched(call)
        raise MethodNotAllowedError(methods)


class Repeat:
    """Answers requests with a head that was answered before, by the recipe that its call left."""

    __slots__ = ("_face", "_given_id", "_observer", "_operation", "_recipe", "_scope")

    def __init__(self, call: Call, recipe: Recipe, face: Face, observer: Observer) -> None:
        self._recipe = recipe
        self._scope = call.scope
        self._operation = call.operation
        self._given_id = _given_id(call.scope)
        self._face = face
        self._observer = observer

    def begin(self, body: bytes, respond: Respond) -> bool:
        """See `Repeatable`."""
        started_s = time.perf_counter()
        call = Call(self._scope, _nothing_more, self._given_id or token_hex(16))
        call.operation = self._operation

        def answer(reply: Reply | IoRuntimeError) -> None:
            if isinstance(reply, IoRuntimeError):
                reply = self._face.error_form(call, failure_of(reply))
            respond(reply.status, _headers(call, self._face, reply), reply.body)
            self._observer.answered(call, reply.status, took_s=time.perf_counter() - started_s)

        return self._recipe.begin(body, call.transaction_id, answer)


async def _nothing_more() -> dict[str, Any]:
    raise ClientGoneError


async def _send(call: Call, face: Face, reply: Reply, send: Send) -> None:
    headers = _headers(call, face, reply)
    body = b"" if call.method == "HEAD" else reply.body
    if WHOLE_ANSWER in call.scope.get("extensions", ()):
        await send({"type": WHOLE_ANSWER, "status": reply.status, "headers": headers, "body": body})
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers(call: Call, face: Face, reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", call.transaction_id.encode("latin-1")), *face.headers, *reply.headers]
    if reply.content_type is not None:
        headers.append((b"content-type", reply.content_type))
    if reply.status not in {204, 304}:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    return headers


def _transaction_id(scope: Scope) -> str:
    return _given_id(scope) or token_hex(16)


def _given_id(scope: Scope) -> str | None:
    """Return the id that the client gave the request, if it is one."""
    for key, value in scope["headers"]:
        if key == b"x-request-id":
            text = value.decode("latin-1")
            return text if _TRANSACTION_ID.fullmatch(text) and not text.startswith(_RESERVED) else None
    return None


_NONE: dict[str, Any] = {}
_NO_FACE = Face(prefixes=(), operations=())
