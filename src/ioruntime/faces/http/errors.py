"""Which HTTP status each refusal has, and the forms that error bodies take."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeAlias

import msgspec

from ioruntime.faces.http.call import Call, Reply
from ioruntime.model import errors

STATUS: dict[type[errors.IoRuntimeError], HTTPStatus] = {
    errors.InvalidError: HTTPStatus.BAD_REQUEST,
    errors.UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.GoneError: HTTPStatus.GONE,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ThrottledError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CorruptError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

INTERNAL_ERROR = "There was an internal server error."
NOT_FOUND = "The requested resource could not be found."
REALM = b'Basic realm="OpenWhisk secure realm"'


class MethodNotAllowedError(errors.IoRuntimeError):
    """The path is known, the method is not one of its own."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"HTTP method not allowed, supported methods: {', '.join(allowed)}")
        self.allowed = allowed


class Failure(msgspec.Struct, frozen=True):
    """A refusal, ready to be put into a face's own form."""

    status: int
    text: str
    error: Exception | None = None


ErrorForm: TypeAlias = Callable[[Call, Failure], Reply]


class OpenWhiskError(msgspec.Struct, frozen=True):
    """The body of every error of the OpenWhisk API."""

    error: str
    code: str
    """The transaction id."""


def failure_of(error: Exception) -> Failure:
    """Find the status of an exception; what is not in the tree is an internal error and says nothing of itself."""
    if isinstance(error, MethodNotAllowedError):
        return Failure(405, str(error), error)
    for kind in type(error).__mro__:
        if kind in STATUS:
            return Failure(STATUS[kind], str(error), error)
    return Failure(500, INTERNAL_ERROR, error)


def openwhisk_form(call: Call, failure: Failure) -> Reply:
    """Answer as OpenWhisk does: `{"error": text, "code": transaction id}`."""
    headers = failure_headers(failure)
    if failure.status == HTTPStatus.UNAUTHORIZED:
        headers = (*headers, (b"www-authenticate", REALM))
    return Reply.json(OpenWhiskError(failure.text, call.transaction_id), failure.status, headers)


def failure_headers(failure: Failure) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that a refusal has in every form: `Retry-After` and `Allow`."""
    match failure.error:
        case errors.ThrottledError(retry_after_s=seconds):
            return ((b"retry-after", str(round(seconds)).encode()),)
        case errors.UnavailableError():
            return ((b"retry-after", b"1"),)
        case MethodNotAllowedError(allowed=allowed):
            return ((b"allow", ", ".join(allowed).encode()),)
        case _:
            return ()
