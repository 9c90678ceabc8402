"""What makes a JSON object a CloudEvent 1.0 that can be routed, and what the platform adds to it (pure)."""

import re
from typing import Any, Self

import msgspec

from ioruntime.model.errors import InvalidError, MalformedBodyError
from ioruntime.model.names import check_size
from ioruntime.model.params import Arguments

EVENT_BYTES_MOST = 1024 * 1024
_VERSION = "1.0"
_URN = "urn:uuid:"
_LONGEST = 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OWN = ("eventid", "event_id", "recipientclientid", "recipient_client_id")


class CloudEvent(msgspec.Struct, frozen=True):
    """An event as its provider published it."""

    source: str
    type: str
    members: Arguments

    @classmethod
    def of(cls, members: Arguments) -> Self:
        """Check the members that every event must have.

        Raises:
            InvalidError: one is missing or not what it must be.
            TooLargeError: the event is too large.
        """
        for name in ("id", "source", "specversion", "type"):
            _text(members, name)
        version = _text(members, "specversion")
        if version != _VERSION:
            raise InvalidError(f"The event's specversion '{version}' is not supported, only {_VERSION}.")
        if "data" in members and "data_base64" in members:
            raise InvalidError("The event has both data and data_base64.")
        check_size("Event", sum(len(name) + len(bytes(value)) for name, value in members.items()), EVENT_BYTES_MOST)
        return cls(_text(members, "source"), _text(members, "type"), members)

    @property
    def provider(self) -> str:
        """The provider's id or name, which the source is or, as an id, leads to."""
        return self.source.removeprefix(_URN)

    def addressed(self, event_id: str, client_id: str) -> msgspec.Raw:
        """Encode the event for one recipient, with the platform's own members under both of their names."""
        added = {"eventid": event_id, "event_id": event_id, "recipientclientid": client_id, "recipient_client_id": client_id}
        kept = {name: value for name, value in self.members.items() if name not in _OWN}
        return msgspec.Raw(_ENCODER.encode(kept | added))


def read_one(body: bytes) -> CloudEvent:
    """Read an event that is the whole body.

    Raises:
        InvalidError, TooLargeError: it is no event.
    """
    return CloudEvent.of(_decode(body, dict[str, msgspec.Raw]))


def read_batch(body: bytes) -> list[CloudEvent]:
    """Read a JSON array of events.

    Raises:
        InvalidError, TooLargeError: one of them is no event, or there is none.
    """
    events = _decode(body, list[dict[str, msgspec.Raw]])
    if not events:
        raise InvalidError("The batch has no events.")
    return [CloudEvent.of(members) for members in events]


def _text(members: Arguments, name: str) -> str:
    if name not in members:
        raise InvalidError(f"The event has no '{name}', which CloudEvents require.")
    try:
        value = msgspec.json.decode(members[name], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"The event's '{name}' must be a text.") from error
    if not value or len(value) > _LONGEST or _CONTROL.search(value):
        raise InvalidError(f"The event's '{name}' must have 1 to {_LONGEST} characters, none of them a control character.")
    return value


def _decode(body: bytes, type_: Any) -> Any:
    try:
        if not body.isascii():
            body.decode()  # values are kept as they are, unread
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBodyError(str(error)) from error


_ENCODER = msgspec.json.Encoder()
