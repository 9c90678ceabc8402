"""Everything the platform refuses or fails at, as one tree. Faces turn it into HTTP by one table.

A failed *action* is not here: it is an `Activation` with its status. Texts that clients compare come from the
OpenWhisk API contract and stand where they are raised or as defaults here.
"""


class IoRuntimeError(Exception):
    """What the platform says no to, or fails at; the message is for the person who asked."""


class InvalidError(IoRuntimeError):
    """A name, value or combination that is not allowed."""


class MalformedBodyError(InvalidError):
    """The request's body could not be read as what it must be."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"The request content was malformed:\n{detail}")


class MalformedQueryError(InvalidError):
    """A query parameter has a value outside of its rule."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"The query parameter '{name}' was malformed:\n{detail}")


class UnsupportedMediaTypeError(IoRuntimeError):
    """The body is of a type that the operation does not read."""

    def __init__(self, expected: str = "application/json") -> None:
        super().__init__(f"The request's Content-Type is not supported. Expected:\n{expected}")


class UnauthenticatedError(IoRuntimeError):
    """No credentials where some are needed."""

    def __init__(self, text: str = "The resource requires authentication, which was not supplied with the request") -> None:
        super().__init__(text)


class InvalidCredentialsError(UnauthenticatedError):
    """Credentials that are malformed, unknown, expired or wrong."""

    def __init__(self, text: str = "The supplied authentication is invalid") -> None:
        super().__init__(text)


class ForbiddenError(IoRuntimeError):
    """Valid credentials without the right."""

    def __init__(self, text: str = "The supplied authentication is not authorized to access this resource.") -> None:
        super().__init__(text)

    @classmethod
    def to(cls, resource: str) -> "ForbiddenError":
        """Refuse access to `ns/name`."""
        return cls(f"The supplied authentication is not authorized to access '{resource}'.")


class NotFoundError(IoRuntimeError):
    """No such thing."""

    def __init__(self, text: str = "The requested resource does not exist.") -> None:
        super().__init__(text)


class GoneError(IoRuntimeError):
    """It was there, and will not be again."""


class ConflictError(IoRuntimeError):
    """The state of the thing does not allow the change."""


class AlreadyExistsError(ConflictError):
    """Create without overwrite of what is there."""

    def __init__(self) -> None:
        super().__init__("resource already exists")


class WrongCollectionError(ConflictError):
    """The name belongs to an entity of another collection."""

    def __init__(self) -> None:
        super().__init__("Resource by this name exists but is not in this collection.")


class ConcurrentModificationError(ConflictError):
    """Somebody else wrote between our read and our write."""

    def __init__(self) -> None:
        super().__init__("Concurrent modification to resource detected.")


class TooLargeError(IoRuntimeError):
    """A part of the request is over its size limit."""

    def __init__(self, field: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"{field} larger than allowed: {size_bytes} > {limit_bytes} bytes.")


class ThrottledError(IoRuntimeError):
    """The namespace is over its rate or concurrency limit."""

    def __init__(self, text: str, *, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s

    @classmethod
    def rate(cls, count: int, allowed: int, *, retry_after_s: float) -> "ThrottledError":
        """Refuse for too many requests in a minute."""
        return cls(f"Too many requests in the last minute (count: {count}, allowed: {allowed}).", retry_after_s=retry_after_s)

    @classmethod
    def concurrency(cls, count: int, allowed: int) -> "ThrottledError":
        """Refuse for too many activations at once."""
        return cls(f"Too many concurrent requests in flight (count: {count}, allowed: {allowed}).", retry_after_s=1.0)


class UnavailableError(IoRuntimeError):
    """The platform cannot do it now; the same request may succeed later."""

    def __init__(
        self, text: str = "The server is currently unavailable (because it is overloaded or down for maintenance)."
    ) -> None:
        super().__init__(text)


class CorruptError(IoRuntimeError):
    """A stored document cannot be read."""

    def __init__(self) -> None:
        super().__init__("Resource is corrupted and cannot be read.")
