"""What goes over NATS: JSON, which keeps arguments and results as the bytes that they are.

A field that is added has a default, and one that is not known is ignored: so processes of two neighbouring versions
understand each other, and a cluster is upgraded process by process. What cannot be done so gets another prefix in
`subjects`.
"""

from typing import Literal, TypeVar

import msgspec

from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import CorruptError
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.fleet import Member

T = TypeVar("T")

VERSION = 1


class Run(msgspec.Struct, frozen=True):
    """Run this."""

    controller: str
    """Who gets the outcome."""
    request: InvocationRequest
    version: int = VERSION


class Taken(msgspec.Struct, frozen=True):
    """Whether a request was taken."""

    taken: bool
    version: int = VERSION


class Answer(msgspec.Struct, frozen=True):
    """Here is the outcome; the invoker records it."""

    activation: Activation
    version: int = VERSION


class Beat(msgspec.Struct, frozen=True):
    """I am here."""

    member: Member
    leaving: bool = False
    version: int = VERSION


class Forget(msgspec.Struct, frozen=True):
    """Something changed."""

    kind: Literal["entity", "namespace", "gone"]
    namespace: str
    key: str | None = None
    version: int = VERSION


class Find(msgspec.Struct, frozen=True):
    """Who has this record?"""

    namespace: str
    activation_id: ActivationId
    version: int = VERSION


class Found(msgspec.Struct, frozen=True):
    """What this process knows of it."""

    name: str
    activation: Activation | None = None
    version: int = VERSION


class Hold(msgspec.Struct, frozen=True):
    """Which of these are with you? The answer is of the same form."""

    activation_ids: tuple[ActivationId, ...]
    version: int = VERSION


class Due(msgspec.Struct, frozen=True):
    """Events were stored for these registrations."""

    lanes: tuple[tuple[str, str], ...]
    version: int = VERSION


class Done(msgspec.Struct, frozen=True):
    """It is done, by this process."""

    name: str
    version: int = VERSION


def write(message: msgspec.Struct) -> bytes:
    return _encode(message)


def read(data: bytes, kind: type[T]) -> T:
    """Read a message.

    Raises:
        CorruptError: it is of another form.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptError from error


_encode = msgspec.json.Encoder().encode
