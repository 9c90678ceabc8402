"""One run of an action, and its record (OpenWhisk API contract, section 14)."""

import re
import secrets
from enum import IntEnum
from typing import NewType

import msgspec

from ioruntime.model.errors import InvalidError
from ioruntime.model.limits import ActionLimits
from ioruntime.model.params import Annotation, annotation

ActivationId = NewType("ActivationId", str)
"""32 lower-case hexadecimal digits."""

_ID = re.compile(r"[0-9a-f]{32}")
_ID_LENGTH = 32
EMPTY_OBJECT = msgspec.Raw(b"{}")


def new_activation_id() -> ActivationId:
    return ActivationId(secrets.token_hex(16))


def check_activation_id(text: str) -> ActivationId:
    """Return `text` as an id.

    Raises:
        InvalidError: wrong length or characters, in OpenWhisk's words.
    """
    if len(text) != _ID_LENGTH:
        raise InvalidError(f"Activation id length is {len(text)} but must be {_ID_LENGTH}.")
    if not _ID.fullmatch(text):
        raise InvalidError("The activation id is not valid.")
    return ActivationId(text)


class Status(IntEnum):
    """How an activation ended; the number is `statusCode` on the wire."""

    SUCCESS = 0
    APPLICATION_ERROR = 1
    """The action answered with an object that has the key `error`."""
    DEVELOPER_ERROR = 2
    """The action did not answer as an action must."""
    WHISK_ERROR = 3
    """The platform failed."""

    @property
    def text(self) -> str:
        """The word in the record's `response.status`."""
        return _STATUS_TEXT[self]


_STATUS_TEXT = ("success", "application error", "action developer error", "whisk internal error")


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one activation. Times are epoch milliseconds."""

    activation_id: ActivationId
    namespace: str
    """Of the invoker, not of the action."""
    name: str
    package: str | None = None
    """As invoked; the list's `name` filter reads `package/name`."""
    version: str
    subject: str
    start_ms: int
    end_ms: int | None = None
    duration_ms: int | None = None
    cause: ActivationId | None = None
    status: Status = Status.SUCCESS
    result: msgspec.Raw = EMPTY_OBJECT
    logs: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()

    @property
    def success(self) -> bool:
        return self.status == Status.SUCCESS

    @property
    def memory_mb(self) -> int:
        """What its sandbox might use, by the record's annotation; 0 when it does not say."""
        match annotation(self.annotations, "limits"):
            case ActionLimits(memory_mb=memory_mb) | {"memory": int(memory_mb)}:
                return memory_mb
            case _:
                return 0


def error_result(text: str) -> msgspec.Raw:
    """Build the result of an activation that failed with `text`."""
    return msgspec.Raw(msgspec.json.encode({"error": text}))
