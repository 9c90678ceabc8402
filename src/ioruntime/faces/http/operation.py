"""One row per operation: it makes the route and the entry of the OpenAPI document, so the two cannot disagree."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import msgspec

from ioruntime.faces.http.call import Call, Reply

Method: TypeAlias = Literal["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]
Handler: TypeAlias = Callable[[Call], Awaitable[Reply]]
Security: TypeAlias = Literal["basic", "bearer", "none"]


class QueryParameter(msgspec.Struct, frozen=True):
    """A query parameter for the document; the handler reads and checks it."""

    name: str
    schema: dict[str, Any]
    description: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What one method on one path does.

    A path segment `{name}` stands for any one non-empty segment. A path that ends in `[/]` is met with and without
    the slash; one that ends in `/` only with it.
    """

    method: Method
    path: str
    handler: Handler
    answer: Any = None
    """Type of the body of a successful answer, or a tuple of the types it may have; None when there is none."""
    body: Any = None
    """Type of the request's body."""
    body_required: bool = True
    example: Any = None
    """A body to try it with; None: the document shows none."""
    query: tuple[QueryParameter, ...] = ()
    headers: tuple[QueryParameter, ...] = ()
    status: int = 200
    other_statuses: tuple[int, ...] = ()
    """Statuses of refusals that not every operation of its sort has."""
    other_answers: tuple[tuple[int, Any], ...] = ()
    """Statuses of answers that are no refusals, with the types of their bodies."""
    security: Security = "basic"
    hidden: bool = False
    """True: not in the OpenAPI document (aliases)."""

    @property
    def summary(self) -> str:
        """First line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]
