"""What is sent to a receiver at once: an event or, to those that want it so, up to twenty (pure)."""

import uuid
from collections.abc import Iterator, Sequence

import msgspec

from ioruntime.model.event import Delivery, DeliveryType, Registration

BATCH_EVENTS = 20
BATCH_BYTES = 2 * 1024 * 1024

Headers = dict[str, str]


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries to one registration that share an attempt."""

    registration: Registration
    deliveries: tuple[Delivery, ...]
    is_batch: bool
    delivery_id: str
    """New for each attempt."""

    @property
    def attempt(self) -> int:
        return self.deliveries[0].attempt

    @property
    def body(self) -> bytes:
        """The event, or a JSON array of events."""
        contents = [bytes(delivery.event.content) for delivery in self.deliveries]
        return b"[" + b",".join(contents) + b"]" if self.is_batch else contents[0]

    @property
    def headers(self) -> Headers:
        """What tells the receiver about this attempt; of a batch, its first event speaks for all."""
        event = self.deliveries[0].event
        headers = {
            "x-request-id": self.delivery_id,
            "x-adobe-delivery-id": self.delivery_id,
            "x-adobe-event-id": event.event_id,
            "x-adobe-event-code": event.event_code,
            "x-adobe-provider": event.provider,
        }
        return headers | ({"x-adobe-retry-count": str(self.attempt)} if self.attempt else {})

    @property
    def text(self) -> str:
        """What is sent, for people."""
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        return "\n".join([*lines, "", self.body.decode(errors="replace")])


def pack(registration: Registration, deliveries: Sequence[Delivery]) -> Iterator[Parcel]:
    """Make parcels of deliveries, in their order; what is tried for another time than the rest goes apart."""
    is_batch = registration.delivery_type is DeliveryType.WEBHOOK_BATCH
    group: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        bytes_more = len(bytes(delivery.event.content)) + 1
        if group and (not is_batch or len(group) == BATCH_EVENTS or not _fits(group[0], delivery, size + bytes_more)):
            yield _parcel(registration, group, is_batch=is_batch)
            group, size = [], 0
        group.append(delivery)
        size += bytes_more
    if group:
        yield _parcel(registration, group, is_batch=is_batch)


def _fits(first: Delivery, delivery: Delivery, size: int) -> bool:
    return first.attempt == delivery.attempt and size < BATCH_BYTES


def _parcel(registration: Registration, group: Sequence[Delivery], *, is_batch: bool) -> Parcel:
    return Parcel(registration=registration, deliveries=tuple(group), is_batch=is_batch, delivery_id=str(uuid.uuid4()))
