"""Every refusal has its status and its headers."""

from typing import Any

import msgspec
import pytest

from ioruntime.faces.http.call import Call
from ioruntime.faces.http.errors import STATUS, MethodNotAllowedError, failure_of, openwhisk_form
from ioruntime.model import errors


async def no_body() -> dict[str, Any]:
    return {"type": "http.disconnect"}


CALL = Call({"method": "GET", "query_string": b"", "headers": []}, no_body, "transaction")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidError("x"), 400),
        (errors.MalformedBodyError("x"), 400),
        (errors.MalformedQueryError("q", "x"), 400),
        (errors.UnauthenticatedError(), 401),
        (errors.InvalidCredentialsError(), 401),
        (errors.ForbiddenError.to("x"), 403),
        (errors.NotFoundError(), 404),
        (MethodNotAllowedError(["GET"]), 405),
        (errors.ConcurrentModificationError(), 409),
        (errors.WrongCollectionError(), 409),
        (errors.AlreadyExistsError(), 409),
        (errors.TooLargeError("exec", 2, 1), 413),
        (errors.UnsupportedMediaTypeError(), 415),
        (errors.ThrottledError.concurrency(2, 1), 429),
        (errors.CorruptError(), 500),
        (errors.UnavailableError(), 503),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_status_and_body(error: Exception, status: int) -> None:
    reply = openwhisk_form(CALL, failure_of(error))
    assert (reply.status, msgspec.json.decode(reply.body)) == (status, {"error": str(error), "code": "transaction"})


def test_a_bug_tells_nothing() -> None:
    reply = openwhisk_form(CALL, failure_of(KeyError("secret")))
    assert (reply.status, msgspec.json.decode(reply.body)["error"]) == (500, "There was an internal server error.")


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (errors.UnauthenticatedError(), (b"www-authenticate", b'Basic realm="OpenWhisk secure realm"')),
        (errors.ThrottledError.rate(2, 1, retry_after_s=12.4), (b"retry-after", b"12")),
        (errors.UnavailableError(), (b"retry-after", b"1")),
        (MethodNotAllowedError(["GET", "PUT"]), (b"allow", b"GET, PUT")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_headers(error: Exception, header: tuple[bytes, bytes]) -> None:
    assert openwhisk_form(CALL, failure_of(error)).headers == (header,)


def test_the_tree_has_no_error_without_a_status() -> None:
    tree = errors.IoRuntimeError.__subclasses__()
    named = {kind for kind in tree if kind.__module__ == errors.__name__}
    assert named <= set(STATUS)
